"""The 2 x 2 of loss and pruning against counting by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.losses.registered import schedule_named
from harness.reports.analysis.leaderboard import leaderboard

SEEDS = (0, 1)
GREEN = "class-dependent-lt[scenario=green]"
WEIGHTS = {
    "loss_on_pruned": (0, 0, -1, 1),
    "pruning_under_plain": (-1, 0, 1, 0),
    "pruning_under_other": (0, -1, 0, 1),
    "interaction": (1, -1, -1, 1),
    "loss_on_dense": (-1, 1, 0, 0),
}


def pairs(bench):
    (board,) = leaderboard(bench.results())
    return board.pairs


def scores_of(bench, entry, density, seeds):
    """Return (labels, scores) of one entry at one level from the images alone."""
    images = bench.results().scores
    images = images[images["split"] == "test"]
    rows = [images[(images["entry"] == entry) & (images["density"] == density) & (images["seed"] == s)] for s in seeds]
    return rows[0]["label"].to_numpy(), np.stack([one["score"].to_numpy() for one in rows])


def placements(labels, scores, label):
    """Of each image of a class the share of the other on the right side of it, (networks, images)."""
    found = []
    for row in scores:
        own, others = row[labels == label], row[labels != label]
        found.append([np.mean((one > others if label else one < others) + (one == others) / 2) for one in own])
    return np.array(found)


def residual(table):
    return table - table.mean(0) - table.mean(1)[:, None] + table.mean()


def contrast(networks, weights):
    """(value, low, high) of a contrast of four mean AUCs: images, and what networks add to their noise."""
    shares = [[placements(*one, label) for one in networks] for label in (1, 0)]
    values = np.array([own.mean(1) for own in shares[0]])  # entry x seed
    seeds = values.shape[1]
    terms = []
    for side in shares:
        mixed = sum(w * own for w, own in zip(weights, side, strict=True))
        images = mixed.shape[1]
        terms.append((np.var(mixed.mean(0), ddof=1) / images, images - 1))
        left = np.sum(residual(mixed) ** 2) / ((seeds - 1) * (images - 1))
        terms.append((-left / (images * seeds), (seeds - 1) * (images - 1)))
    own = np.var(np.array(weights) @ values, ddof=1)
    pooled = np.sum(residual(values) ** 2) / (3 * (seeds - 1)) * np.sum(np.square(weights))
    terms.append((own / seeds, seeds - 1) if own > 3 * pooled else (pooled / seeds, 3 * (seeds - 1)))
    least = [terms[0], terms[2]]
    if sum(v for v, _ in terms) < sum(v for v, _ in least):
        terms = least
    freedom = sum(v for v, _ in terms) ** 2 / sum(v**2 / f for v, f in terms)
    value = np.array(weights) @ values.mean(1)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(v for v, _ in terms))
    return value, value - half, value + half


def effects_by_hand(bench, seeds, density):
    networks = [("lt", 1.0), (GREEN, 1.0), ("lt", density), (GREEN, density)]
    found = [scores_of(bench, entry, level, seeds) for entry, level in networks]
    return {name: contrast(found, weights) for name, weights in WEIGHTS.items()}


def effects(square):
    return {name: (effect.value, effect.low, effect.high) for name, effect in square.effects.items()}


def test_a_pair_has_the_dense_networks_and_every_level(crossed):
    (pair,) = pairs(crossed)
    assert (pair.plain, pair.other, pair.loss) == ("lt", GREEN, "green")
    assert [square.density for square in pair.levels] == [1.0, 0.5, 0.25]
    assert set(pair.levels[0].corners) == {"dense_plain", "dense_other"}
    assert set(pair.levels[0].effects) == {"loss_on_dense"}
    assert all(set(square.effects) == set(WEIGHTS) for square in pair.levels[1:])


@pytest.mark.parametrize("density", [0.5, 0.25])
def test_effects_are_contrasts_of_the_four_networks(crossed, density):
    (pair,) = pairs(crossed)
    (square,) = [one for one in pair.levels if one.density == density]
    wanted = effects_by_hand(crossed, SEEDS, density)
    for name, found in effects(square).items():
        assert found == pytest.approx(wanted[name], abs=1e-9), name
    value = {name: effect.value for name, effect in square.effects.items()}
    assert value["interaction"] == pytest.approx(value["loss_on_pruned"] - value["loss_on_dense"])
    assert value["interaction"] == pytest.approx(value["pruning_under_other"] - value["pruning_under_plain"])


def test_corners_count_missed_positives(crossed):
    (pair,) = pairs(crossed)
    cells = crossed.results().cells
    for name, entry, density in [("pruned_other", GREEN, 0.25), ("dense_plain", "lt", 1.0)]:
        corner = pair.levels[2].corners[name]
        own = cells[(cells["entry"] == entry) & (cells["density"] == density)]
        labels, scores = scores_of(crossed, entry, density, SEEDS)
        cuts = own.sort_values("seed")["threshold/deployed"].to_numpy()
        missed = [(row[labels == 1] <= cut).sum() for row, cut in zip(scores, cuts, strict=True)]
        assert (corner.missed.k, corner.missed.n) == (np.mean(missed), 30)
        assert (corner.done, corner.problem) == (len(SEEDS), "")
        assert corner.auc == pytest.approx(own["test/auc"].mean())


def without(bench, entry, seed, density):
    """Take a cell and its scores away."""
    bench.rows = [r for r in bench.rows if (r["entry"], r["seed"], r["density"]) != (entry, seed, density)]
    bench.images = [
        i
        for i in bench.images
        if (i["entry"].iloc[0], i["seed"].iloc[0], i["density"].iloc[0]) != (entry, seed, density)
    ]


def test_a_missing_network_of_any_corner_leaves_no_effect_and_is_named(crossed):
    without(crossed, GREEN, 1, 0.5)
    crossed.missing(GREEN, 1, 0.5, "diverged", "loss became NaN", loss="green", plain="lt")
    (pair,) = pairs(crossed)
    dense, half, quarter = pair.levels
    assert (half.effects, set(dense.effects), set(quarter.effects)) == ({}, {"loss_on_dense"}, set(WEIGHTS))
    corner = half.corners["pruned_other"]
    assert (corner.problem, corner.done) == ("diverged in seed 1", len(SEEDS) - 1)
    assert {name for name, one in half.corners.items() if one.problem} == {"pruned_other"}


def test_a_missing_dense_network_leaves_no_effect_at_any_level(crossed):
    without(crossed, "lt", 0, 1.0)
    (pair,) = pairs(crossed)
    assert [square.effects for square in pair.levels] == [{}] * 3
    assert pair.levels[2].corners["dense_plain"].problem == "not run in seed 0"


def test_what_nobody_ran_stays_visible_without_figures(crossed):
    for seed in SEEDS:
        without(crossed, GREEN, seed, 0.5)
    crossed.missing(GREEN, 0, 0.5, "skipped", "too narrow", loss="green", plain="lt")
    (pair,) = pairs(crossed)
    half = pair.levels[1]
    lost = half.corners["pruned_other"]
    assert (half.effects, lost.auc, lost.missed, lost.done) == ({}, None, None, 0)
    assert lost.problem.startswith("skipped in seed 0; not run in seed")
    assert half.corners["pruned_plain"].auc is not None


def test_collapsed_networks_count_and_are_named(crossed):
    without(crossed, GREEN, 1, 0.5)
    crossed.done(GREEN, 1, 0.5, np.full(70, 0.25), loss="green", plain="lt", collapsed=1.0)
    (pair,) = pairs(crossed)
    corner = pair.levels[1].corners["pruned_other"]
    assert (corner.problem, corner.done) == ("collapsed in seed 1", len(SEEDS))
    labels, kept = scores_of(crossed, GREEN, 0.5, SEEDS)
    each = [np.mean(placements(labels, row[None], 1)) for row in kept]
    assert each[1] == 0.5
    assert corner.auc == pytest.approx(np.mean(each))
    assert set(pair.levels[1].effects) == set(WEIGHTS)


@pytest.mark.parametrize(("number", "anecdote"), [(1, True), (2, True), (3, False)])
def test_an_effect_of_fewer_than_three_networks_is_an_anecdote_and_never_clear(trial, number, anecdote):
    seeds = range(number)
    made = trial().entry("dense", 1.0, 12, seeds=seeds)
    for entry, loss, missed in (("lt", "plain", 12), (GREEN, "green", 80)):
        made.entry(entry, 1.0, missed, seeds=seeds, loss=loss, plain="lt")
        made.entry(entry, 0.5, missed + 2, seeds=seeds, loss=loss, plain="lt")
    (pair,) = pairs(made)
    effect = pair.levels[0].effects["loss_on_dense"]
    assert effect.high < 0
    assert (effect.anecdote, effect.clear) == (anecdote, not anecdote)
    assert not pair.levels[1].effects["interaction"].clear  # the loss did as much to both


def test_over_folds_an_effect_needs_every_fold(trial):
    made = trial(folds=3).entry("dense", 1.0, 12)
    for entry, loss, missed in (("lt", "plain", 12), (GREEN, "green", 80)):
        for level in (1.0, 0.5):
            made.entry(entry, level, missed, loss=loss, plain="lt", spread=2)
    (pair,) = pairs(made)
    assert [square.effects["loss_on_dense"].clear for square in pair.levels] == [True, True]
    (pair,) = pairs(made.lose(GREEN, density=0.5, fold=2))
    assert [bool(square.effects) for square in pair.levels] == [True, False]
    assert pair.levels[1].corners["pruned_other"].problem == "not run in fold 2"


def test_an_entry_of_another_design_has_its_own_dense_network(bench, scores):
    bench.done("dense", 0, 1.0, scores(1))
    for entry, loss, missed in (("mobilenet", "plain", 8), ("mobilenet[loss=green]", "green", 6)):
        for level in (1.0, 0.5):
            bench.done(
                entry, 0, level, scores(missed, alarms=missed, seed=int(8 * level)), loss=loss, plain="mobilenet"
            )
    (pair,) = pairs(bench)
    cells = bench.results().cells
    own = cells[(cells["entry"] == "mobilenet") & (cells["density"] == 1.0)]["test/auc"].item()
    assert pair.levels[1].corners["dense_plain"].auc == pytest.approx(own)


@pytest.mark.parametrize("plain", ["other", None])
def test_other_methods_are_no_pair(bench, scores, plain):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    bench.done(GREEN, 0, 0.5, scores(), loss="green", plain=plain)
    bench.done("lt[rate=0.2]", 0, 0.5, scores(), plain="lt")
    assert pairs(bench) == ()


def test_groups_do_not_pair_with_each_other(bench, scores):
    bench.done("lt", 0, 0.5, scores(), group="a")
    bench.done(GREEN, 0, 0.5, scores(), loss="green", plain="lt", group="b")
    assert [board.pairs for board in leaderboard(bench.results())] == [(), ()]


def test_results_of_before_the_name_under_plain_was_kept_have_no_pairs(crossed):
    results = crossed.results()
    (board,) = leaderboard(replace(results, cells=results.cells.drop(columns=["plain", "layers"])))
    assert board.pairs == ()
    assert {cell.plain for cell in board.cells} == {"dense", "lt", GREEN}


@pytest.mark.parametrize("lost", ["column", "value"])
def test_results_that_do_not_say_whether_a_loss_changes_pair_as_one_that_does_not(changed, lost):
    results = changed.results()
    cells = results.cells
    cells = cells.drop(columns="loss_changes") if lost == "column" else cells.assign(loss_changes=np.nan)
    (board,) = leaderboard(replace(results, cells=cells))
    assert [pair.loss_changes for pair in board.pairs] == [False]
    assert "interaction" in board.pairs[0].levels[1].effects


def test_a_loss_that_changes_gives_no_effect_of_pruning_alone(crossed, changed):
    (steady,), (pair,) = pairs(crossed), pairs(changed)
    assert (pair.loss, pair.loss_changes, steady.loss_changes) == ("black", True, False)
    assert [set(square.effects) for square in pair.levels] == [
        {"loss_on_dense"},
        *[{"loss_on_dense", "loss_on_pruned", "pruning_under_plain"}] * 2,
    ]
    for mine, same in zip(pair.levels, steady.levels, strict=True):  # the same scores: all that is left stays as it was
        assert mine.corners == same.corners
        assert mine.effects == {name: same.effects[name] for name in mine.effects}


def test_a_loss_is_known_to_change_by_any_of_its_cells(crossed):
    without(crossed, GREEN, 1, 0.25)
    crossed.missing(GREEN, 1, 0.25, "failed", "no reason", loss="green", plain="lt", changes=True)
    assert [pair.loss_changes for pair in pairs(crossed)] == [True]


@pytest.mark.parametrize("loss", ["green", "blue", "weights-only"])
def test_the_losses_that_are_advised_do_not_change(loss):
    assert schedule_named(loss).gamma == schedule_named(loss).gamma_after
