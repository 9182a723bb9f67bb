"""Every candidate of a choice as a row: its size, what of it is too large, its answer."""

from collections.abc import Sequence

from harness.reports.analysis.candidates import Axis, Candidate
from harness.reports.analysis.choosing import Choice
from harness.reports.formatting import percent
from harness.reports.words.sizes import written


def table(found: Choice) -> list[tuple[str, ...]]:
    """Return a row for each candidate, then the controls: entry, level, bytes, MACs, parameters, latency, answer."""
    return [
        (one.entry, percent(one.density), *(_cell(found, axis, one) for axis in shown_axes(found)), _answer(one))
        for one in (*found.candidates, *found.beside)
    ]


def shown_axes(found: Choice) -> Sequence[Axis]:
    """Return the axes of which something is known, or asked."""
    return [axis for axis in Axis if axis in found.wanted.limits or any(axis in one.sizes for one in found.candidates)]


def _cell(found: Choice, axis: Axis, one: Candidate) -> str:
    if axis not in one.sizes:
        return "?" if axis in found.wanted.limits else ""
    value, limit = one.sizes[axis], found.wanted.limits.get(axis)
    return written(axis, value) + ("!" if limit is not None and value > limit else "")


def _answer(one: Candidate) -> str:
    return f"control: {_judged(one)}" if one.control else _judged(one)


def _judged(one: Candidate) -> str:
    if one.safe:
        return "safe" if one.sure else "candidate"
    if one.stop is not None and one.stop is not one.step:
        return f"stops at {percent(one.stop.density)}"
    return one.step.answer or "no verdict"
