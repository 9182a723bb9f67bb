"""A choice as plain values: what `harness choose --json` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.evaluation.contrasts import Contrast
from harness.reports.analysis.candidates import Axis, Candidate, Dense
from harness.reports.analysis.choosing import Choice
from harness.reports.words.headline import passing
from harness.results import names


def choice_values(found: Choice, group: str, commands: Sequence[str]) -> dict[str, Any]:
    """Return a choice; sizes as numbers, latencies in seconds, losses in shares with one-sided bounds of 95 %."""
    return {
        "decision": str(found.decision),
        "group": group,
        "wanted": {"max_loss": found.wanted.max_loss, "fpr": found.wanted.fpr, **_sizes(found.wanted.limits)},
        "entries": found.entries,
        "chosen": _network(found.chosen) if found.chosen else _dense(found.dense) if found.ships else None,
        "candidate": found.hopeful and _network(found.hopeful),
        names.DENSE: {**_dense(found.dense), "fits": found.dense_fits},
        "not_known": [str(axis) for axis in found.unknown],
        "limits_alone": {str(axis): one and _network(one) for axis, one in found.relaxed.items()},
        "max_loss_alone": found.margin and {"max_loss": found.margin[0], **_network(found.margin[1])},
        "nearest": found.nearest and _network(found.nearest),
        "controls_safe_to": passing(found.controls),
        "controls": [_network(one) for one in found.beside],
        "networks": [_network(one) for one in found.candidates],
        "commands": list(commands),
    }


def _dense(one: Dense | None) -> dict[str, Any]:
    return {**_sizes({}), **(_place(one) if one else {})}


def _place(one: Candidate | Dense) -> dict[str, Any]:
    """Return which network it is, and its sizes."""
    return {
        "entry": one.network.entry,
        "density": one.network.density,
        "seed": one.network.seed,
        "fold": one.network.fold or None,
        "group": one.network.group,
        "run": one.network.run_id,
        **_sizes(one.sizes),
        "validated": one.validated,
    }


def _network(one: Candidate) -> dict[str, Any]:
    judged, needed = one.step.judgement, one.needed
    return {
        **_place(one),
        "answer": one.step.answer and str(one.step.answer),
        "problem": one.step.problem or None,
        "safe": one.safe,
        "sure": one.sure,
        "loss": judged and _bounds(judged.loss),
        "lift": judged and _bounds(judged.lift),
        "positives_would_decide": needed and needed.positives,
        "networks_would_decide": needed and needed.networks,
    }


def _sizes(sizes: Mapping[Axis, float]) -> dict[str, float | None]:
    return {str(axis): sizes.get(axis) for axis in Axis}


def _bounds(found: Contrast) -> dict[str, float]:
    return {"value": found.value, "lower": found.lower(), "upper": found.upper()}
