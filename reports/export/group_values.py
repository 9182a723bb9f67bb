"""Two groups side by side as plain values: what `harness report --compare-groups --json` prints."""

from typing import Any

from harness.reports.analysis.group_comparison import Across, GroupComparison


def group_values(found: GroupComparison) -> dict[str, Any]:
    """Return a comparison of two groups; differences are second - first, None where there is none."""
    return {
        "groups": list(found.groups),
        "differ": {name: list(both) for name, both in found.differ.items()},
        "networks": len(found.design.networks),
        "margin": found.margin,
        "rows": [_row(row) for row in found.rows],
    }


def _row(row: Across) -> dict[str, Any]:
    gap = row.difference
    return {
        "entry": row.entry,
        "density": row.density,
        "first_auc": row.first,
        "second_auc": row.second,
        "difference": gap and {"value": gap.value, "lower": gap.lower(), "upper": gap.upper()},
        "answer": row.answer,
        "problem": row.problem or None,
    }
