"""What each method is worth on each data set and network: a matrix of answers, from the pages' results.json alone."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from harness.reports.publishing.versions import FOLDER
from harness.reports.words.verdict_table import kind_of_word


class Column(NamedTuple):
    """A group of a page: ``facts`` for the head, and the ``answers`` by entry."""

    facts: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]


def columns_of(shown: str, document: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return the columns of one page, a group each, since groups are not to be compared.

    ``shown`` is the address of the page itself, or that where its version was removed, ``facts`` what the index says
    of each group.
    """
    groups = list(zip(document["groups"], facts, strict=True))
    return [_column(shown, document, section, *group) for section, group in enumerate(groups, 1)]


def _column(
    shown: str, document: Mapping[str, Any], section: int, group: Mapping[str, Any], facts: Mapping[str, Any]
) -> Column:
    head = {
        "dataset": str(document["dataset"]),
        "network": None if document["network"] is None else str(document["network"]),
        "group": facts["group"],
        "of_several": section if len(document["groups"]) > 1 else None,
        "page": shown,
        "dense_auc": facts["dense_auc"],
        "positives": group["positives"],
        "labels": facts["labels"],
        "authors": sorted({str(one["author"]) for one in group.get("submissions", ())}),
    }
    answers = {
        found["entry"]: {
            "answer": found["answer"],
            "kind": kind_of_word(found["answer"]) if found["density"] is None else "safe",
            "density": found["density"],
            "page": f"{shown}#map-{section}-{place}" if f"/{FOLDER}/" in shown else shown,
            "control": found["control"],
        }
        for place, found in enumerate(group["verdicts"], 1)
        if any(step["density"] < 1 for step in found["steps"])
    }
    return Column(head, answers)


def matrix_values(columns: Iterable[Column], across: Mapping[str, Any]) -> dict[str, Any]:
    """Return the matrix as plain values: entries by their average rank where there is one, controls last."""
    columns = list(columns)
    ranks = {one["entry"]: one["rank"] for one in across["entries"]}
    entries = dict.fromkeys(entry for column in columns for entry in column.answers)
    controls = {entry for column in columns for entry, found in column.answers.items() if found["control"]}
    counts = {entry: sum(entry in column.answers for column in columns) for entry in entries}
    order = sorted(entries, key=lambda one: (one in controls, ranks.get(one, inf), -counts[one], one))
    return {
        "columns": [column.facts for column in columns],
        "entries": [
            {
                "entry": entry,
                "control": entry in controls,
                "rank": ranks.get(entry),
                "answers": [_without_control(column.answers.get(entry)) for column in columns],
            }
            for entry in order
        ],
    }


def _without_control(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else {name: value for name, value in found.items() if name != "control"}
