"""Sizes and latencies of networks in words, each as it may be typed for the option that limits it."""

import math
from collections.abc import Mapping, Sequence

from harness.reports.analysis.candidates import Axis, Candidate
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import percent

OPTIONS: Mapping[Axis, str] = {
    Axis.BYTES: "--max-bytes",
    Axis.MACS: "--max-macs",
    Axis.PARAMETERS: "--max-parameters",
    Axis.LATENCY: "--max-latency",
}


def named(one: Candidate) -> str:
    """Return a candidate's network: lt[rate=0.75] at 6.25%, seed 1 of fold 2."""
    return f"{one.entry} at {percent(one.density)}, {which(one.network)}"


def which(network: Outcome) -> str:
    """Return which of its entry's networks it is: seed 1 of fold 2."""
    return f"seed {network.seed}" + (f" of fold {network.fold}" if network.fold else "")


def size(sizes: Mapping[Axis, float]) -> str:
    """Return what is known of a size, in words."""
    units = {Axis.BYTES: "", Axis.MACS: " MACs left", Axis.PARAMETERS: " parameters", Axis.LATENCY: ""}
    known = [f"{written(axis, sizes[axis])}{units[axis]}" for axis in Axis if axis in sizes]
    return ", ".join(known) or "its size is not known"


def written(axis: Axis, value: float) -> str:
    """Return an amount as it may be typed for the option of its axis, rounded up where it is rounded."""
    if axis == Axis.BYTES:
        return _rounded_up(value, ((1e6, "MB"), (1e3, "kB"), (1, "B")))
    if axis == Axis.LATENCY:
        return _rounded_up(value, ((1, "s"), (1e-3, "ms"), (1e-6, "us")))
    return _rounded_up(value, ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")))


def _rounded_up(value: float, units: Sequence[tuple[float, str]]) -> str:
    """Return three digits of a value, never less than it, in the largest unit that it reaches."""
    scale, unit = next((one for one in units if value >= one[0]), units[-1])
    scaled = value / scale
    step = 10.0 ** (math.floor(math.log10(scaled)) - 2) if scaled > 0 else 1.0
    text = f"{math.ceil(scaled / step * (1 - 1e-12)) * step:.12g}"
    return f"{text}{unit}" if "e" not in text else f"{value!r}{unit}"
