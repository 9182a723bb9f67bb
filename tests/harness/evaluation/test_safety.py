"""The five answers on hand-made networks, and what would decide against simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.contrasts import Contrast, Images, Measured, contrast
from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.safety import (
    Answer,
    judge,
    largest_tie,
    loss_of,
    needed_to_decide,
    within_margins,
)
from harness.evaluation.variances import CERTAIN, LARGER

FPR, DELTA = 0.30, 0.10


def finding(dense, pruned, positives, networks=3):
    """The part where all networks of dense find its first ``dense`` positives, those of pruned likewise."""
    found = np.zeros((2, networks, positives))
    found[0, :, :dense], found[1, :, :pruned] = 1, 1
    return Measured(found.mean(axis=2), (Images(found), Images(np.zeros((2, networks, 50)))))


@pytest.mark.parametrize(
    ("dense", "pruned", "positives", "answer"),
    [
        (320, 320, 400, Answer.SAFE),
        (320, 312, 400, Answer.SAFE),
        (320, 300, 400, Answer.SAFE),  # a loss of .05 is shown, and to be below .10
        (300, 320, 400, Answer.SAFE),
        (320, 240, 400, Answer.LOSES),
        (180, 100, 400, Answer.LOSES),  # from a dense network that is too weak for anything else
        (160, 160, 400, Answer.TOO_WEAK),
        (208, 208, 400, Answer.NOT_SHOWN_STRONG),  # lift .22, lower bound .18
        (64, 60, 80, Answer.UNDECIDED),
    ],
)
def test_each_answer(dense, pruned, positives, answer):
    given = judge([finding(dense, pruned, positives)], 1, 0, FPR, DELTA)
    assert given.answer == answer
    assert given.loss.value == pytest.approx((dense - pruned) / positives)
    assert given.lift.value == pytest.approx(dense / positives - FPR)
    assert (given.needed is not None) == (answer == Answer.UNDECIDED)


@pytest.mark.parametrize("networks", [1, 2])
@pytest.mark.parametrize("pruned", [320, 0])
def test_fewer_than_three_networks_are_an_anecdote(networks, pruned):
    assert judge([finding(320, pruned, 400, networks)], 1, 0, FPR, DELTA).answer == Answer.ANECDOTE


def test_folds_count_their_networks_together():
    parts = [finding(64, 64, 80, 1)] * 5
    assert judge(parts, 1, 0, FPR, DELTA).answer == Answer.SAFE
    assert judge(parts[:2], 1, 0, FPR, DELTA).answer == Answer.ANECDOTE


@pytest.mark.parametrize(("dense", "pruned", "positives"), [(64, 60, 80), (320, 240, 400), (320, 312, 400)])
def test_the_bounds_are_students_with_no_less_than_the_margins_variance(dense, pruned, positives):
    given = judge([finding(dense, pruned, positives)], 1, 0, FPR, DELTA)
    share = (dense - pruned) / positives
    variance = max(share * (1 - share) * positives / (positives - 1), DELTA * (1 - DELTA)) / positives
    half = stats.t.ppf(0.95, positives - 1) * math.sqrt(variance)
    assert (given.loss.lower(), given.loss.upper()) == pytest.approx((share - half, share + half))
    found = dense / positives
    lift = stats.t.ppf(0.95, positives - 1) * math.sqrt(found * (1 - found) / (positives - 1))
    assert given.lift.lower() == pytest.approx(found - FPR - lift)


def test_few_positives_prove_nothing_though_all_are_found():
    """With a loss of .10 all of 20 positives are found in 12 % of cases: no difference seen is no proof."""
    assert judge([finding(20, 20, 20)], 1, 0, FPR, DELTA).answer == Answer.UNDECIDED
    assert judge([finding(60, 60, 60)], 1, 0, FPR, DELTA).answer == Answer.SAFE
    assert judge([finding(4, 4, 4, 1)] * 5, 1, 0, FPR, DELTA).answer == Answer.UNDECIDED


def test_another_margin_is_another_question():
    parts = [finding(320, 312, 400)]
    answers = [judge(parts, 1, 0, FPR, delta).answer for delta in (0.30, 0.22, 0.10, 0.05, 0.01)]
    assert answers == [Answer.TOO_WEAK, Answer.SAFE, Answer.SAFE, Answer.SAFE, Answer.LOSES]


@pytest.mark.parametrize("sizes", [(1, 40), (40, 1)])
def test_one_image_of_a_class_shows_nothing(sizes, draw):
    labels, scores = draw(np.random.default_rng(0), *sizes, [3.0] * 6)
    given = judge([equal_alarms(labels, scores.reshape(2, 3, -1), FPR)], 1, 0, FPR, DELTA)
    assert given.answer == Answer.NOT_SHOWN_STRONG
    assert (given.loss.upper(), given.lift.lower()) == (math.inf, -math.inf)


@pytest.mark.parametrize("said", [5.0, -5.0], ids=["all positive", "all negative"])
def test_a_network_that_says_the_same_of_every_image_is_never_safe(said, draw):
    labels, scores = draw(np.random.default_rng(0), 75, 304, [3.0] * 9)
    scores = scores.reshape(3, 3, -1)
    scores[1] = said
    part = equal_alarms(labels, scores, FPR)
    given = judge([part], 1, 0, FPR, DELTA)
    assert given.answer == Answer.UNDECIDED
    assert given.loss.value == pytest.approx(given.lift.value), "it finds what guessing finds"
    assert given.needed.positives is given.needed.networks is None
    assert judge([part], 2, 0, FPR, DELTA).answer == Answer.SAFE, "and hides no other entry"
    assert judge([part], 2, 1, FPR, DELTA).answer == Answer.NOT_SHOWN_STRONG, "nor is it a dense network"


def test_the_larger_of_own_and_pooled_variance_counts(binormal):
    world = binormal.World((0,) * 6, 3, tau=(0.015, 0.05, 0.015, 0.015, 0.015, 0.015))
    generator, larger = np.random.default_rng(2), 0
    weights = np.array([1.0, -1, 0, 0, 0, 0])
    for _ in range(20):
        part = equal_alarms(*world.draw(generator), FPR)
        pooled, own = contrast([part], weights, math.inf), contrast([part], weights, 0)
        found = loss_of([part], weights, 1e-9)
        assert found.variance == pytest.approx(max(pooled.variance, own.variance))
        larger += own.variance > pooled.variance
    assert 0 < larger < 20


def decided(world, generator, draws, truth):
    """How often the loss is shown to be above 0 or below the margin, and what each draw says it would need."""
    weights, hits, needs = np.array([1.0, -1, 0, 0]), 0, []
    for _ in range(draws):
        parts = [equal_alarms(*world.draw(generator), FPR)]
        loss = loss_of(parts, weights, DELTA)
        hits += loss.lower() > 0 or loss.upper() < DELTA
        needs.append(needed_to_decide(parts, weights, replace(loss, value=truth), DELTA))
    return hits / draws, needs


@pytest.mark.parametrize("truth", [0.0, pytest.param(0.1, marks=pytest.mark.long)])
def test_so_many_positives_or_networks_do_decide_with_power_eight_tenths(binormal, truth):
    generator = np.random.default_rng(3)
    losses = (0, truth, 0, 0)
    few, needs = decided(binormal.World(losses, 5), generator, 40, truth)
    positives, networks = (
        int(np.median([getattr(one, name) or 10**9 for one in needs])) for name in ("positives", "networks")
    )
    assert 75 < positives < 400
    assert 5 < networks < 40
    more, _ = decided(binormal.World(losses, 5, positives, 4 * positives), generator, 100, truth)
    longer, _ = decided(binormal.World(losses, networks), generator, 100, truth)
    assert 0.68 <= more <= 0.95
    assert 0.68 <= longer <= 0.95
    assert few < 0.8


def test_where_networks_scatter_too_far_no_number_of_positives_decides(binormal):
    world = binormal.World((0, 0), 3, 4000, 16000, tau=0.15)
    given = judge([equal_alarms(*world.draw(np.random.default_rng(0)), FPR)], 1, 0, FPR, DELTA)
    assert given.answer == Answer.UNDECIDED
    assert given.needed.positives is None
    assert given.needed.networks > 3


def test_where_positives_are_too_few_no_number_of_networks_decides():
    given = judge([finding(20, 20, 20)], 1, 0, FPR, DELTA)
    assert given.needed.networks is None
    assert given.needed.positives == math.ceil(DELTA * 0.9 / (DELTA / (stats.t.ppf(0.95, 19) + 0.8416)) ** 2)


@pytest.mark.parametrize("counts", [[(17, 16)] * 3, [(17, 17), (17, 16), (17, 16)], [(14, 12), (12, 14), (14, 12)]])
def test_folds_need_their_overlap_more_positives(counts):
    parts = [finding(dense, pruned, 20, 1) for dense, pruned in counts]
    given = judge(parts, 1, 0, FPR, DELTA)
    assert given.answer == Answer.UNDECIDED
    moved = np.concatenate([part.classes[0].shares[0, 0] - part.classes[0].shares[1, 0] for part in parts])
    images = max(np.var(moved, ddof=1), DELTA * (1 - DELTA))
    inner = np.mean([np.var(moved[20 * k : 20 * k + 20], ddof=1) / 20 for k in range(3)])
    differences = [(dense - pruned) / 20 for dense, pruned in counts]
    overlap = 1 / 3 + 1 / 2
    spread = overlap * max(0.0, np.var(differences, ddof=1) - inner)
    gap = max(np.mean(differences), DELTA - np.mean(differences))
    allowed = (gap / (stats.t.ppf(0.95, 2) + 0.8416)) ** 2 - spread
    assert given.needed.networks is None
    assert given.needed.positives == (math.ceil(3 * overlap * images / allowed) if allowed > 0 else None)
    assert (allowed > 0) == (counts[0][0] == 17)


def test_the_deployed_cut_needs_both_rates_within_the_margin():
    small, large = (Contrast(value, 1e-4, CERTAIN, 1e-4) for value in (0.05, 0.09))
    assert within_margins(small, small, DELTA)
    assert not within_margins(small, large, DELTA)
    assert not within_margins(large, small, DELTA)
    assert not within_margins(small, Contrast(0.0, math.nan, CERTAIN, math.nan), DELTA)


def test_the_largest_tie():
    assert largest_tie(np.array([1.0, 2, 2, 3, 2])) == pytest.approx(0.6)
    assert largest_tie(np.arange(10.0)) == pytest.approx(0.1)


def test_the_contrast_of_a_loss_is_the_plain_one_where_images_differ_enough(binormal):
    part = equal_alarms(*binormal.World((0, 0.1, 0), 3, auc=0.68).draw(np.random.default_rng(1)), FPR)
    weights = np.array([1.0, -1, 0])
    assert loss_of([part], weights, 0.05) == contrast([part], weights, LARGER)
    wide = loss_of([part], weights, 0.4)
    lacking = (0.4 * 0.6 - weights @ part.classes[0].covariance @ weights) / 75
    assert lacking > 0
    assert wide.variance == pytest.approx(contrast([part], weights, LARGER).variance + lacking)
    assert wide.given_networks == pytest.approx(contrast([part], weights, LARGER).given_networks + lacking)
