"""The two networks of a gate as a user names them, each read from where it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, UsageError, nearest
from harness.gating.scored import Scored
from harness.gating.scores_file import read_scores
from harness.results.names import COLLAPSED, DEPLOYED, DISCONNECTED
from harness.storage.disk import sha256_of

if TYPE_CHECKING:
    from harness.shipping.held_cell import CellName

CELL = "cell:"
SCORES = ".csv"
_CELL = re.compile(r"(?P<entry>.+)@(?P<density>[^@]+?)(?P<rest>(,[a-z]+=[^,=]*)*)")
_KEYS = {"seed": int, "fold": int, "imbalance": float, "group": str}
_WRITE = "write cell:ENTRY@DENSITY,seed=S, and where it must be said fold=K, imbalance=N or group=ID"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One network: what is ``written``, a CSV file of its ``scores`` where it is a file that does not tell, its cut."""

    written: str
    scores: Path | None = None
    cut: float | None = None

    @property
    def is_cell(self) -> bool:
        """Say whether it is a published cell."""
        return self.written.startswith(CELL)

    @property
    def knows_its_images(self) -> bool:
        """Say whether it comes with scores, so that its images need not be chosen."""
        return self.is_cell or self.scores is not None or self.written.lower().endswith(SCORES)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where cells and images are; None is what nobody named. ``partial``: not all images of a set need be here."""

    dataset: str | None
    uri: str | None
    store: Path
    data_dir: Path | None
    partial: bool = False


def read_sides(candidate: Side, baseline: Side, places: Places) -> tuple[Scored, Scored]:
    """Return the scores of both; a file is scored on the images of the other, else on the publisher's test images.

    Raises `UsageError` for what names no network, `DataError` for what cannot be used.
    """
    sides = (candidate, baseline)
    found = {place: _with_scores(side, places) for place, side in enumerate(sides) if side.knows_its_images}
    for place, side in enumerate(sides):
        if place not in found:
            found[place] = _scored_here(side, places, found.get(1 - place))
    return found[0], found[1]


def cell_name(written: str, dataset: str) -> "CellName":
    """Return the cell of a text like ``cell:lt[rate=0.75]@0.0625,seed=0,fold=2``. Raises `UsageError`."""
    from harness.shipping.held_cell import CellName

    match = _CELL.fullmatch(written.removeprefix(CELL))
    if match is None:
        raise UsageError(f"{written[:200]!r} names no cell", fix=_WRITE)
    told = [one.split("=") for one in match["rest"].split(",")[1:]]
    if strange := [key for key, _ in told if key not in _KEYS]:
        raise UsageError(f"{written[:200]!r}: no cell has a {strange[0]}{nearest(strange[0], _KEYS)}", fix=_WRITE)
    if len({key for key, _ in told}) < len(told):
        raise UsageError(f"{written[:200]!r} says something twice", fix=_WRITE)
    try:
        values: dict[str, Any] = {key: _KEYS[key](value) for key, value in told}
        density = _density(match["density"])
    except ValueError:
        raise UsageError(f"{written[:200]!r} names no cell: a number in it is none", fix=_WRITE) from None
    return CellName(dataset=dataset, entry=match["entry"], density=density, **values)


def _density(text: str) -> float:
    found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < found <= 1:
        raise ValueError(text)
    return found


def _with_scores(side: Side, places: Places) -> Scored:
    if side.scores is not None:
        if side.is_cell or side.written.lower().endswith(SCORES):
            raise UsageError(f"{side.written} has scores of its own", fix="leave out the scores file beside it")
        path = Path(side.written)
        return _beside(read_scores(side.scores, path.name, side.cut), path)
    return _of_cell(side, places) if side.is_cell else read_scores(Path(side.written), cut=side.cut)


def _beside(scored: Scored, path: Path) -> Scored:
    """Return scores that somebody else made, with what is known of the file whose they are said to be."""
    if not path.is_file():
        raise DataError(f"there is no file {path}", fix="name the network whose scores these are")
    told = {**scored.told, "file": str(path), "sha256": sha256_of(path), "bytes": path.stat().st_size}
    return Scored(scored.name, scored.labels, scored.scores, scored.cut, scored.fold, told)


def _of_cell(side: Side, places: Places) -> Scored:
    from harness.shipping.card_limits import of_flags, of_images
    from harness.shipping.held_cell import find_cell

    assert places.dataset is not None
    assert places.uri is not None
    held = find_cell(cell_name(side.written, places.dataset), places.uri, places.store)
    known: Mapping[str, float] = held.record.metrics
    scores = dict(zip(held.ids, held.record.test_scores, strict=True))
    labels = dict(zip(held.ids, held.labels, strict=True))
    told = {"cell": str(held.name), "run": held.run.run_id, "group": held.group}
    fold = held.name.fold if held.name.fold is not None else int(held.provenance.get("fold") or 0)
    flags = of_flags(collapsed=bool(known.get(COLLAPSED)), disconnected=bool(known.get(DISCONNECTED)))
    limits = (*flags, *of_images(held.provenance))
    cut = known.get(DEPLOYED) if side.cut is None else side.cut
    return Scored(str(held.name), labels, scores, cut, fold, told, limits)


def _scored_here(side: Side, places: Places, other: Scored | None) -> Scored:
    from harness.gating.network_scores import SUFFIXES, ImagesAsked, foreign, read_network_scores

    path = Path(side.written)
    if path.suffix not in SUFFIXES and not path.is_file():
        known = f"a scores CSV ({SCORES}), a network's file ({', '.join(SUFFIXES)}) or a cell ({CELL}...)"
        raise UsageError(f"{side.written[:200]!r} is no network", fix=f"name {known}")
    if path.is_file() and path.suffix not in SUFFIXES:
        raise foreign(path)
    ids = None if other is None else other.scores.keys()
    asked = ImagesAsked(
        places.dataset,
        places.data_dir,
        ids,
        None if other is None else other.fold,
        "" if other is None else str(other.told.get("group", "")),
        places.partial,
    )
    return read_network_scores(path, asked, side.cut)
