from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page.charts import drawn_values


def test_a_point_is_a_seed_and_a_line_goes_through_their_mean(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": flops})
    (board,) = leaderboard(bench.results())
    drawn = drawn_values(board.cells)
    assert sorted(drawn[drawn["entry"] == "lt"]["flops"]) == [25.0, 75.0]
    assert set(drawn[drawn["entry"] == "lt"]["mean_flops"]) == {50.0}


def test_what_a_logarithmic_axis_cannot_show_is_not_drawn_there(sized):
    (board,) = leaderboard(sized.results())
    drawn = drawn_values(board.cells)
    assert drawn["flops"].isna().sum() == 3  # two emptied networks and one without a reference
    assert drawn["remaining"].notna().all()
