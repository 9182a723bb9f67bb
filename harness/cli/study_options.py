"""What `harness plan-study` is asked, checked as a whole."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

import typer

from harness.errors import UsageError
from harness.power.study import BOTH, Assumptions

USUAL = Assumptions()

_STUDY = "The study"
_ASKED = "What is asked of it"
_ASSUMED = "What is assumed"

NEGATIVES = 4
"""So many negatives go with each positive where none are given: ISIC-2016 has 4.2 of them."""

PositivesOption = Annotated[
    int,
    typer.Option(
        "--positives",
        metavar="N",
        rich_help_panel=_STUDY,
        help="Of all labelled images with --folds, else of the test part.",
    ),
]
NegativesOption = Annotated[
    int | None,
    typer.Option(
        "--negatives", metavar="N", rich_help_panel=_STUDY, help=f"Likewise; default: {NEGATIVES} for each positive."
    ),
]
SeedsOption = Annotated[
    int, typer.Option("--seeds", metavar="J", rich_help_panel=_STUDY, help="Networks of each entry, in each fold.")
]
StudyFoldsOption = Annotated[
    int | None, typer.Option("--folds", metavar="K", rich_help_panel=_STUDY, help="Folds; default: one test part.")
]
EntriesOption = Annotated[
    int, typer.Option("--entries", metavar="M", rich_help_panel=_STUDY, help="Entries compared, besides dense.")
]
LevelsOption = Annotated[
    int, typer.Option("--levels", metavar="L", rich_help_panel=_STUDY, help="Levels at which they are compared.")
]
GapOption = Annotated[
    float, typer.Option("--gap", metavar="X", rich_help_panel=_ASKED, help="Difference of AUC that should be found.")
]
FprOption = Annotated[
    float | None,
    typer.Option("--fpr", metavar="X", rich_help_panel=_ASKED, help="Equal false alarms; default: a run's."),
]
DeltaOption = Annotated[
    float | None, typer.Option("--delta", metavar="X", rich_help_panel=_ASKED, help="Accepted loss; default: a run's.")
]
AucOption = Annotated[
    float, typer.Option("--auc", metavar="X", rich_help_panel=_ASSUMED, help="True AUC of the dense network.")
]
TauOption = Annotated[
    float,
    typer.Option(
        "--tau", metavar="X", rich_help_panel=_ASSUMED, help="Spread (sd) of a network's true AUC over seeds."
    ),
]
CorrelationOption = Annotated[
    float,
    typer.Option(
        "--correlation", metavar="X", rich_help_panel=_ASSUMED, help="Of scores of two methods of a seed, in a class."
    ),
]
SeedCorrelationOption = Annotated[
    float,
    typer.Option(
        "--seed-correlation", metavar="X", rich_help_panel=_ASSUMED, help="Of scores of two seeds of a method."
    ),
]


class Range(NamedTuple):
    """From ``low`` to ``high``, both among what is allowed unless ``open``."""

    low: float
    high: float
    open: bool = True

    def holds(self, value: float) -> bool:
        """Say whether a value lies in the range; what is no number does not."""
        return self.low < value < self.high if self.open else self.low <= value <= self.high

    @property
    def words(self) -> str:
        """Return the range for a sentence."""
        return f"above {self.low:g} and below {self.high:g}" if self.open else f"{self.low:,} to {self.high:,}"


RANGES: Mapping[str, Range] = {
    "positives": Range(2, 10**9, open=False),
    "negatives": Range(2, 10**9, open=False),
    "seeds": Range(1, 1000, open=False),
    "folds": Range(2, 20, open=False),
    "entries": Range(2, 1000, open=False),
    "levels": Range(1, 1000, open=False),
    "gap": Range(0, 0.5),
    "fpr": Range(0, 1),
    "delta": Range(0, 0.5),
    "auc": Range(0.5, 1),
    "tau": Range(0, 0.25),
    "correlation": Range(0, 1),
    "seed_correlation": Range(0, 1),
}


def refuse_bad(asked: Mapping[str, float | None]) -> None:
    """Raise `UsageError` with every option that is out of its range, or does not go with the others."""
    faults = [
        f"{flag(name)} {value} is not {RANGES[name].words}"
        for name, value in asked.items()
        if value is not None and not RANGES[name].holds(value)
    ]
    if not faults:
        faults = list(_contradictions({name: value for name, value in asked.items() if value is not None}))
    if faults:
        raise UsageError("cannot plan this study", faults=faults, fix="`harness plan-study --help` shows every option")


def flag(name: str) -> str:
    """Return a name as it is typed."""
    return f"--{name.replace('_', '-')}"


def _contradictions(asked: Mapping[str, float]) -> Iterator[str]:
    folds = asked.get("folds", 1)
    for name in ("positives", "negatives"):
        if name in asked and asked[name] < 2 * folds:
            yield f"--{name} {asked[name]} leave {folds} folds fewer than two each"
    one, other = asked["correlation"], asked["seed_correlation"]
    low, high = math.ceil(1000 * BOTH * one) / 1000, math.floor(1000 * (1 - (1 - BOTH) * one)) / 1000
    if not low <= other <= high:
        yield f"--seed-correlation {other} does not go with --correlation {one}: {low:.3f} to {high:.3f} does"
