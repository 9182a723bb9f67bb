"""The trials of one study as a small chart: their values, and the best so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from harness.reports.charts.looks import CONFIG
from harness.reports.formatting import decimal
from harness.results.study_record import StudyRecord
from harness.results.trial_record import TrialRecord

KIND_SHAPES = {"complete": "circle", "pruned": "circle", "infeasible": "M-1,-1L1,1M1,-1L-1,1"}
KIND_COLOURS = {"complete": "#0072B2", "pruned": "#5a6672", "infeasible": "#D55E00"}


@dataclass(frozen=True)
class History:
    """The trials of a study: what their values are, as a chart, None where no trial has one, and in words."""

    study: StudyRecord
    aim: str
    chart: dict[str, Any] | None
    words: str


def best_so_far(study: StudyRecord) -> list[tuple[int, float]]:
    """Return (trial, best value up to it) from the first that counts on: a network, and within the bound."""
    found: list[tuple[int, float]] = []
    for trial in study.counted:
        if trial.value is not None and _counts(trial):
            values = [trial.value, *(value for _, value in found[-1:])]
            found.append((trial.number, max(values) if study.by_auc else min(values)))
        elif found:
            found.append((trial.number, found[-1][1]))
    return found


def _counts(trial: TrialRecord) -> bool:
    return trial.state == "complete" and trial.has_network and trial.feasible is not False


def history(study: StudyRecord) -> dict[str, Any] | None:
    """Return the Vega-Lite specification of the chart, None where no trial has a value."""
    drawn = [trial for trial in study.counted if trial.value is not None]
    if not drawn:
        return None
    layers = [_points(drawn)]
    if best := best_so_far(study):
        layers.insert(0, _line(best))
    chart = alt.layer(*layers).properties(width=300, height=150)
    with alt.data_transformers.enable("default", max_rows=None):
        specification: dict[str, Any] = chart.to_dict()
    return specification | {"config": CONFIG | {"aria": True}}


def _line(best: Sequence[tuple[int, float]]) -> Any:
    data = pd.DataFrame(best, columns=["trial", "value"])
    return alt.Chart(data).mark_line(interpolate="step-after", color="#9aa3ad").encode(x="trial:Q", y="value:Q")


def _points(trials: Sequence[TrialRecord]) -> Any:
    data = pd.DataFrame(
        [{"trial": trial.number, "value": trial.value, "kind": _kind(trial)} for trial in trials],
    )
    kinds = list(KIND_SHAPES)
    return (
        alt.Chart(data)
        .mark_point(size=42, strokeWidth=1.5)
        .encode(
            x=alt.X(
                "trial:Q",
                title="trial",
                scale=alt.Scale(nice=False, padding=8),
                axis=alt.Axis(format="d", tickMinStep=1, grid=False),
            ),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            shape=alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=list(KIND_SHAPES.values()))),
            color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=list(KIND_COLOURS.values()))),
            fill=alt.Fill("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=list(KIND_COLOURS.values()))),
            fillOpacity=alt.condition("datum.kind == 'complete'", alt.value(0.85), alt.value(0)),
        )
    )


def _kind(trial: TrialRecord) -> str:
    if trial.state != "complete":
        return "pruned"
    return "infeasible" if trial.feasible is False else "complete"


def alternative(study: StudyRecord) -> str:
    """Return what the chart shows in words."""
    kinds = [_kind(trial) for trial in study.counted if trial.value is not None]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KIND_SHAPES if kind in kinds)
    best = best_so_far(study)
    what = "Validation AUC" if study.by_auc else "Validation FNR"
    end = "no best so far"
    if best:
        end = f"best so far {decimal(best[0][1])} from trial {best[0][0]} on, {decimal(best[-1][1])} at the end"
    return f"{what} of the trials of {study.entry} by number: {counts or 'none has a value'}; {end}."
