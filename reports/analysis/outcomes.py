"""Results as plain values: the `Outcome` of each cell, one (entry, seed, level), with its test scores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.evaluation.figures import evaluate
from harness.evaluation.terms import USUAL, Terms
from harness.evaluation.thresholds import DEPLOYED, choose
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.method_facts import OTHER, family_of
from harness.results.names import Field
from harness.results.reading import Results

CELL_KEY = [Field.RUN, Field.ENTRY, Field.SEED, Field.DENSITY]

TEXTS = (
    *(Field.RUN, Field.GROUP, Field.ENTRY, Field.METHOD, Field.LOSS, Field.PLAIN),
    *(Field.STATUS, Field.REASON),
)
"""The columns that are fields of an `Outcome` as they stand."""

FLOPS_LEFT = "flops_left"
"""A column that the reports add."""

NO_METRICS = {FLOPS_LEFT, *(name for word, name in vars(Field).items() if word.isupper())}
"""The columns that are no metric."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome(CellRecord):
    """What came of one cell, and where it belongs; when done with the test ``images``, their ``labels`` and ``scores``.

    ``images`` are ids, sorted; labels and scores (N,) are in their order. ``validation`` holds labels and scores of the
    split that fixed the cuts, None where it is lost. ``fold`` is the test part, 0 where the publisher's is tested.
    ``terms`` are what the run asked to be judged by; ``control`` says that its method chooses weights by chance,
    ``family`` what kind of method it is.

    ``plain`` is the entry's name under the plain loss. ``loss_changes``: its own loss has another gamma after the first
    round, so that its pruned networks had another loss than its dense one. ``flops_left`` is a share of the dense
    reference's FLOPs, NaN where not known. ``layers`` are empty where not known.
    """

    run_id: str
    group: str
    entry: str
    method: str
    loss: str
    plain: str
    seed: int
    fold: int = 0
    control: bool = False
    family: str = OTHER
    terms: Terms = USUAL
    loss_changes: bool = False
    flops_left: float = math.nan
    images: tuple[str, ...] = ()
    labels: npt.NDArray[np.int64] | None = None
    scores: npt.NDArray[np.float64] | None = None
    validation: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None = None

    @property
    def network(self) -> tuple[int, int]:
        """Return which of an entry's networks it is: fold and seed."""
        return self.fold, self.seed

    @property
    def macs(self) -> float:
        """Return the MACs (multiply-accumulates) that zeros leave of one image, half of its FLOPs; NaN: not known."""
        return self.metric(names.FLOPS) / 2

    @cached_property
    def cut(self) -> float:
        """Return the deployed cut, which keeps the asked share of the validation positives; NaN where not known."""
        known = self.metric(f"{names.THRESHOLD}{DEPLOYED}")
        if known == known or self.validation is None:
            return known
        return choose(*self.validation, self.terms.sensitivity)[DEPLOYED].value

    def tested(self, name: str) -> float:
        """Return a figure of the test images, NaN where these do not decide it.

        Results of a harness that did not count it have it counted from their scores.
        """
        known = self.metric(names.on(names.TEST, name))
        return known if known == known else self._recounted.get(name, math.nan)

    @cached_property
    def _recounted(self) -> dict[str, float]:
        if self.labels is None or self.scores is None:
            return {}
        cuts = {} if math.isnan(self.cut) else {DEPLOYED: self.cut}
        return evaluate(self.labels, self.scores, cuts, self.terms)

    @property
    def done(self) -> bool:
        """Say whether the cell was trained and scored."""
        return self.status == names.DONE

    @property
    def collapsed(self) -> bool:
        """Say whether the validation scores hardly spread, by the plain dense network's of the same seed."""
        return self.metric(names.COLLAPSED) > 0

    @property
    def disconnected(self) -> bool:
        """Say whether no path leads from the network's input to its output."""
        return self.metric(names.DISCONNECTED) > 0

    @property
    def emptied(self) -> bool:
        """Say whether a layer has no weight left."""
        return self.metric(names.EMPTIED) > 0

    def metric(self, name: str) -> float:
        """Return a metric, NaN where it is not known."""
        value = self.metrics.get(name)
        return math.nan if value is None else float(value)


