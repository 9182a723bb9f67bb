"""FLOPs left: a second axis of size beside the remaining parameters."""

import math

import pandas as pd

__all__ = ["flops_left"]

FLOPS = "size/flops"


def flops_left(cells: pd.DataFrame) -> pd.Series:
    """Return each cell's FLOPs as a share of the dense reference's of its group and seed; NaN where one is unknown.

    ``cells`` as in `harness.results.reading.Results`. A network of another design, such as a MobileNet, may be above 1.
    """
    if FLOPS not in cells:
        return pd.Series(math.nan, index=cells.index, name="flops_left")
    dense = cells[(cells["entry"] == "dense") & (cells["density"] == 1) & (cells[FLOPS] > 0)]
    reference = {
        (group, seed): flops for group, seed, flops in zip(dense["group"], dense["seed"], dense[FLOPS], strict=True)
    }
    whole = [reference.get(run, math.nan) for run in zip(cells["group"], cells["seed"], strict=True)]
    return (cells[FLOPS] / whole).rename("flops_left")
