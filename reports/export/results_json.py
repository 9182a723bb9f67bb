"""Results as JSON: every figure of a page and every cell, under a schema that has a number."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.outgoing.published import published
from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.analysis.outcomes import Outcome
from harness.reports.export.board_values import board_values
from harness.results.names import place
from harness.results.reading import Results

RESULTS_FORMAT = "prune-harness/results"
INDEX_FORMAT = "prune-harness/index"
SCHEMA = 2
"""Raised by whoever renames or removes a key of either format, or gives one another meaning (docs/publish.md)."""


def document(results: Results) -> dict[str, Any]:
    """Return the results as plain values for `to_json`. Raises `ValueError` as `read_outcomes` does.

    ``id`` is the day of the newest result and 8 hexadecimal digits of a hash of everything else in here, so
    that it changes exactly when a figure or a fact does.
    """
    networks = {network_of(facts) for facts in results.groups.values()}
    boards = leaderboard(results)
    newest = max((_moment(facts) for facts in results.groups.values()), default="")
    content = _plain(
        {
            "dataset": results.experiment,
            "network": networks.pop() if len(networks) == 1 else None,
            "newest_result": newest or None,
            "harness_versions": sorted({_harness(facts) for facts in results.groups.values()} - {""}),
            "groups": [board_values(board) for board in boards],
            "cells": _cells(boards),
        }
    )
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    identity = f"{newest[:10] or 'undated'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return {"format": RESULTS_FORMAT, "schema": SCHEMA, "id": identity, **content}


def to_json(value: Mapping[str, Any]) -> str:
    """Return strict JSON: no NaN, no infinity."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load_document(path: Path, kind: str = RESULTS_FORMAT) -> dict[str, Any] | None:
    """Return the document at ``path``, None where there is none or it is not of our ``kind``.

    Raises `UsageError` where a harness of another schema wrote it.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("format") != kind:
        return None
    if found.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} has schema {found.get('schema')}, this harness knows {SCHEMA}",
            fix="write into another folder, or use the harness that wrote this one",
        )
    return found


def network_of(facts: Mapping[str, Any]) -> str:
    """Return the network that a group's provenance names."""
    return str(facts.get("network", "unknown"))


def restricted(results: Results, network: str) -> Results:
    """Return the results of the groups of one network."""
    return results.of_groups([group for group, facts in results.groups.items() if network_of(facts) == network])


def _moment(facts: Mapping[str, Any]) -> str:
    """Return when the newest result of a group was there, in ISO 8601, empty where that is not known."""
    for name in ("finished", "started"):
        try:
            moment = datetime.fromisoformat(str(facts.get(name)))
        except ValueError:
            continue
        return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    return ""


def _harness(facts: Mapping[str, Any]) -> str:
    versions = facts.get("versions")
    return str(versions.get("prune-harness", "")) if isinstance(versions, Mapping) else ""


def _cells(boards: Iterable[Board]) -> list[dict[str, Any]]:
    """Return every cell with all its metrics, in an order that does not depend on when it was run."""
    outcomes = [outcome for board in boards for outcome in board.cells]
    outcomes.sort(key=lambda one: (one.group, place(one.entry), one.entry, one.network, -one.density))
    return [_cell(outcome) for outcome in outcomes]


def _cell(outcome: Outcome) -> dict[str, Any]:
    return {
        "group": outcome.group,
        "run_id": outcome.run_id,
        "entry": outcome.entry,
        "method": outcome.method,
        "loss": outcome.loss,
        "plain": outcome.plain,
        "fold": outcome.fold or None,
        "seed": outcome.seed,
        "density": outcome.density,
        "status": outcome.status,
        "reason": outcome.reason,
        "flops_left": outcome.flops_left,
        **({"layers": outcome.layers} if outcome.layers else {}),
        "metrics": outcome.metrics,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: what is no finite number is null, text is published and encodable, else exact."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return published(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
