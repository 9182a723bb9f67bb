import json
import math

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.curves import charts


def switched(specification, value):
    """Return the panels as SVG with the switch in one position."""
    import vl_convert

    (switch,) = [one for one in specification["params"] if one["name"] == "against"]
    assert switch["bind"]["input"] == "radio"
    switch["value"] = value
    return str(vl_convert.vegalite_to_svg(specification))


def test_the_axis_is_remaining_weights_until_a_reader_switches(sized):
    (board,) = leaderboard(sized.results())
    specification = charts(board)
    assert next(one["value"] for one in specification["params"] if one["name"] == "against") == "weights"
    weights, flops = (switched(specification, value) for value in ("weights", "flops"))
    assert (weights.count(">remaining weights (%)<"), weights.count(">FLOPs left")) == (4, 0)
    assert (flops.count(">remaining weights (%)<"), flops.count(">FLOPs left")) == (0, 4)
    assert ">12.5<" in flops
    assert ">12.5<" not in weights


def test_without_known_flops_there_is_no_switch(sized):
    for row in sized.rows:
        row.pop("size/flops", None)
    (board,) = leaderboard(sized.results())
    specification = charts(board)
    assert "against" not in json.dumps(specification)
    assert all(math.isnan(row.figures["flops_left"]) for level in board.levels for row in level.rows)
