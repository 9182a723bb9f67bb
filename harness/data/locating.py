"""Where a plan's images are and how many of them; where nothing is, they are fetched, or a substitute stands in."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from harness import plugins
from harness.data.completeness import ImageCount, completion, label_faults, lacking
from harness.data.dataset import Dataset, Sample, Split
from harness.errors import DataError, DatasetNotFound, HarnessError, MachineError
from harness.storage.disk import disk_errors

Fetch = Callable[[Dataset, Path], None]
"""Downloads a data set to its folder, ``<data folder>/<name>``; raises `HarnessError` where that cannot be done."""


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Which images a run reads: everything that decides a pixel, a label or a split, and what was missing.

    ``missing`` holds the splits of a partial set that lack images; ``fallback_for`` names the real data set that a
    simulated one stands in for, and ``fallback_reason`` says why.
    """

    name: str
    folder: str | None
    size: int
    validation_fraction: float
    split_seed: int
    missing: tuple[ImageCount, ...] = ()
    fallback_for: str | None = None
    fallback_reason: str = ""

    def dataset(self) -> Dataset:
        """Return the data set itself."""
        return load_dataset(self.name)

    def samples(self, split: Split) -> list[Sample]:
        """Return the labelled images of ``split`` that are here, by id."""
        samples = self.dataset().samples(Path(self.folder or ""), split)
        return [sample for sample in samples if sample.is_here]


def load_dataset(name: str) -> Dataset:
    """Return the data set registered as ``name``."""
    kind = plugins.load(plugins.DATASETS, name)
    dataset: Dataset = kind()
    return dataset


def data_folder(option: Path | None) -> Path:
    """Return the data folder: the option, then HARNESS_DATA (read now), then the user's cache.

    Raises `MachineError` for a user without a home folder.
    """
    if option is not None:
        return option.absolute()
    if variable := os.environ.get("HARNESS_DATA"):
        return Path(variable).absolute()
    try:
        return platformdirs.user_cache_path("prune-harness").expanduser() / "data"
    except RuntimeError:  # neither HOME nor an entry among the users
        raise MachineError(
            "there is no data folder: this user has no home folder", fix="name one by --data-dir or HARNESS_DATA"
        ) from None


def resolve_data(
    plan: DataPlan, root: Path | None, *, allow_missing: bool, real_only: bool, fetch: Fetch | None = None
) -> DataPlan:
    """Return ``plan`` with its folder found, its missing images counted, or its simulated substitute in its place.

    With ``fetch`` a set that is not there at all is downloaded where that can be done; a partial one never is. Raises
    `DataError` for unusable labels, a partial set without ``allow_missing``, or, with ``real_only``, a set that is not
    there at all.
    """
    dataset = load_dataset(plan.name)
    if not dataset.in_folder:
        return plan
    folder = data_folder(root) / plan.name
    try:
        missing = _missing_images(dataset, folder, fetch)
    except DatasetNotFound as error:
        if dataset.substitute is None or real_only:
            raise DatasetNotFound(error.message, faults=error.faults, fix=error.fix) from None
        reason = error.message
        return replace(plan, name=dataset.substitute, fallback_for=plan.name, fallback_reason=reason)
    if missing and not allow_missing:
        raise DataError(
            f"{plan.name} in {folder} is not complete",
            faults=[*map(str, missing), *label_faults(dataset, folder)],
            fix=f"{completion(dataset)}, or run on the partial set with --allow-missing (stamped on every result)",
        )
    return replace(plan, folder=str(folder), missing=tuple(missing))


def _missing_images(dataset: Dataset, folder: Path, fetch: Fetch | None = None) -> list[ImageCount]:
    """Return each split that lacks images; a set that is not there is fetched first.

    Raises `DatasetNotFound` where nothing is there, with the reason why ``fetch`` did not help, and `DataError` where a
    whole split is not.
    """
    try:
        with disk_errors(folder):
            return lacking(dataset, folder)
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
    return lacking(dataset, folder)
