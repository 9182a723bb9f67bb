"""What the leaderboard says of an entry at a level: a line in `COLUMNS` shows a figure wherever it is asked to be.

Every column is in results.json. The page has those with a title, the terminal those with a word for its legend, and the
trade-offs those with an axis.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np

from harness.reports.analysis.estimates import Estimate, Rate, alive, auc, rate, sensitivity
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import decimal, duration, in_bytes, multiplied, percent, signed, thousands
from harness.results import names

Figure = Estimate | Rate | float | None

View = Literal["ranking", "worth", "size and cost", "device"]

VIEWS: tuple[View, ...] = get_args(View)


@dataclass(frozen=True)
class Axis:
    """A column as an axis of the trade-offs: its ``title``, and whether it is an "error", a "size" or a "cost".

    Less is better of all three. ``rest``: the error is what the figure leaves to 1. ``mark`` is d3's format of a tick.
    """

    title: str
    kind: str
    _: KW_ONLY
    rest: bool = False
    mark: str = "~%"

    @property
    def share(self) -> bool:
        """Say whether it is a share, in percent."""
        return self.mark.endswith("%")

    def named(self, value: float) -> str:
        """Return a tick as the tables write it."""
        return percent(value) if self.share else f"{value:,g}"


class Limit(NamedTuple):
    """The most that a reader takes of a column: what the page asks for, and how much one of its ``unit`` is."""

    title: str
    unit: float


@dataclass(frozen=True)
class Column:
    """The mean over an entry's done cells at one level of what ``each`` gives of one, NaN without any.

    ``name`` is its key in results.json, ``title`` its head on the page, ``text`` writes a value. ``note`` stands small
    below it, ``word`` in the terminal's legend. ``view`` is the choice of columns that the page shows it in, and
    ``best`` which end of it a reader wants first. Where it has a ``limit`` a reader may leave out what has more.
    """

    name: str
    title: str
    each: Callable[[Outcome], float]
    text: Callable[[float], str] = decimal
    _: KW_ONLY
    note: "Column | None" = None
    word: str = ""
    view: View = "ranking"
    best: Literal["high", "low"] = "high"
    axis: Axis | None = None
    limit: Limit | None = None
    kind: ClassVar[str] = "mean"

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return float(np.mean([self.each(outcome) for outcome in done])) if done else math.nan


@dataclass(frozen=True)
class EstimateColumn(Column):
    """A mean with its intervals over images and networks, by ``estimate``."""

    kind = "estimate"
    _: KW_ONLY
    estimate: Callable[[Sequence[Outcome]], Estimate | None]

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return self.estimate(done)


@dataclass(frozen=True)
class DeployedColumn(Column):
    """A count of images over their class at the deployed cut, ``errors`` by its name."""

    kind = "rate"
    _: KW_ONLY
    errors: str

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, None where it is not known."""
        return rate(done, self.errors)


def metric(name: str) -> Callable[[Outcome], float]:
    """Return what gives a metric of a cell."""
    return lambda outcome: outcome.metric(name)


def bits(outcome: Outcome) -> float:
    """Return the bits of a cell's weights: results of before there were twins are in float."""
    known = outcome.metric(names.BITS)
    return known if known == known else 32.0


def tested(name: str) -> Callable[[Outcome], float]:
    """Return what gives a figure of a cell's test images."""
    return lambda outcome: outcome.tested(name)


def _share(errors: str, images: str) -> Callable[[Outcome], float]:
    """Return what gives a count of a cell's test images over their class."""
    return lambda outcome: outcome.tested(errors) / outcome.tested(images)


_BASE = Column("ap_base", "", tested(names.AP_BASE), "guessing {:.3f}".format)
_INTERCEPT = Column("calibration_intercept", "", tested(names.CALIBRATION_INTERCEPT), "offset {:+.2f}".format)
_SPREAD = Column("sd", "", metric(names.SPREAD), "sd {:.3g}".format)
_KEPT = Column("kept_step", "", metric(names.KEPT_STEP), "kept {:,.0f}".format)

COLUMNS: tuple[Column, ...] = (
    EstimateColumn(
        "auc",
        "AUC-ROC",
        tested(names.AUC),
        estimate=auc,
        word="AUC",
        axis=Axis("1 \N{MINUS SIGN} AUC-ROC", "error", rest=True, mark="~g"),
    ),
    EstimateColumn(
        names.SENSITIVITY,
        "Sensi\N{SOFT HYPHEN}tivity at equal alarms",
        tested(names.SENSITIVITY),
        percent,
        estimate=sensitivity,
        word="sensitivity at equal false alarms",
        axis=Axis("positives missed at equal false alarms", "error", rest=True),
    ),
    DeployedColumn(
        "missed",
        "Missed, deployed",
        _share(names.MISSED_DEPLOYED, names.POSITIVES),
        errors=names.MISSED_DEPLOYED,
        best="low",
        axis=Axis("positives missed at the deployed cut", "error"),
    ),
    DeployedColumn(
        "alarms",
        "False alarms, deployed",
        _share(names.ALARMS_DEPLOYED, names.NEGATIVES),
        errors=names.ALARMS_DEPLOYED,
        word="false alarms deployed",
        best="low",
        axis=Axis("false alarms at the deployed cut", "error"),
    ),
    Column("ap", "AP", tested(names.AP), note=_BASE, view="worth"),
    Column(names.NET_BENEFIT, "Net benefit", tested(names.NET_BENEFIT), signed, view="worth"),
    Column(
        "calibration_slope",
        "Calibra\N{SOFT HYPHEN}tion slope",
        tested(names.CALIBRATION_SLOPE),
        "{:.2f}".format,
        note=_INTERCEPT,
        view="worth",
    ),
    Column(
        "remaining",
        "Remain\N{SOFT HYPHEN}ing",
        metric(names.DENSITY),
        percent,
        view="size and cost",
        best="low",
        axis=Axis("remaining weights", "size"),
    ),
    Column(
        "alive",
        "Alive",
        alive,
        percent,
        note=_SPREAD,
        view="size and cost",
        best="low",
        axis=Axis("parameters alive", "size"),
    ),
    Column(
        "flops_left",
        "FLOPs left",
        lambda outcome: outcome.flops_left,
        percent,
        view="size and cost",
        best="low",
        axis=Axis("FLOPs left", "size"),
    ),
    Column(
        "steps",
        "Steps",
        metric(names.STEPS),
        thousands,
        note=_KEPT,
        view="size and cost",
        best="low",
        axis=Axis("optimiser steps", "cost", mark="~g"),
    ),
    Column(
        "processor_seconds",
        "CPU time",
        metric(names.PROCESSOR_SECONDS),
        duration,
        view="size and cost",
        best="low",
        axis=Axis("CPU time in seconds", "cost", mark="~g"),
    ),
    Column(
        "bytes",
        "Bytes",
        metric(names.BYTES),
        in_bytes,
        view="device",
        best="low",
        axis=Axis("bytes of the file, compressed", "size", mark="~s"),
        limit=Limit("kB", 1e3),
    ),
    Column(
        "macs",
        "MACs left",
        lambda outcome: outcome.macs,
        multiplied,
        view="device",
        best="low",
        axis=Axis("MACs left", "size", mark="~s"),
        limit=Limit("million MACs left", 1e6),
    ),
    Column("bits", "Bits", bits, "{:g}".format, view="device", best="low"),
    Column("seconds", "", metric(names.SECONDS), duration),
    _BASE,
    _INTERCEPT,
    _SPREAD,
    _KEPT,
    Column("kept_epoch", "", metric(names.KEPT_EPOCH)),
)
