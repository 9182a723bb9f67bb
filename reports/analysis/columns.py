"""What the leaderboard says of an entry at a level: a line in `COLUMNS` shows a metric wherever it is asked to be.

Every column is in results.json. The page has those with a title, the terminal those with a word for its legend, and the
charts those with a panel.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from harness.reports.analysis.estimates import Estimate, Rate, alive, auc, cell_rate, rate
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import decimal, duration, percent, thousands
from harness.results import names
from harness.results.names import TEST, on

Figure = Estimate | Rate | float | None


@dataclass(frozen=True)
class Panel:
    """A column's chart: its ``title``, its ``word`` in a sentence, and its axis, in d3's format."""

    title: str
    word: str
    _: KW_ONLY
    axis: str = ".0%"
    from_zero: bool = False

    @property
    def field(self) -> str:
        """Return the name of the values in the chart's data."""
        return self.word.lower()


@dataclass(frozen=True)
class Column:
    """The mean over an entry's done cells at one level of what ``each`` gives of one, NaN without any.

    ``name`` is its key in results.json, ``title`` its head on the page, ``text`` writes a value. ``note`` stands small
    below it, ``word`` in the terminal's legend.
    """

    name: str
    title: str
    each: Callable[[Outcome], float]
    text: Callable[[float], str] = decimal
    _: KW_ONLY
    note: "Column | None" = None
    word: str = ""
    panel: Panel | None = None
    kind: ClassVar[str] = "mean"

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return float(np.mean([self.each(outcome) for outcome in done])) if done else math.nan


class AucColumn(Column):
    """The mean AUC with its interval over the images."""

    kind = "estimate"

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return auc(done)


class RateColumn(Column):
    """A count of images over its class; ``name`` is the count's."""

    kind = "rate"

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return rate(done, self.name)


def metric(name: str) -> Callable[[Outcome], float]:
    """Return what gives a metric of a cell."""
    return lambda outcome: outcome.metric(name)


def counted(name: str, title: str, note: Column | None = None, word: str = "", panel: Panel | None = None) -> Column:
    """Return the column of a count of images."""
    return RateColumn(name, title, partial(cell_rate, name=name), note=note, word=word, panel=panel)


_CONFIDENCE = Column("confidence", "", metric(names.CONFIDENCE), "confidence {:.2f}".format)
_SPREAD = Column("sd", "", metric(names.SPREAD), "sd {:.3g}".format)
_KEPT = Column("kept_step", "", metric(names.KEPT_STEP), "kept {:,.0f}".format)

COLUMNS: tuple[Column, ...] = (
    AucColumn("auc", "AUC-ROC", metric(on(TEST, names.AUC)), word="AUC", panel=Panel("AUC-ROC", "AUC", axis=".2f")),
    Column("ap", "AP", metric(on(TEST, names.AP))),
    Column("accuracy", "", metric(on(TEST, names.ACCURACY)), panel=Panel("Accuracy (argmax)", "accuracy", axis=".1%")),
    counted(
        names.MISSED,
        "FNR sens95",
        note=_CONFIDENCE,
        word="positives missed at sens95",
        panel=Panel("Missed positives: FNR (sens95)", "FNR", from_zero=True),
    ),
    counted(names.ALARMS, "FPR sens95", panel=Panel("False alarms: FPR (sens95)", "FPR", from_zero=True)),
    counted(names.MISSED_ARGMAX, "FNR argmax"),
    counted(names.ALARMS_ARGMAX, "FPR argmax"),
    Column("remaining", "Remain\N{SOFT HYPHEN}ing", metric(names.DENSITY), percent),
    Column("alive", "Alive", alive, percent, note=_SPREAD),
    Column("flops_left", "FLOPs left", lambda outcome: outcome.flops_left, percent),
    Column("steps", "Steps", metric(names.STEPS), thousands, note=_KEPT),
    Column("processor_seconds", "CPU time", metric(names.PROCESSOR_SECONDS), duration),
    Column("seconds", "", metric(names.SECONDS), duration),
    _CONFIDENCE,
    _SPREAD,
    _KEPT,
    Column("kept_epoch", "", metric(names.KEPT_EPOCH)),
)
