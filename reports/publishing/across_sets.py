"""What the pages of one site say together: entries by their average ranks over data sets and networks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.evaluation.across import FEWEST, Across, compare_across, complete
from harness.reports.formatting import listed, percent
from harness.results.names import REFERENCES

Figures = Mapping[str, float]
"""The mean test AUC of each entry that has all its networks."""

UNFIT = {
    "stand-in": "simulated images",
    "simulated": "simulated images",
    "anecdote": "fewer than three networks an entry",
}
"""Labels of groups that say nothing of other data sets, and why."""


class PageFigures(NamedTuple):
    """What one page contributes: its figures by level below 1, none of them where it is left out, and then why."""

    dataset: str
    network: str | None
    page: str
    levels: Mapping[float, Figures]
    left_out: str = ""


def page_figures(page: str, document: Mapping[str, Any]) -> PageFigures:
    """Return what a page's results.json contributes: at each level its group of the most entries, of equals the first.

    Groups are not to be compared with each other, so that one of them stands for the page.
    """
    groups = document["groups"]
    unfit = {group["group"]: why for group in groups for label, why in UNFIT.items() if label in group["labels"]}
    found: dict[float, Figures] = {}
    for level in (level for group in groups if group["group"] not in unfit for level in group["levels"]):
        figures = _figures(level["rows"])
        if level["density"] < 1 and len(figures) > len(found.get(level["density"], {})):
            found[level["density"]] = figures
    left_out = listed(sorted(set(unfit.values()))) if unfit and len(unfit) == len(groups) else ""
    return PageFigures(document["dataset"], document["network"], page, found, left_out)


def _figures(rows: Sequence[Mapping[str, Any]]) -> Figures:
    whole = [row for row in rows if row["entry"] not in REFERENCES and row["done"] == row["asked"] and row["auc"]]
    return {row["entry"]: row["auc"]["value"] for row in whole if row["auc"]["value"] is not None}


def across_values(pages: Sequence[PageFigures]) -> dict[str, Any]:
    """Return what index.html shows of all pages together, as plain values; ``reason`` says why there is no ranking."""
    level = _shared_level(pages)
    blocks = [page for page in pages if level in page.levels]
    figures = [page.levels[level] for page in blocks if level is not None]
    found = compare_across(figures)
    return {
        "level": level,
        "blocks": [{"dataset": one.dataset, "network": one.network, "page": one.page} for one in blocks],
        "left_out": [{"page": one.page, "reason": _why(one, level)} for one in pages if one not in blocks],
        "incomplete": _incomplete(blocks, figures),
        **_told(found),
        "reason": "" if found else _reason(level, figures),
    }


def _shared_level(pages: Sequence[PageFigures]) -> float | None:
    """Return the level that most pages share; where that is not one alone, that of the most entries, then the lower.

    One at which a ranking can be made comes before one that more pages share, but with too few entries.
    """

    def worth(level: float) -> tuple[bool, int, int, float]:
        figures = [page.levels[level] for page in pages if level in page.levels]
        entries = len(complete(figures))
        return min(len(figures), entries) >= FEWEST, len(figures), entries, -level

    return max({level for page in pages for level in page.levels}, key=worth, default=None)


def _why(page: PageFigures, level: float | None) -> str:
    return page.left_out or ("no level below 100%" if level is None else f"no results at {percent(level)}")


def _incomplete(blocks: Sequence[PageFigures], figures: Sequence[Figures]) -> list[dict[str, Any]]:
    """Return the entries that some pages lack, and which these are."""
    entries = sorted({entry for one in figures for entry in one} - {*complete(figures)})
    pages = [page.page for page in blocks]
    return [
        {"entry": entry, "missing": [page for page, one in zip(pages, figures, strict=True) if entry not in one]}
        for entry in entries
    ]


def _told(found: Across | None) -> dict[str, Any]:
    if found is None:
        return {"entries": [], "friedman": None, "critical_difference": None, "groups": []}
    f = found.friedman.f
    return {
        "entries": [one._asdict() for one in found.placings],
        "friedman": {**found.friedman._asdict(), "f": f if math.isfinite(f) else None},
        "critical_difference": found.critical_difference,
        "groups": [list(group) for group in found.groups],
    }


def _reason(level: float | None, figures: Sequence[Figures]) -> str:
    if level is None or len(figures) < FEWEST:
        return f"Average ranks need {FEWEST} data sets or networks that share a level; here there are {len(figures)}."
    entries = len(complete(figures))
    return f"Average ranks need {FEWEST} entries that every page has; at {percent(level)} there are {entries}."