def read_outcomes(results: Results) -> list[Outcome]:
    """Return the outcome of every cell.

    Raises `ValueError` where done cells of one group saw different test images, a cell is there twice, its
    group has no provenance, or it is done and has no test scores.
    """
    images = {split: _images(results.scores, split) for split in (names.TEST, names.VALIDATION)}
    rows = results.cells.assign(**{FLOPS_LEFT: flops_left(results.cells)}).to_dict("records")
    terms = {group: terms_of(facts) for group, facts in results.groups.items()}
    outcomes = []
    for row in rows:
        key = _key([row[name] for name in CELL_KEY])
        own = terms.get(_text(row[Field.GROUP]), USUAL)
        outcomes.append(_outcome(row, own, images[names.TEST].get(key), images[names.VALIDATION].get(key)))
    for group in results.groups:
        if len({_seen(one) for one in outcomes if one.group == group and one.done}) > 1:
            raise ValueError(f"group {group!r}: its cells were scored on different test images")
    unknown = {one.group for one in outcomes} - set(results.groups)
    if unknown:
        raise ValueError(f"no provenance for the groups {sorted(unknown)}")
    asked = [(one.group, one.entry, one.seed, one.density) for one in outcomes]
    if len(set(asked)) < len(asked):
        raise ValueError(f"twice the same cell: {next(key for key in asked if asked.count(key) > 1)}")
    return outcomes


def terms_of(facts: Mapping[str, Any]) -> Terms:
    """Return what a group asked to be judged by; results of before it was asked, by what is usual."""
    return Terms(**(facts.get("verdict") or {}))


def _seen(outcome: Outcome) -> tuple[tuple[str, ...], bytes]:
    assert outcome.labels is not None
    return outcome.images, outcome.labels.tobytes()


class _Tested(NamedTuple):
    """The images of one cell on a split, sorted by name, with their labels and scores."""

    images: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]

    @property
    def columns(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        return self.labels, self.scores


def _images(scores: pd.DataFrame, split: str) -> dict[tuple[Any, ...], _Tested]:
    """Return the scores of each cell on a split; cells of the same images share their names."""
    if scores.empty:
        return {}
    known: dict[tuple[str, ...], tuple[tuple[str, ...], npt.NDArray[np.int64]]] = {}
    found = {}
    for key, rows in scores[scores[Field.SPLIT] == split].groupby(CELL_KEY, sort=False):
        given = tuple(rows[Field.IMAGE])
        if given not in known:
            places = sorted(range(len(given)), key=given.__getitem__)
            known[given] = tuple(given[place] for place in places), np.array(places, dtype=np.int64)
        images, order = known[given]
        labels = rows[Field.LABEL].to_numpy(dtype=np.int64)[order]
        found[_key(key)] = _Tested(images, labels, rows[Field.SCORE].to_numpy(dtype=np.float64)[order])
    return found


def _key(values: Any) -> tuple[Any, ...]:
    run, entry, seed, density = values
    return str(run), str(entry), int(seed), round(float(density), 9)


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # NaN is pandas's word for missing text


def _outcome(row: Mapping[Any, Any], terms: Terms, tested: _Tested | None, validation: _Tested | None) -> Outcome:
    """Return the outcome of a row of cells, with its test and validation scores."""
    fold = row.get(Field.FOLD)
    texts: dict[str, Any] = {name: _text(row.get(name)) for name in TEXTS}
    layers = row.get(Field.LAYERS)
    outcome = Outcome(
        **texts | {Field.PLAIN: texts[Field.PLAIN] or texts[Field.ENTRY]},
        loss_changes=_text(row.get(Field.LOSS_CHANGES)) == str(True),
        seed=int(row[Field.SEED]),
        fold=0 if fold is None or pd.isna(fold) else int(fold),
        control=_text(row.get(Field.CONTROL)) == str(True),
        family=_text(row.get(Field.FAMILY)) or family_of(texts[Field.METHOD]),
        terms=terms,
        density=float(row[Field.DENSITY]),
        metrics={str(name): value for name, value in row.items() if name not in NO_METRICS},
        flops_left=row[FLOPS_LEFT],
        layers={str(name): tuple(counts) for name, counts in layers.items()} if isinstance(layers, Mapping) else {},
        images=() if tested is None else tested.images,
        labels=None if tested is None else tested.labels,
        scores=None if tested is None else tested.scores,
        validation=None if validation is None else validation.columns,
    )
    if outcome.done and tested is None:
        raise ValueError(f"{outcome.entry}, seed {outcome.seed}, density {outcome.density}: no test scores")
    return outcome


def flops_left(cells: pd.DataFrame) -> pd.Series:
    """Return each cell's FLOPs as a share of the dense reference's of its group and seed; NaN where one is unknown.

    ``cells`` as in `harness.results.reading.Results`. A network of another design, such as a MobileNet, may be above 1.
    """
    if names.FLOPS not in cells:
        return pd.Series(math.nan, index=cells.index)
    flops, groups, seeds = (cells[name] for name in (names.FLOPS, Field.GROUP, Field.SEED))
    dense = (cells[Field.ENTRY] == names.DENSE) & (cells[Field.DENSITY] == 1) & (flops > 0)
    reference = dict(zip(zip(groups[dense], seeds[dense], strict=True), flops[dense], strict=True))
    return flops / [reference.get(run, math.nan) for run in zip(groups, seeds, strict=True)]
