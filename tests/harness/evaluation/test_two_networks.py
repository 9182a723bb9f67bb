"""Two given networks beside loops that follow the definition, and in worlds whose truth is known."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from harness.errors import DataError
from harness.evaluation.safety import Answer
from harness.evaluation.two_networks import two_networks

FPR, DELTA = 0.30, 0.10
DRAWS, MANY = 300, 5000


# The definition, in loops over lists.


def called(score, negatives):
    """How much of a score is called where the asked share of the negatives is: 1, 0 or the share of a tie."""
    asked = FPR * len(negatives)
    for cut in sorted(set(negatives), reverse=True):
        above, tied = sum(one > cut for one in negatives), sum(one == cut for one in negatives)
        if above + tied > asked:
            return 1.0 if score > cut else 0.0 if score < cut else (asked - above) / tied
    raise AssertionError


def slope(positives, negatives):
    cut = sorted(negatives, reverse=True)[math.floor(FPR * len(negatives))]
    densities = []
    for scores in (positives, negatives):
        low, high = np.percentile(scores, (25, 75))
        spread = np.std(scores, ddof=1)
        width = 0.9 * (min(spread, (high - low) / 1.34) if high > low else spread) / len(scores) ** 0.2
        bells = [math.exp(-(((cut - score) / width) ** 2) / 2) for score in scores]
        densities.append(sum(bells) / len(bells) / width)
    return densities[0] / densities[1]


def by_definition(labels, first, second):
    """(D, V, df of Satterthwaite) and the sensitivity of each."""
    split = [
        [[s for s, y in zip(own, labels, strict=True) if y == label] for label in (1, 0)] for own in (first, second)
    ]
    calls = [[[called(s, negatives) for s in one] for one in (positives, negatives)] for positives, negatives in split]
    slopes = [slope(*own) for own in split]
    h = [a - b for a, b in zip(calls[0][0], calls[1][0], strict=True)]
    g = [slopes[0] * a - slopes[1] * b for a, b in zip(calls[0][1], calls[1][1], strict=True)]
    terms = [(np.var(one, ddof=1) / len(one), len(one) - 1) for one in (h, g)]
    freedom = sum(v for v, _ in terms) ** 2 / sum(v**2 / df for v, df in terms)
    lacking = max(0.0, DELTA * (1 - DELTA) - np.var(h, ddof=1)) / len(h)
    if lacking:
        freedom = min(freedom, len(h) - 1)
    return np.mean(h), sum(v for v, _ in terms) + lacking, freedom, [np.mean(own[0]) for own in calls]


@pytest.mark.parametrize("separations", [(1.5, 1.2), (2.0, 2.0), (1.0, 2.0)])
@pytest.mark.parametrize("rounded", [6, 1, 0])
def test_figures_are_those_of_the_definition_ties_included(separations, rounded, draw):
    labels, scores = draw(np.random.default_rng(len(separations) + rounded), 60, 140, separations)
    first, second = np.round(scores, rounded)
    found = two_networks(labels, first, second, FPR, DELTA)
    value, variance, freedom, shares = by_definition(labels, first.tolist(), second.tolist())
    loss = found.judgement.loss
    assert (loss.value, loss.variance, loss.freedom) == pytest.approx((value, variance, freedom))
    assert (found.baseline.value, found.candidate.value) == pytest.approx(shares)
    assert loss.upper() == pytest.approx(value + stats.t.ppf(0.95, freedom) * math.sqrt(variance))
    assert found.judgement.lift.value == pytest.approx(shares[0] - FPR)
    for one in (found.baseline, found.candidate):
        assert 0 <= one.low < one.value < one.high <= 1


def scores_that_find(dense, pruned, positives, negatives=800):
    """Labels and both scores: the first finds the first ``dense`` positives, the second the first ``pruned``."""
    labels = np.r_[np.ones(positives), np.zeros(negatives)].astype(int)
    noise = np.linspace(0, 1, negatives)
    spread = np.linspace(0.01, 0.1, positives)
    return labels, *(
        np.r_[np.where(np.arange(positives) < number, 2.0, 0.0) + spread, noise] for number in (dense, pruned)
    )


@pytest.mark.parametrize(
    ("dense", "pruned", "positives", "answer"),
    [
        (320, 320, 400, Answer.SAFE),
        (320, 300, 400, Answer.SAFE),
        (300, 320, 400, Answer.SAFE),
        (320, 240, 400, Answer.LOSES),
        (180, 100, 400, Answer.LOSES),
        (160, 160, 400, Answer.TOO_WEAK),
        (208, 208, 400, Answer.NOT_SHOWN_STRONG),
        (32, 30, 40, Answer.UNDECIDED),
    ],
)
def test_each_answer_and_never_an_anecdote(dense, pruned, positives, answer):
    labels, first, second = scores_that_find(dense, pruned, positives)
    found = two_networks(labels, first, second, FPR, DELTA)
    assert found.answer == answer
    assert found.judgement.loss.value == pytest.approx((dense - pruned) / positives)
    assert np.flatnonzero(found.lost).tolist() == list(range(pruned, dense))
    assert (found.judgement.needed is not None) == (answer == Answer.UNDECIDED)


def test_so_many_positives_would_decide():
    labels, first, second = scores_that_find(16, 16, 20)
    needed = two_networks(labels, first, second, FPR, DELTA).judgement.needed
    assert needed is not None
    freedom = 19
    assert needed.positives == math.ceil(DELTA * (1 - DELTA) / (DELTA / (stats.t.ppf(0.95, freedom) + 0.8416)) ** 2)
    assert needed.networks is None


def test_a_candidate_that_ranks_too_little_is_never_safe(draw):
    labels, scores = draw(np.random.default_rng(0), 300, 900, (3.0, 3.0))
    tied = np.where(scores[1] < np.quantile(scores[1], 0.35), -9.0, scores[1])
    assert two_networks(labels, *scores, FPR, DELTA).answer == Answer.SAFE
    found = two_networks(labels, scores[0], tied, FPR, DELTA)
    assert (found.judgement.answer, found.answer) == (Answer.SAFE, Answer.UNDECIDED)
    assert found.tied == pytest.approx(0.35, abs=0.001)
    for said in (5.0, -5.0):
        assert two_networks(labels, scores[0], np.full(labels.size, said), FPR, DELTA).answer == Answer.UNDECIDED
        assert two_networks(labels, np.full(labels.size, said), scores[1], FPR, DELTA).answer != Answer.SAFE


def test_the_deployed_cuts_are_counted_in_loops(draw):
    labels, (first, second) = draw(np.random.default_rng(1), 200, 400, (2.0, 2.0))
    cuts = (0.4, 1.2)
    margins = two_networks(labels, first, second, FPR, DELTA, cuts).deployed
    missed, alarms = (
        [sum((s > cut) != (label == 1) for s, y in zip(own, labels, strict=True) if y == label) for label in (1, 0)]
        for own, cut in zip((first, second), cuts, strict=True)
    )
    assert margins.missed.value == pytest.approx((alarms[0] - missed[0]) / 200)
    assert margins.alarms.value == pytest.approx((alarms[1] - missed[1]) / 400)
    assert not margins.within
    assert two_networks(labels, first, first, FPR, DELTA, (0.4, 0.4)).deployed.within


@pytest.mark.parametrize(("labels", "scores"), [([1, 1], [0, 1]), ([0, 1], [0, math.nan]), ([0, 2], [0, 1])])
def test_what_cannot_be_compared_is_refused(labels, scores):
    with pytest.raises(DataError):
        two_networks(np.array(labels), np.array(scores, dtype=float), np.array(scores, dtype=float), FPR, DELTA)


def of_two(world, draws, seed=0):
    """How often a loss of just the margin is called safe, an equal network a loser, and intervals miss the truth."""
    generator, truth = np.random.default_rng(seed), ndtr(world.distances() + ndtri(FPR))
    wrong = {"false safe": 0, "false loss": 0, "loss misses": 0, "sensitivity misses": 0, "safe": 0}
    for _ in range(draws):
        labels, scores = world.draw(generator)
        worse = two_networks(labels, scores[0, 0], scores[1, 0], FPR, DELTA)
        equal = two_networks(labels, scores[0, 0], scores[2, 0], FPR, DELTA)
        low, high = worse.judgement.loss.interval()
        wrong["false safe"] += worse.answer == Answer.SAFE
        wrong["false loss"] += equal.answer == Answer.LOSES
        wrong["loss misses"] += not low <= truth[0] - truth[1] <= high
        wrong["sensitivity misses"] += not worse.baseline.low <= truth[0] <= worse.baseline.high
        wrong["safe"] += equal.answer == Answer.SAFE
    return wrong


WRONG = ("false safe", "false loss", "loss misses", "sensitivity misses")


@pytest.mark.parametrize(("auc", "positives"), [(0.80, 300), (0.95, 75)])
def test_wrong_no_more_often_than_said(auc, positives, binormal, at_most):
    world = binormal.World((0.0, DELTA, 0.0), 1, positives, 4 * positives, auc=auc, tau=0.0)
    found = of_two(world, DRAWS)
    for event in WRONG:
        assert at_most(found[event], DRAWS), (event, found)
    assert found["safe"] > DRAWS / 2


@pytest.mark.long
@pytest.mark.parametrize("auc", [0.80, 0.95])
@pytest.mark.parametrize("positives", [30, 75, 300])
def test_wrong_no_more_often_than_said_in_thousands(auc, positives, binormal):
    world = binormal.World((0.0, DELTA, 0.0), 1, positives, 4 * positives, auc=auc, tau=0.0)
    found = of_two(world, MANY, seed=1)
    rates = " | ".join(f"{found[event] / MANY:.3f}" for event in (*WRONG, "safe"))
    print(f"\n| two networks, AUC {auc}, {positives} positives | {rates} |", end="")
    for event in WRONG:
        assert found[event] <= 0.065 * MANY, event
