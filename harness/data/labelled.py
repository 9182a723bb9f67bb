"""The labelled images of a data set, held to the contract before anything else sees them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.data.dataset import SPLITS, WHOLE, Dataset, Sample, by_split
from harness.errors import DataError, HarnessError, text_of
from harness.storage.disk import disk_errors

_SHOWN = 10


def labelled(dataset: Dataset, folder: Path) -> list[Sample]:
    """Return every labelled image of a data set, sorted by id.

    Raises what `Dataset.samples` may raise, and `DataError` naming the data set where its code raises anything else or
    gives what is no labelled image.
    """
    try:
        with disk_errors(folder):
            samples = _listed(dataset, folder)
    except HarnessError as error:
        if dataset.name in str(error) or str(folder) in str(error):
            raise
        told = f"data set {dataset.name!r}: {error.message}"
        raise type(error)(told, faults=error.faults, fix=error.fix) from error
    except Exception as error:
        raise at_fault(dataset, f"cannot list its images: {text_of(error)}") from error
    if faults := list(_faults(samples)):
        shown = [*faults[:_SHOWN], *([f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else [])]
        raise at_fault(dataset, f"lists images with {len(faults)} faults", shown)
    return sorted(samples, key=lambda sample: sample.id)


def _listed(dataset: Dataset, folder: Path) -> list[Sample]:
    try:
        return list(dataset.samples(folder))
    except (FileNotFoundError, NotADirectoryError) as error:  # the disk's fault is any other OSError
        raise at_fault(dataset, f"cannot list its images: {text_of(error)}") from error


def require_both_classes(name: str, samples: Sequence[Sample]) -> None:
    """Raise `DataError` naming each split without a positive or without a negative."""
    faults = []
    for split, own in by_split(samples).items():
        positives = sum(sample.label for sample in own)
        if not 0 < positives < len(own):
            what = "the whole set" if split == WHOLE else f"the {split} split"
            faults.append(f"{what} has {positives} positives in {len(own)} images")
    if faults:
        raise DataError(
            f"FNR and FPR are undefined on {name}", faults=faults, fix="both classes are needed in every split"
        )


def _faults(samples: Sequence[Sample]) -> Iterator[str]:
    seen: set[str] = set()
    for place, sample in enumerate(samples):
        if not isinstance(sample, Sample):
            yield f"number {place} is a {type(sample).__name__}, not a Sample"
            continue
        if not isinstance(sample.id, str) or not sample.id:
            yield f"number {place} has the id {sample.id!r}, not a text"
        elif sample.id in seen:
            yield f"the id {sample.id!r} is there again"
        else:
            seen.add(sample.id)
        if type(sample.label) is not int or sample.label not in (0, 1):
            yield f"{sample.id!r} has the label {sample.label!r}, not 0 or 1"
        if sample.split not in (*SPLITS, None):
            yield f"{sample.id!r} is in the split {sample.split!r}, not one of {', '.join(SPLITS)}"
        if sample.path is not None and not isinstance(sample.path, Path):
            yield f"{sample.id!r} has a path that is a {type(sample.path).__name__}, not a pathlib.Path"
        if sample.group is not None and not isinstance(sample.group, str):
            yield f"{sample.id!r} has the group {sample.group!r}, not a text"
    real = [sample for sample in samples if isinstance(sample, Sample)]
    if 0 < (unsplit := sum(sample.split is None for sample in real)) < len(real):
        yield f"{unsplit} of {len(real)} images are in no split: either all are, or none is"


def at_fault(dataset: Dataset, what: str, faults: Sequence[str] = ()) -> DataError:
    """Return the error of a data set whose own code or labels are wrong; ``what`` it does, in words."""
    return DataError(
        f"data set {dataset.name!r} (of {type(dataset).__module__}) {what}",
        faults=faults,
        fix=f"mend its labels or its code; `harness check {dataset.name}` tries it",
    )
