"""The axis of size that the panels share: remaining weights, or FLOPs left at the reader's choice."""

import json
import math
from typing import Any

import altair as alt
import pandas as pd

WEIGHTS_TITLE, FLOPS_TITLE = "remaining weights (%)", "FLOPs left (% of the dense network's)"
SWITCH = "against"


def switched(data: pd.DataFrame) -> bool:
    """Say whether there is a second axis: whether the FLOPs of any network are known."""
    return bool(data["flops"].notna().any())


def switch() -> alt.Parameter:
    """Return the radio button that a reader picks the axis with."""
    button = alt.binding_radio(
        options=["weights", "flops"], labels=["remaining weights", "FLOPs left"], name="Against "
    )
    return alt.param(name=SWITCH, value="weights", bind=button)


def _either(flops: str, weights: str) -> str:
    """Return the Vega expression that follows the switch."""
    return f"{SWITCH} == 'flops' ? {flops} : {weights}"


def placed(chart: alt.Chart, data: pd.DataFrame, flops: str) -> alt.Chart:
    """Return the chart with its place on the axis, ``size``."""
    return chart.transform_calculate(
        size=_either(f"datum.{flops}", "datum.remaining") if switched(data) else "datum.remaining"
    )


def size(data: pd.DataFrame) -> alt.X:
    """Return the axis of size: dense at the left, each level or halving one step to the right."""
    levels = sorted(data["remaining"].unique().tolist(), reverse=True)
    ticks: Any = levels
    if switched(data):
        ticks = alt.ExprRef(_either(str(_halvings(data["flops"].min(), data["flops"].max())), str(levels)))
    return alt.X(
        "size:Q",
        title=WEIGHTS_TITLE,
        scale=alt.Scale(type="log", reverse=True, nice=False, padding=12),
        axis=alt.Axis(values=ticks, format=".3~g", grid=False, labelOverlap="greedy"),
    )


def _halvings(least: float, most: float) -> list[float]:
    """Return 100 halved and doubled as far as the data go, in percent."""
    first, last = math.ceil(math.log2(least / 100) - 1e-9), math.floor(math.log2(most / 100) + 1e-9)
    return [100 * 2.0**power for power in range(last, first - 1, -1)]


def titled(value: Any) -> Any:
    """Return a specification whose axis of size is named as the switch says.

    Vega-Lite hands a title that is a signal on to Vega; its own schema, and so altair, knows texts alone.
    """
    if isinstance(value, list):
        return [titled(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("title") == WEIGHTS_TITLE:
        value = value | {"title": {"signal": _either(json.dumps(FLOPS_TITLE), json.dumps(WEIGHTS_TITLE))}}
    return {name: inner if name == "datasets" else titled(inner) for name, inner in value.items()}
