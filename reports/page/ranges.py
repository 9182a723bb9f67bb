"""Intervals drawn small in a table: where they lie between the least and the most of their column."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reports.analysis.estimates import Estimate

WIDTH = 100
"""Units of a drawing's width; a browser stretches it to the column's."""


@dataclass(frozen=True)
class Scale:
    """The axis that the intervals of one column share, over all levels of a board."""

    least: float
    most: float

    def place(self, value: float) -> str:
        """Return where a value lies, in units of `WIDTH`, held within the drawing."""
        span = self.most - self.least
        share = (value - self.least) / span if span > 0 else 0.5
        return f"{WIDTH * min(1.0, max(0.0, share)):.1f}".removesuffix(".0")


def interval_of(found: Estimate) -> tuple[float, float]:
    """Return the interval that is drawn: the method's, or where it is not known that of these networks."""
    return found.method or found.these


def scale_of(estimates: Iterable[Estimate]) -> Scale:
    """Return the axis that holds the intervals of all estimates."""
    ends = [end for found in estimates for end in interval_of(found)]
    return Scale(min(ends, default=0.0), max(ends, default=1.0))
