"""The model card of an exported network as plain values: what it is, what it was measured at, and what it is not for.

Source of the headings: Mitchell et al. (2019), "Model Cards for Model Reporting".
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from harness.environment import versions
from harness.evaluation.auc import auc_interval, aucs
from harness.evaluation.contrasts import Measured, contrast
from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.metrics import confusion
from harness.evaluation.proportions import clopper_pearson
from harness.evaluation.thresholds import DEPLOYED
from harness.outgoing.published import published_values
from harness.results import names
from harness.shipping.card_limits import INTENDED, limits, missing
from harness.shipping.export import Exported
from harness.shipping.held_cell import HeldCell
from harness.shipping.replay import Replayed
from harness.shipping.start_weights import start_weights

FORMAT = 1
_DATA = (
    *("dataset", "dataset_version", "licence", "citation", "classes", "counts", "simulated", "fallback_for", "partial"),
    *(
        "broken",
        "duplicates_allowed",
        "near_duplicates",
        "fold",
        "folds",
        "imbalance",
        "caveats",
        "recipe",
        "test_part",
    ),
)
_MADE_BY = ("command", "environment", "versions", "preset")

Values = dict[str, Any]


def card(held: HeldCell, cell: Replayed, exported: Exported, board: Mapping[str, Any] | None, command: str) -> Values:
    """Return the card of an exported network; ``board`` is what the leaderboard says of its entry at its level.

    ``command`` is what wrote the file. Complete, or "missing" says what nobody told.
    """
    told = held.provenance
    found: Values = {
        "format": FORMAT,
        "cell": {**cell.shipped.nameplate.to_json(), "bits": cell.entry.bits},
        "file": {**asdict(exported), "format": str(exported.format)},
        "intended_use": INTENDED,
        "data": {name: told.get(name) for name in _DATA},
        "method": _method(cell),
        "network": _network(held, cell),
        "training": {"schedule": told.get("schedule"), "pretraining": told.get("pretraining")},
        "thresholds": _thresholds(cell),
        "this_network": _this_network(held, cell),
        "leaderboard": dict(board) if board is not None else None,
        "made_by": {name: told.get(name) for name in _MADE_BY},
        "command": command,
        "versions": versions(),
    }
    found = published_values(found)
    return {**found, "limits": limits(found), "missing": missing(found)}


def _method(cell: Replayed) -> Values:
    """Return what is told of the method by this installation: its code is that of the run, or it were not replayed."""
    return {
        "entry": cell.entry.text,
        "name": cell.entry.method,
        "parameters": dict(cell.entry.parameters),
        "loss": cell.entry.loss.name,
        **asdict(cell.entry.facts()),
    }


def _network(held: HeldCell, cell: Replayed) -> Values:
    metrics = cell.record.metrics
    return {
        "name": cell.plan.network,
        "architecture": f"{cell.shipped.network.architecture}",
        "narrowed": bool(cell.shipped.network.architecture.shapes),
        "bits": cell.entry.bits,
        "input": [3, cell.plan.data.size, cell.plan.data.size],
        "parameters": _whole(metrics.get(names.PARAMETERS)),
        "parameters_alive": _whole(metrics.get(names.ALIVE)),
        "density": metrics.get(names.DENSITY),
        "density_asked": held.level.density,
        "flops": _whole(metrics.get(names.FLOPS)),
        "collapsed": bool(metrics.get(names.COLLAPSED)),
        "disconnected": bool(metrics.get(names.DISCONNECTED)),
        "start_weights": asdict(start_weights(cell.plan.weights, cell.plan.network)),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _thresholds(cell: Replayed) -> Values:
    """Return the cuts by name, each with the probability that its true sensitivity reaches what it keeps."""
    told = {name: f"{names.THRESHOLD}{name}/confidence" for name in cell.shipped.thresholds}
    cuts = {
        name: {"value": value, "confidence": cell.record.metrics.get(told[name])}
        for name, value in cell.shipped.thresholds.items()
    }
    return {"operating": DEPLOYED, "keeps": cell.plan.verdict.sensitivity, "cuts": cuts}


def _over_images(measured: Measured) -> Values:
    """Return one network's figure and its 95 % interval over the images."""
    found, smaller = contrast([measured], [1.0]), min(one.size for one in measured.classes)
    return {"value": found.value, "interval": auc_interval(found.value, found.given_networks, smaller)}


def _this_network(held: HeldCell, cell: Replayed) -> Values:
    """Return the figures of this very network on the test images, counted from its scores."""
    labels, scores = np.asarray(held.labels, dtype=np.uint8), np.asarray(cell.record.test_scores)
    counts = confusion(labels, scores, cell.shipped.thresholds[DEPLOYED])
    fpr, own = cell.plan.verdict.fpr, scores[None, None]
    return {
        "auc": _over_images(aucs(labels, own)),
        "sensitivity": _over_images(equal_alarms(labels, own, fpr)),
        "fpr": fpr,
        "missed": {"k": counts.fn, "n": counts.p, "interval": clopper_pearson(counts.fn, counts.p)},
        "alarms": {"k": counts.fp, "n": counts.n, "interval": clopper_pearson(counts.fp, counts.n)},
    }
