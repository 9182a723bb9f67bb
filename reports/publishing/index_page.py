"""The first page of a published folder: every page that is in it, from their results.json alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.reports.export.results_json import INDEX_FORMAT, SCHEMA
from harness.reports.page.assets import INDEX_MARK, Script, policy, script, style
from harness.reports.page.templating import template
from harness.reports.publishing.across_sets import across_values, page_figures
from harness.reports.publishing.matrix import columns_of, matrix_values
from harness.reports.publishing.rank_diagram import rank_diagram
from harness.reports.publishing.versions import FOLDER, Version, with_changes
from harness.reports.words.verdict_table import SIGNS
from harness.results.names import DENSE, REFERENCES

SCRIPTS = ("header", "sorting")


def index_document(folder: Path, pages: Mapping[Path, tuple[Mapping[str, Any], Sequence[Version]]]) -> dict[str, Any]:
    """Return what index.html shows as plain values for `to_json`.

    ``pages`` are results.json and versions, oldest first, by the page's folder below ``folder``. Raises
    `UsageError` where a results.json is not as our schema says.
    """
    told = []
    for page, (document, found) in pages.items():
        name = page.relative_to(folder).as_posix()
        try:
            entry = _entry(name, document, found)
            columns = columns_of(entry["shown"], document, entry["groups"])
            told.append((entry, columns, page_figures(name, document)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{page / 'results.json'} is damaged: {type(error).__name__} {error}",
                fix=f"publish the results of that page again, or remove {page}",
            ) from error
    told.sort(key=lambda one: (one[0]["dataset"], one[0]["network"] or "", one[0]["page"]))
    across = across_values([figures for _, _, figures in told])
    matrix = matrix_values((column for _, columns, _ in told for column in columns), across)
    entries = [entry for entry, _, _ in told]
    return {"format": INDEX_FORMAT, "schema": SCHEMA, "pages": entries, "matrix": matrix, "across": across}


def index_html(document: Mapping[str, Any]) -> str:
    """Return the index as HTML: self-contained, readable without JavaScript."""
    styles, early, scripts = style(), Script(script("theme")), [Script(script(name)) for name in SCRIPTS]
    across = document["across"]
    return template("index.html.j2").render(
        generator=INDEX_MARK,
        pages=document["pages"],
        newest=max((page["newest_result"] or "" for page in document["pages"]), default="")[:10],
        matrix=document["matrix"],
        signs=SIGNS,
        across=across,
        diagram=rank_diagram(across) if across["entries"] else None,
        style=styles,
        early=early,
        scripts=scripts,
        policy=policy(styles, [early, *scripts]),
    )


def _entry(page: str, document: Mapping[str, Any], found: Sequence[Version]) -> dict[str, Any]:
    groups, cells = document["groups"], document["cells"]
    return {
        "dataset": str(document["dataset"]),
        "network": None if document["network"] is None else str(document["network"]),
        "page": f"{page}/index.html",
        "shown": _shown(page, document, found),
        "cells": f"{page}/cells.csv",
        "results": f"{page}/results.json",
        "id": document["id"],
        "newest_result": document["newest_result"],
        "labels": list(dict.fromkeys(label for group in groups for label in group["labels"])),
        "sizes": sorted({size for group in groups if isinstance(size := group["provenance"].get("size"), int)}),
        "entries": sorted({cell["entry"] for cell in cells} - {*REFERENCES}),
        "seeds": sorted({cell["seed"] for cell in cells}),
        "levels": sorted({cell["density"] for cell in cells}, reverse=True),
        "groups": [_group(group) for group in groups],
        "versions": [
            {
                "id": version.id,
                "newest_result": version.document["newest_result"],
                "page": f"{page}/{FOLDER}/{version.id}/index.html",
                "changes": change,
            }
            for version, change in reversed(with_changes(found))
        ],
    }


def _shown(page: str, document: Mapping[str, Any], found: Sequence[Version]) -> str:
    """Return the address of the page itself, to which ``page`` only goes on; that where its version was removed."""
    kept = any(version.id == document["id"] for version in found)
    return f"{page}/{FOLDER}/{document['id']}/index.html" if kept else f"{page}/index.html"


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "group": group["group"],
        "labels": group["labels"],
        "stands_in_for": group["provenance"].get("fallback_for"),
        "answer": group["answer"][0],
        "dense_auc": _dense_auc(group),
    }


def _dense_auc(group: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the test AUC of the dense reference with these networks' interval, None where it was not measured."""
    for level in group["levels"]:
        for row in level["rows"]:
            if row["entry"] == DENSE and (found := row["auc"]) and None not in found["these"]:
                low, high = map(float, found["these"])
                return {"value": float(found["value"]), "low": low, "high": high}
    return None
