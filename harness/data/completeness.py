"""Whether a data set in a folder is whole: images held against labels, and labels against the publisher's counts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.data.dataset import WHOLE, Dataset, Sample, by_split, fetch_command
from harness.data.labelled import labelled
from harness.errors import DataError, DatasetNotFound
from harness.storage.disk import sha256_of

_EXAMPLES = 3


class ImageCount(NamedTuple):
    """How many labelled images of a split are here, and how many there are. A tuple: it is part of what is published.

    There are as many as the publisher says, or as are labelled where that is not known.
    """

    split: str
    found: int
    expected: int

    def __str__(self) -> str:
        return f"{self.split}: {self.found} of {self.expected} images"


def lacking(dataset: Dataset, folder: Path) -> list[ImageCount]:
    """Return each split that lacks images or labels.

    Raises `DatasetNotFound` where nothing is there, and `DataError` where a whole split is not, or where labels are not
    the publisher's: more of a class than there are.
    """
    samples = by_split(labelled(dataset, folder))
    counts = [_count(dataset, split, samples.get(split, [])) for split in _splits(dataset, samples)]
    if not any(count.found for count in counts):
        raise DatasetNotFound(f"no images of {dataset.name} below {folder}", fix=dataset.remedy(folder))
    if lost := [str(count) for count in counts if not count.found]:
        raise DataError(f"a whole split of {dataset.name} is missing in {folder}", faults=lost, fix=completion(dataset))
    _require_official(dataset, folder, samples)
    return [count for count in counts if count.found < count.expected]


def completion(dataset: Dataset) -> str:
    """Return how a partial set is completed."""
    command = f"complete it with `{fetch_command(dataset)}`, or " if dataset.remote_files else ""
    return f"{command}add the missing images"


def label_faults(dataset: Dataset, folder: Path) -> list[str]:
    """Return, for each split whose labels are not as many as the publisher's, both counts; then images without one."""
    samples = labelled(dataset, folder)
    return [*_other_counts(dataset, by_split(samples)).values(), *_without_label(dataset, samples)]


def remarks(dataset: Dataset, folder: Path) -> list[str]:
    """Return what a user should know of a set that can be used.

    What it says itself, which images have no label, which label files are of other bytes than the known ones.
    """
    notes = [*dataset.remarks(folder)]
    notes += [f"{dataset.name}: {text}" for text in _without_label(dataset, labelled(dataset, folder))]
    for remote in dataset.remote_files if dataset.official_counts else ():
        path, known = folder / remote.name, remote.sha256 or remote.seen_sha256
        if remote.unpacks_to is None and known and path.is_file() and (found := sha256_of(path)) != known:
            notes.append(
                f"{path} is not the known label file, by its sha256 {found}: other labels, or only another spelling or"
                f" line end; `{fetch_command(dataset)}` gets the known one once it is moved away"
            )
    return notes


def classes(samples: Sequence[Sample]) -> tuple[int, int]:
    """Return how many samples are negative and how many positive."""
    positives = sum(sample.label for sample in samples)
    return len(samples) - positives, positives


def official(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Return (negatives, positives) by the publisher, of each split or of all."""
    return {split or WHOLE: counts for split, counts in dataset.official_counts.items()}


def _splits(dataset: Dataset, samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    return list(dict.fromkeys([*official(dataset), *samples]))


def _count(dataset: Dataset, split: str, samples: Sequence[Sample]) -> ImageCount:
    known = official(dataset).get(split)
    expected = len(samples) if known is None else sum(known)
    return ImageCount(split, sum(sample.is_here for sample in samples), expected)


def _other_counts(dataset: Dataset, samples: Mapping[str, Sequence[Sample]]) -> dict[str, str]:
    """Return a sentence for each split whose labels, counted by class, are not as many as the publisher's."""
    return {
        split: f"{split}: {own[1]} positives and {own[0]} negatives labelled, {known[1]} and {known[0]} by the"
        " publisher"
        for split, known in official(dataset).items()
        if (own := classes(samples.get(split, []))) != known
    }


def _require_official(dataset: Dataset, folder: Path, samples: Mapping[str, Sequence[Sample]]) -> None:
    """Raise `DataError` where a class has more labels than its publisher gave: no part of that set, but another."""
    others, known = _other_counts(dataset, samples), official(dataset)
    if any(own > theirs for split in others for own, theirs in zip(classes(samples[split]), known[split], strict=True)):
        raise DataError(
            f"the labels in {folder} are not those of {dataset.name}",
            faults=list(others.values()),
            fix=f"move the label files away and get the publisher's (`{fetch_command(dataset)}`); other labels"
            " are a data set of their own name",
        )


def _without_label(dataset: Dataset, samples: Sequence[Sample]) -> Iterator[str]:
    """Tell of each folder of images how many have no label in any split."""
    if dataset.selective:
        return
    paths = {sample.path for sample in samples if sample.path is not None}
    kinds = {path.suffix.lower() for path in paths}
    for place in sorted({path.parent for path in paths}):
        images = sorted(
            path for path in place.glob("*") if path.suffix.lower() in kinds and not path.name.startswith(".")
        )
        if extra := [path.name for path in images if path not in paths]:
            shown = ", ".join(extra[:_EXAMPLES])
            yield f"{place.name}: {len(extra)} images have no label and are not used, such as {shown}"
