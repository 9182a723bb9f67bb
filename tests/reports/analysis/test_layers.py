import pytest

from harness.reports.analysis.layers import layers_of
from harness.reports.analysis.leaderboard import leaderboard


@pytest.fixture
def counted(bench, scores):
    """A masked method that empties a layer in one seed, and one whose layers were made narrower."""
    whole = {"conv.weight": [100, 100, 100], "head.weight": [40, 40, 40]}
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(seed=seed), layers=whole)
        bench.done("snip", seed, 0.5, scores(seed=seed), layers={"conv.weight": [50, 30 + 10 * seed, 100]})
        bench.done("snip", seed, 0.25, scores(seed=seed), layers={"conv.weight": [10 * seed, 0, 100]})
        bench.done("narrow", seed, 0.25, scores(seed=seed), layers={"conv.weight": [25, 25, 25]})
        bench.done("old", seed, 0.25, scores(seed=seed))
    bench.missing("snip", 2, 0.5, "failed", "no reason")
    return bench


def shown(bench):
    (board,) = leaderboard(bench.results())
    return layers_of(board.cells)


def test_shares_are_means_of_the_seeds_that_are_done(counted):
    layers = shown(counted)
    assert layers.levels == (0.5, 0.25)
    snip = dict(layers.entries)["snip"]
    assert [row.name for row in snip] == ["conv"]
    half, quarter = snip[0].cells
    assert (half.left, half.alive, half.empty, half.seeds) == (0.5, 0.35, 0, 2)
    assert (quarter.left, quarter.alive, quarter.empty, quarter.seeds) == (0.05, 0.0, 1, 2)


def test_a_narrower_layer_has_less_than_all_of_the_dense_networks(counted):
    (row,) = dict(shown(counted).entries)["narrow"]
    assert row.cells[0] is None
    assert (row.cells[1].left, row.cells[1].alive) == (0.25, 0.25)


def test_an_entry_of_another_design_is_measured_by_its_own_dense_network(counted, scores):
    counted.done("narrow", 0, 1.0, scores(), layers={"conv.weight": [50, 50, 50]})
    (row,) = dict(shown(counted).entries)["narrow"]
    assert row.cells[1].left == 0.5


def test_results_without_counts_show_no_layers(usual):
    assert shown(usual).entries == ()


def test_layers_stand_in_the_order_of_their_numbers(bench, scores):
    names = ["block10.weight", "block2.conv1.weight", "block2.conv.weight", "stem.weight"]
    bench.done("dense", 0, 1.0, scores())
    bench.done("snip", 0, 0.5, scores(), layers={name: [1, 1, 2] for name in names})
    ((_, rows),) = shown(bench).entries
    assert [row.name for row in rows] == ["block2.conv", "block2.conv1", "block10", "stem"]
    assert shown(bench).size == 4
