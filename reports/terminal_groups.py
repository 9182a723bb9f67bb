"""Two groups side by side in a terminal: what `harness report --compare-groups` prints."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.outgoing.visible import visible
from harness.reports.analysis.group_comparison import Across, GroupComparison
from harness.reports.formatting import UNKNOWN, decimal, percent, signed


def side_by_side(found: GroupComparison) -> RenderableType:
    """Return what rich prints of a comparison of two groups, its label above."""
    first, second = found.groups
    differ = "; ".join(f"{name} {old} and {new}" for name, (old, new) in found.differ.items())
    label = (
        f"Groups {first} and {second} were trained by different schedules: {differ}. What differs below is the "
        "schedule's doing or chance; no method is ranked by it."
    )
    table = Table(padding=(0, 1, 0, 0), box=None)
    table.add_column("entry", overflow="fold", min_width=12)
    for head in ("left", "first", "second", "difference"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("answer", overflow="fold", min_width=12)
    for row in found.rows:
        table.add_row(*map(_shown, _cells(row)))
    legend = (
        f"Mean test AUC of {len(found.design.networks)} networks each; difference: second - first, with its 90% "
        f"interval. equivalent: that lies within {found.margin:g} (two one-sided tests); higher, lower: the 95% "
        "interval leaves out 0. Not corrected for the number of rows."
    )
    return Group(_shown(label, "bold"), table, _shown(legend, "dim"))


def _cells(row: Across) -> list[str]:
    aucs = [UNKNOWN if one is None else decimal(one) for one in (row.first, row.second)]
    gap = row.difference
    interval = UNKNOWN if gap is None else f"{signed(gap.value)} ({signed(gap.lower())} to {signed(gap.upper())})"
    return [row.entry, percent(row.density), *aucs, interval, row.problem or row.answer]


def _shown(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
