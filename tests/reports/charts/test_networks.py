import re
from dataclasses import replace

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.networks import networks
from harness.reports.charts.still import svg

POINT = r'<circle cx="[^"]+" cy="[^"]+" r="[^"]+" fill="#0072B2"[^>]* stroke="#0072B2" stroke-width="1.3"[^>]*>'


def rows(board):
    """The rows of the chart's data, what is left out of them as 0 filled in, and levels by name."""
    found = {row["entry"]: dict(row) for row in networks(board).specification["data"]["values"]}
    names = [f"{100 * level:g}%" for level in sorted({cell.density for cell in board.cells}, reverse=True)]
    for row in found.values():
        row["level"] = [names[place] for place in row["place"]]
        for name in ("fold", "seed", "collapsed"):
            row.setdefault(name, [0] * len(row["place"]))
        for name, values in row.items():
            if isinstance(values, dict):
                row[name] = [values["by"][place] for place in row["place"]]
    return found


def test_a_point_is_a_network_and_a_line_goes_through_the_means(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(3 + seed, seed=seed), **{"size/flops": flops})
        bench.done("lt", seed, 0.25, scores(6, seed=seed), collapsed=float(seed), **{"size/flops": flops / 2})
    (board,) = leaderboard(bench.results())
    lt = rows(board)["lt"]
    assert dict(zip(zip(lt["level"], lt["seed"], strict=True), lt["flops_left"], strict=True)) == {
        ("50%", 0): 0.25,
        ("50%", 1): 0.75,
        ("25%", 0): 0.125,
        ("25%", 1): 0.375,
    }
    aucs = {(f"{100 * cell.density:g}%", cell.seed): cell.tested("auc") for cell in board.cells if cell.entry == "lt"}
    for level, seed, missed in zip(lt["level"], lt["seed"], lt["auc"], strict=True):
        assert abs(1 - aucs[level, seed] - missed) < 1e-3
    drawn = svg(networks(board).specification, 640)
    points = re.findall(POINT, drawn)
    assert len(points) == 4
    assert sum('fill-opacity="0"' in point for point in points) == 1  # the network that collapsed
    assert len(re.findall(r'<path d="M[^"]*L[^"]*" stroke="#0072B2"', drawn)) == 1


def test_what_a_logarithmic_axis_cannot_show_is_not_drawn_there(sized):
    """FLOPs of 0, of two emptied networks, and those without a dense network to compare with."""
    (board,) = leaderboard(sized.results())
    lt = rows(board)["lt"]
    assert sorted(zip(lt["level"], lt["seed"], lt["flops_left"], strict=True), key=str) == [
        ("25%", 0, 0.0),
        ("25%", 1, 0.0),
        ("50%", 0, 0.25),
        ("50%", 1, 0.125),
        ("50%", 2, None),
    ]
    specification = networks(board).specification
    for one in specification["params"]:
        if one["name"] == "across":
            one["value"] = "flops_left"
    drawn = svg(specification, 640)
    assert len(re.findall(POINT, drawn)) == 2
    assert ">12.5%<" in drawn


def test_the_fold_of_a_network_is_told(bench, scores):
    for fold in (1, 2, 3):
        bench.done("dense", 0, 1.0, scores(seed=fold), fold=fold)
        bench.done("lt", 0, 0.5, scores(seed=fold + 5), fold=fold)
    (board,) = leaderboard(bench.results())
    assert sorted(rows(board)["lt"]["fold"]) == [1, 2, 3]
    (points,) = [one for one in networks(board).specification["layer"] if one["mark"]["type"] == "point"]
    assert [one.get("title") for one in points["encoding"]["tooltip"]][:3] == ["entry", "fold", "seed"]
    assert "a seed of a fold" in networks(board).caption


def test_an_error_that_nobody_has_is_not_offered(usual):
    """Results from before the deployed cut whose validation scores are lost have none."""
    results = usual.results()
    cells = results.cells.drop(columns=[name for name in results.cells if "deployed" in name])
    older = replace(results, cells=cells, scores=results.scores[results.scores["split"] == "test"])
    (board,) = leaderboard(older)
    (up,) = [one for one in networks(board).specification["params"] if one["name"] == "up"]
    assert up["bind"]["options"] == ["sensitivity", "auc"]
