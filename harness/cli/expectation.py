"""What a run says before it begins and at its end: what, where, how long, and how long it was."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.progress import about, cut, hours

if TYPE_CHECKING:
    from harness.forecast.forecast import Forecast
    from harness.forecast.outlook import Outlook
    from harness.planning.plan import Plan
    from harness.progress import Reporter

AT_ONCE_S = 2.0
"""That a run waits before its first image for an estimate: what comes later is told when the images are read."""
THEN_S = 2.0
"""That it waits for the rest of it once they are."""
LONGEST_S = 30.0
"""That it waits for steps alone, on a machine that is busy."""
_WIDTH = 80
_SHOWN = 3


def asked(plans: "Sequence[Plan]", *, estimate: bool) -> "Outlook | None":
    """Begin to count and measure, before this process has a thread; None where that is not wanted or cannot be."""
    if not estimate:
        return None
    from harness.forecast.outlook import Outlook

    try:
        return Outlook.of(plans)
    except HarnessError:  # which the run itself will meet, and say
        return None


@dataclass
class Expectation:
    """Tells of a run; ``outlook`` None: without times."""

    plans: "Sequence[Plan]"
    reporter: "Reporter"
    outlook: "Outlook | None"
    forecast: "Forecast | None" = None
    estimate: "Estimate | None" = None
    _began: float = field(default_factory=time.monotonic)

    def begin(self, tracking: str, report: Path) -> None:
        """Say at once what will be done and where, and in a moment how long that will take."""
        held = self.outlook.forecast(0).cells_held if self.outlook else 0
        for line in beginning(self.plans, held, tracking, report):
            self.reporter.note(line)
        if self.outlook and self.outlook.forecast(AT_ONCE_S) and self.outlook.inquiry.found.ended:
            self.read()

    def read(self) -> "Forecast | None":
        """Return the forecast that the run learns with, and tell its estimate unless that was told."""
        if self.outlook and self.forecast is None:
            left = AT_ONCE_S + THEN_S - (time.monotonic() - self._began)
            self.outlook.inquiry.hear(max(left, 0.0))
            self.forecast = self.outlook.forecast(LONGEST_S, basics=True)
            self.outlook.inquiry.end()
            self.estimate = Estimate.of(self.forecast)
            self.reporter.note("\n".join(self.estimate.lines))
        return self.forecast

    def end(self) -> None:
        """Say how long it took, and how long it was thought to take."""
        self.reporter.note(self.outcome)

    @property
    def outcome(self) -> str:
        """How long the run took until now, and the estimate, in a line."""
        took = f"Took {hours(time.monotonic() - self._began)}"
        if self.estimate is None or self.estimate.seconds is None:
            return took
        thought = f"{took}; estimated {hours(self.estimate.seconds)}{self.estimate.without}"
        computed = f"{hours(self._spent)} of the processor, estimated {hours(self.estimate.processor_seconds)}"
        return f"{thought}. Computed for {computed}"

    @property
    def _spent(self) -> float:
        return self.forecast.spent if self.forecast else 0.0

    def values(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "seconds": time.monotonic() - self._began,
            "processor_seconds": self._spent if self.forecast else None,
            "estimate": self.estimate.values() if self.estimate else None,
        }


@dataclass(frozen=True)
class Estimate:
    """How long a run is thought to take, as far as that is known; ``unknown`` is what is not in it, and why."""

    seconds: float | None
    processor_seconds: float
    cells: int
    held: int
    unknown: dict[str, str]

    @classmethod
    def of(cls, forecast: "Forecast") -> "Estimate":
        """Return what a forecast says before anything has run."""
        left = forecast.seconds_left()
        cells = sum(plan.cell_count for plan in forecast.plans)
        seconds = None if left is None else left + forecast.ahead
        return cls(seconds, forecast.processor_seconds_left(), cells, forecast.cells_held, forecast.unknown)

    @property
    def without(self) -> str:
        """The entries that are not in it, in words."""
        names = [*self.unknown]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f", without {', '.join(names[:_SHOWN])}{more}" if names else ""

    @property
    def lines(self) -> list[str]:
        """The estimate for a person, and why something is not in it."""
        if self.seconds is None:
            return ["Time        not known before the first steps are timed"]
        why = [f"            without {name}: {reason}" for name, reason in [*self.unknown.items()][:_SHOWN]]
        more = [f"            and {len(self.unknown) - _SHOWN} more"] if len(self.unknown) > _SHOWN else []
        time = f"Time        about {about(self.seconds)} if nothing else computes here"
        return [time, *(cut(line, _WIDTH) for line in why), *more]

    def values(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "seconds": self.seconds,
            "processor_seconds": None if self.seconds is None else self.processor_seconds,
            "cells": self.cells,
            "cells_in_store": self.held,
            "unknown": self.unknown,
        }


def beginning(plans: "Sequence[Plan]", held: int, tracking: str, report: Path) -> list[str]:
    """Return in five lines what a run will do and where."""
    from harness.outgoing.secrets import shown_address

    plan = plans[0]
    cells = sum(one.cell_count for one in plans)
    seeds = f"{len(plan.seeds)} seed{'s' if len(plan.seeds) > 1 else ''}"
    cuts = f", {len(plans)} folds and ratios" if len(plans) > 1 else ""
    stored = f", {held} of them in the store" if held else ""
    return [
        f"Running     {plan.data.name}, {plan.data.size} px, {plan.network}, on {plan.jobs} workers",
        f"            {len(plan.entries)} entries, {len(plan.densities)} levels, {seeds}{cuts}: {cells} cells{stored}",
        f"Store       {plan.place}",
        f"MLflow      {shown_address(tracking)}",
        f"Report      {report}",
    ]
