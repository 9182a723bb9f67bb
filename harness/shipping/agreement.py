"""Does a file score as the network that was published? It is run by its own runtime on validation and test images."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.loading import Splits
from harness.errors import MachineError
from harness.portable.formats import RUNTIMES, Format, scores_of
from harness.results.cell_record import CellRecord

FLOOR = 0.01
"""Least sd that is reckoned with, beside scores of 1: rounding is larger than a collapsed network's spread."""


@dataclass(frozen=True)
class Agreement:
    """A file's scores beside the published ones, over ``images`` of validation and test.

    ``largest``: the largest difference of a score; ``sd``: of the published scores. ``changed``: the images that lie on
    the other side of the operating cut. ``runtime`` names what ran the file, with its version.
    """

    runtime: str
    images: int
    largest: float
    sd: float
    changed: int

    @property
    def share(self) -> float:
        """The largest difference, in sd of the scores."""
        return self.largest / self.sd


def agreement(found: npt.NDArray[np.floating], published: npt.NDArray[np.floating], cut: float, by: str) -> Agreement:
    """Return how scores (N,) that ``by`` gave agree with the published ones (N,), beside an operating ``cut``."""
    wanted, now = published.astype(np.float64), found.astype(np.float64)
    least = FLOOR * max(1.0, float(np.abs(wanted).max()))
    return Agreement(
        runtime=by,
        images=len(wanted),
        largest=float(np.abs(now - wanted).max()) if np.isfinite(now).all() else float("inf"),
        sd=max(float(wanted.std()), least),
        changed=int(np.count_nonzero((now > cut) != (wanted > cut))),
    )


def rescored(path: Path, form: Format, record: CellRecord, splits: Splits, cut: float) -> Agreement:
    """Return how the file at ``path`` agrees with a cell's published scores, once its runtime has run it."""
    found = [scores_of(path, form, split.images) for split in (splits.validation, splits.test)]
    published = np.asarray([*record.validation_scores, *record.test_scores])
    return agreement(np.concatenate(found), published, cut, f"{RUNTIMES[form]} {version(RUNTIMES[form])}")


def require_agreement(found: Agreement, tolerance: float, what: str) -> None:
    """Raise `MachineError` where a score differs by more than ``tolerance`` sd: not the user's doing."""
    if found.share <= tolerance:
        return
    raise MachineError(
        f"{what} is not the network that was published: by {found.runtime} a score of {found.images:,} images"
        f" differs by {found.share:.2g} sd, more than {tolerance:g}; nothing is kept",
        fix="export to another format, or, knowing what it means, raise --tolerance",
    )
