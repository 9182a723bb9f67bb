"""How often the verdicts are wrong, in worlds whose truth is known; docs/simulations.md has the figures.

A few hundred draws must not show that a rate lies above .05 (lower 99 % bound). The long suite draws thousands, asks
for .06 at most, and with `-s` prints the rows of that page.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.safety import LARGEST_TIE, Answer, judge, largest_tie

LOSSES = (0.0, 0.10, 0.0, 0.20)
DRAWS, SOME, MANY, TRAININGS = 200, 2000, 5000, 3000
BORDER = float(ndtr(-ndtri(0.30) / np.sqrt(2)))
"""The AUC of a network that finds half of the positives at 30 % false alarms: twice the margin above guessing."""
ALL = tuple(range(20))


def cyclic(kept, sets):
    """As many features for each of the ``sets``, spread evenly over all 20."""
    return tuple(tuple(sorted((20 * k // sets + j) % 20 for j in range(kept))) for k in range(sets))


def pruned_learners(learners, seeds):
    """Entries that keep 18 features, 10 of them, 18 others, 5 of them: dense, at the margin, equal, far."""
    return learners.Study(kept=(ALL[:18], ALL[:10], ALL[2:], ALL[:5]), seeds=seeds, distance=1.3)


def row(tally, label, found, *events):
    figures = [f"{found.rate(event):.3f}" for event in events]
    print(f"\n| {label} | {' | '.join(figures)} | {found.variance_ratio():.2f} |", end="")


def shown(tally, label, found):
    row(tally, f"wrong, {label}", found, *tally.WRONG)
    row(tally, f"decides, {label}", found, "safe", "weak", "loses", "loses far")


@pytest.mark.parametrize(("auc", "networks"), [(0.80, 3), (0.68, 5)])
def test_seeds_wrong_no_more_often_than_said(auc, networks, binormal, tally, at_most):
    found = tally.of_seeds(binormal.World(LOSSES, networks, auc=auc), DRAWS)
    for event in (*tally.WRONG, *tally.COVERED):
        assert at_most(found.events[event], DRAWS), (event, found.rate(event))
    assert found.rate("loses far") > 0.5


@pytest.mark.long
@pytest.mark.parametrize("auc", [0.80, 0.68])
@pytest.mark.parametrize("networks", [3, 5, 10])
def test_seeds_wrong_no_more_often_than_said_in_thousands(auc, networks, binormal, tally):
    found = tally.of_seeds(binormal.World(LOSSES, networks, auc=auc), MANY, seed=1)
    shown(tally, f"AUC {auc}, 75 positives, {networks} seeds", found)
    row(tally, f"covers, AUC {auc}, {networks} seeds", found, "lift bound misses", *tally.COVERED)
    for event in (*tally.WRONG, *tally.COVERED):
        assert found.rate(event) <= 0.06, event
    assert found.rate("lift bound misses") <= 0.08  # far above guessing a rate is skewed; where it decides see below


def test_a_dense_network_on_the_border_is_rarely_shown_strong(binormal, tally, at_most):
    found = tally.of_seeds(binormal.World(LOSSES, 3, auc=BORDER), DRAWS)
    assert at_most(found.events["shown strong"], DRAWS)


@pytest.mark.long
@pytest.mark.parametrize("networks", [3, 5, 10])
def test_a_dense_network_on_the_border_is_rarely_shown_strong_in_thousands(networks, binormal, tally):
    found = tally.of_seeds(binormal.World(LOSSES, networks, auc=BORDER), SOME, seed=1)
    row(tally, f"shown strong, {networks} seeds", found, "shown strong", "lift bound misses")
    assert found.rate("shown strong") <= 0.06


@pytest.mark.long
@pytest.mark.parametrize("auc", [0.80, 0.68])
def test_600_positives(auc, binormal, tally):
    found = tally.of_seeds(binormal.World(LOSSES, 5, 600, 2400, auc=auc), SOME // 4, seed=1)
    shown(tally, f"AUC {auc}, 600 positives, 5 seeds", found)
    for event in tally.WRONG:
        assert found.rate(event) <= 0.07, event


@pytest.mark.long
@pytest.mark.parametrize("networks", [3, 5, 10])
def test_an_unstable_method_among_steady_ones(networks, binormal, tally):
    world = binormal.World(LOSSES, networks, tau=(0.015, 0.05, 0.015, 0.015))
    found = tally.of_seeds(world, SOME, seed=1)
    shown(tally, f"unstable, AUC 0.8, 75 positives, {networks} seeds", found)
    assert found.rate("false safe") <= 0.06


@pytest.mark.parametrize("positives", [15])
def test_a_strong_network_and_few_positives(positives, binormal, tally, at_most):
    found = tally.of_seeds(binormal.World(LOSSES, 3, positives, 4 * positives, auc=0.95, tau=0.01), DRAWS)
    assert at_most(found.events["false safe"], DRAWS)


@pytest.mark.long
@pytest.mark.parametrize("positives", [15, 30, 75])
def test_a_strong_network_and_few_positives_in_thousands(positives, binormal, tally):
    world = binormal.World(LOSSES, 5, positives, 4 * positives, auc=0.95, tau=0.01)
    found = tally.of_seeds(world, SOME, seed=1)
    shown(tally, f"AUC 0.95, {positives} positives, 5 seeds", found)
    assert found.rate("false safe") <= 0.06


def test_folds_wrong_no_more_often_than_said(learners, tally, at_most):
    found = tally.of_folds(pruned_learners(learners, 1), 100, 100)
    for event in tally.WRONG:
        assert at_most(found.events[event], 100), event
    assert found.rate("loses far") > 0.5


@pytest.mark.long
@pytest.mark.parametrize(("seeds", "draws"), [(1, MANY), (3, SOME)])
def test_folds_wrong_no_more_often_than_said_in_thousands(seeds, draws, learners, tally):
    found = tally.of_folds(pruned_learners(learners, seeds), draws, TRAININGS)
    shown(tally, f"5 folds x {seeds}, 250 positives", found)
    for event in tally.WRONG:
        assert found.rate(event) <= 0.06, event


def apart_of_seeds(binormal, tally, networks, levels, draws, seed=0, tau=0.02):
    world = binormal.World((0.0,) * 20 * levels, networks, 67, 272, tau=tau)
    generator = np.random.default_rng(seed)
    return np.sum([tally.told_apart([world.draw(generator)], levels) for _ in range(draws)], axis=0)


@pytest.mark.parametrize("networks", [2, 3])
def test_equal_methods_are_equal(networks, binormal, tally, at_most):
    for apart in apart_of_seeds(binormal, tally, networks, 2, 100):
        assert at_most(apart, 100)


@pytest.mark.long
@pytest.mark.parametrize(("networks", "draws"), [(2, SOME), (3, MANY), (5, MANY), (10, SOME)])
def test_equal_methods_are_equal_in_thousands(networks, draws, binormal, tally):
    one, four = apart_of_seeds(binormal, tally, networks, 4, draws, seed=1) / draws
    print(f"\n| told apart, {networks} seeds | {one:.3f} | {four:.3f} |", end="")
    assert max(one, four) <= 0.06


@pytest.mark.long
@pytest.mark.parametrize("networks", [3, 5])
def test_equal_methods_of_which_one_is_unstable_are_equal(networks, binormal, tally):
    one, _ = apart_of_seeds(binormal, tally, networks, 1, SOME, seed=1, tau=(0.05, *(0.015,) * 19)) / SOME
    print(f"\n| told apart, one unstable, {networks} seeds | {one:.3f} | |", end="")
    assert one <= 0.06


@pytest.mark.long
@pytest.mark.parametrize(("seeds", "draws"), [(1, MANY), (3, SOME // 2)])
def test_equal_learners_are_equal_in_thousands(seeds, draws, learners, tally):
    study, generator = learners.Study(kept=cyclic(15, 20), seeds=seeds), np.random.default_rng(0)
    one, _ = np.sum([tally.told_apart(study.parts(generator), 1) for _ in range(draws)], axis=0) / draws
    print(f"\n| told apart, 5 folds x {seeds} | {one:.3f} | |", end="")
    assert one <= 0.06


@pytest.mark.parametrize("networks", [3, 5])
def test_a_network_that_guesses_or_says_the_same_of_all_is_never_safe(networks, binormal):
    world, generator = binormal.World((0.0,) * 5, networks), np.random.default_rng(0)
    for _ in range(60):
        labels, scores = world.draw(generator)
        scores[1] = generator.normal(size=scores[1].shape)
        scores[2] = generator.normal(size=(networks, 1))
        scores[3] = np.maximum(scores[3], np.quantile(scores[3], 0.4, axis=1, keepdims=True))
        part = equal_alarms(labels, scores, 0.30)
        answers = {judge([part], entry, 0, 0.30, 0.10).answer for entry in (1, 2)}
        assert Answer.SAFE not in answers
        assert all(largest_tie(one) >= LARGEST_TIE for one in (*scores[2], *scores[3]))
        assert not any(largest_tie(one) >= LARGEST_TIE for one in (*scores[0], *scores[1]))


@pytest.mark.long
@pytest.mark.parametrize("networks", [3, 5])
def test_beside_one_dense_network_that_was_trained_elsewhere(networks, binormal):
    """It is the same under every seed and shares no seed's luck: a loss of the margin is called safe in 5 % at most."""
    world = binormal.World(LOSSES, networks, tau=(0.0, 0.02, 0.02, 0.02), given=True)
    generator = np.random.default_rng(1)
    wrong = equal = lost = 0
    for _ in range(SOME):
        labels, scores = world.draw(generator)
        measured = [replace(equal_alarms(labels, scores, binormal.FPR), given=(0,))]
        at_margin, alike = (judge(measured, entry, 0, binormal.FPR, 0.10) for entry in (1, 2))
        wrong += at_margin.answer == Answer.SAFE
        equal += alike.answer == Answer.SAFE
        lost += alike.loss.lower() > 0
    print(
        f"\n| one dense network, {networks} seeds | {wrong / SOME:.3f} | {lost / SOME:.3f} | {equal / SOME:.3f} |",
        end="",
    )
    assert wrong / SOME <= 0.06
    assert lost / SOME <= 0.07
    assert equal / SOME >= 0.4
