"""Where a plan's images are and how many of them; where nothing is, they are fetched, or a substitute stands in."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from harness.data.asked import Asked
from harness.data.completeness import ImageCount, completion, label_faults, lacking
from harness.data.dataset import Dataset, Sample
from harness.data.draw import Cutting
from harness.data.labelled import labelled
from harness.errors import DataError, DatasetNotFound, HarnessError, MachineError
from harness.images.decoding import Conversion
from harness.storage.disk import disk_errors

Fetch = Callable[[Dataset, Path], None]
"""Downloads a data set to its folder, ``<data folder>/<name>``; raises `HarnessError` where that cannot be done."""


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Which images a run reads: everything that decides a pixel, a label or a split, and what was missing.

    ``cutting`` says how they are cut. ``missing`` holds the splits of a partial set that lack images; ``fallback_for``
    names the real data set that a simulated one stands in for, and ``fallback_reason`` says why. ``stage`` is the key
    of its images in the store once they were read: who has that looks at no file of the set, which may be elsewhere.
    """

    asked: Asked
    folder: str | None
    size: int
    cutting: Cutting
    conversion: Conversion = field(default_factory=Conversion)
    skip_broken: bool = False
    allow_duplicates: bool = False
    missing: tuple[ImageCount, ...] = ()
    fallback_for: str | None = None
    fallback_reason: str = ""
    stage: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """What results are kept under."""
        return self.asked.name

    def dataset(self) -> Dataset:
        """Return the data set itself."""
        return self.asked.dataset()

    def samples(self) -> list[Sample]:
        """Return the labelled images that are here, by id."""
        return [sample for sample in labelled(self.dataset(), Path(self.folder or "")) if sample.is_here]

    @property
    def folds(self) -> int | None:
        """Into how many folds all images are cut, of which one is tested; None: the set's own test images are."""
        return self.cutting.folds


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
    dataset = plan.dataset()
    if plan.asked.path is not None:
        folder = Path(plan.asked.path)
    elif dataset.in_folder or dataset.official_counts:
        folder = data_folder(root) / dataset.name if dataset.in_folder else Path()
    else:
        return plan
    try:
        missing = _missing_images(dataset, folder, fetch)
    except DatasetNotFound as error:
        if dataset.substitute is None or real_only:
            raise DatasetNotFound(error.message, faults=error.faults, fix=error.fix) from None
        reason = error.message
        stand_in = Asked(kind=dataset.substitute)
        return replace(plan, asked=stand_in, fallback_for=plan.name, fallback_reason=reason)
    if missing and not allow_missing:
        raise DataError(
            f"{plan.name}{f' in {folder}' if dataset.in_folder else ''} is not complete",
            faults=[*map(str, missing), *label_faults(dataset, folder)],
            fix=f"{completion(dataset)}, or run on the partial set with --allow-missing (stamped on every result)",
        )
    on_disk = dataset.in_folder or plan.asked.path is not None
    return replace(plan, folder=str(folder) if on_disk else None, missing=tuple(missing))


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
