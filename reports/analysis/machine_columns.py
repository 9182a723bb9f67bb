"""What machines measured, a column each: figures of two machines never share one."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from harness.reports.analysis import columns
from harness.reports.analysis.columns import Axis, Column, Figure, Limit, metric
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import in_bytes, milliseconds
from harness.results import names


@dataclass(frozen=True)
class MachineColumn(Column):
    """A mean over those of an entry's networks that a ``machine`` measured; ``what`` is the metric's last name."""

    _: KW_ONLY
    machine: str
    what: str

    def over(self, done: Sequence[Outcome]) -> Figure:
        """Return the figure of an entry at a level, NaN where no network was measured."""
        known = [value for outcome in done if not math.isnan(value := self.each(outcome))]
        return float(np.mean(known)) if known else math.nan


def columns_of(cells: Sequence[Outcome]) -> tuple[Column, ...]:
    """Return the columns of a board: those of every board, then time and memory of each machine."""
    own = (column for number, name in enumerate(machines_of(cells), 1) for column in _of(name, number))
    return (*columns.COLUMNS, *own)


def machines_of(cells: Sequence[Outcome]) -> list[str]:
    """Return the machines that measured any of the cells, by name."""
    measured = {
        name.removeprefix(names.MEASURED).rpartition("/")[0]
        for cell in cells
        for name, value in cell.metrics.items()
        if name.startswith(names.MEASURED) and value == value
    }
    return sorted(measured)


def _of(machine: str, number: int) -> tuple[Column, ...]:
    """Return a machine's columns. Their names do not have the machine's, which is no name of a chart's field."""
    at_32 = MachineColumn(
        f"{names.LATENCY_32}_{number}",
        "",
        metric(names.measured(machine, names.LATENCY_32)),
        "32: {:.3g} ms".format,
        machine=machine,
        what=names.LATENCY_32,
    )
    one = MachineColumn(
        f"{names.LATENCY}_{number}",
        f"{machine}, ms",
        metric(names.measured(machine, names.LATENCY)),
        milliseconds,
        note=at_32,
        view="device",
        best="low",
        axis=Axis(f"milliseconds an image on {machine}", "cost", mark="~g"),
        limit=Limit(f"ms on {machine}", 1),
        machine=machine,
        what=names.LATENCY,
    )
    memory = MachineColumn(
        f"{names.MEMORY}_{number}",
        f"{machine}, memory",
        metric(names.measured(machine, names.MEMORY)),
        in_bytes,
        view="device",
        best="low",
        axis=Axis(f"bytes of memory on {machine}", "cost", mark="~s"),
        machine=machine,
        what=names.MEMORY,
    )
    return one, memory, at_32
