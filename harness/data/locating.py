"""How much of a data set of files is there; where nothing is, it is fetched."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from harness.data.dataset import DatasetNotFound, FileDataset, Split
from harness.errors import DataError, HarnessError
from harness.storage.disk import disk_errors

Fetch = Callable[[FileDataset, Path], None]
"""Downloads a data set to its folder, ``<data folder>/<name>``; raises `HarnessError` where that cannot be done."""


def missing_images(dataset: FileDataset, folder: Path, fetch: Fetch | None = None) -> list[tuple[str, int, int]]:
    """Return (split, found, expected) of each split that lacks images; a set that is not there is fetched first.

    Raises `DatasetNotFound` where nothing is there, with the reason why ``fetch`` did not help, and `DataError` where a
    whole split is not.
    """
    try:
        with disk_errors(folder):
            return _missing(dataset, folder)
    except DatasetNotFound as absent:
        if fetch is None or not dataset.remote_files:
            raise
        try:
            fetch(dataset, folder)
        except HarnessError as error:
            reason = "; ".join([error.message, *error.faults])
            raise DatasetNotFound(
                f"{absent.message}, and downloading did not work: {reason}", fix=absent.fix
            ) from error
    return _missing(dataset, folder)


def completion(dataset: FileDataset) -> str:
    """Return how a partial set is completed."""
    command = f"complete it with `harness data fetch {dataset.name}`, or " if dataset.remote_files else ""
    return f"{command}add the missing images"


def _missing(dataset: FileDataset, folder: Path) -> list[tuple[str, int, int]]:
    counts: list[tuple[str, int, int]] = []
    unlabelled: list[DatasetNotFound] = []
    for split in get_args(Split):
        try:
            samples = dataset.samples(folder, split)
        except DatasetNotFound as error:
            unlabelled.append(error)
            continue
        counts.append((split, sum(sample.path.is_file() for sample in samples), len(samples)))
    if any(found for _, found, _ in counts):  # one split is here: the other is lost, not absent
        if unlabelled:
            raise DataError(unlabelled[0].message, fix=unlabelled[0].fix)
        if lost := [f"{split}: 0 of {expected} images" for split, found, expected in counts if not found]:
            raise DataError(
                f"a whole split of {dataset.name} is missing in {folder}",
                faults=lost,
                fix=completion(dataset),
            )
    else:
        raise DatasetNotFound(
            unlabelled[0].message if unlabelled else f"no images of {dataset.name} below {folder}",
            fix=dataset.remedy(folder),
        )
    return [count for count in counts if count[1] < count[2]]
