"""The power that is planned, against studies that are drawn and judged by definition."""

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import t as student

from harness.evaluation.auc import aucs
from harness.evaluation.contrasts import contrast
from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.safety import Answer, judge
from harness.power.binormal import expected_auc, expected_sensitivity
from harness.power.chances import (
    found,
    of_difference,
    pooled,
    safe,
    strong_from,
)
from harness.power.study import Assumptions, Study

DRAWS = 600
CLOSE = 0.075
"""Nearly four standard errors of a share of `DRAWS`."""
FPR, DELTA = 0.3, 0.1


def drawn(generator, study, assumed, means):
    """Return scores (entry, seed, image) of one test part and its labels; ``means`` are the entries' mean AUCs."""
    parts = study.folds or 1
    labels = np.repeat([1, 0], [study.positives // parts, study.negatives // parts])
    entries, seeds = len(means), study.seeds
    one, other, both = assumed.correlation, assumed.seed_correlation, assumed.both
    shares = [
        (both, 1, 1),
        (one - both, 1, seeds),
        (other - both, entries, 1),
        (1 - one - other + both, entries, seeds),
    ]
    noise = sum(math.sqrt(share) * generator.normal(size=(*size, labels.size)) for share, *size in shares)
    true = np.asarray(means)[:, None] + assumed.tau * generator.normal(size=(entries, seeds))
    return noise + (math.sqrt(2) * ndtri(true))[:, :, None] * labels, labels


def auc_parts(scores, labels):
    """Return the AUC (entry, seed) and what each positive and each negative contributes to it; no score ties."""
    positives, negatives = scores[..., labels == 1], scores[..., labels == 0]
    ranks = places(np.concatenate([positives, negatives], axis=-1))
    p, n = positives.shape[-1], negatives.shape[-1]
    above = (ranks[..., :p] - places(positives)) / n
    return above.mean(axis=-1), above, 1 - (ranks[..., p:] - places(negatives)) / p


def places(scores):
    """Return of how many others each is above."""
    return scores.argsort(axis=-1).argsort(axis=-1)


def sensitivity_parts(scores, labels, slope):
    """Return the sensitivity (entry, seed) at `FPR` and the contributions, by the true slope of the ROC curve."""
    negatives = scores[..., labels == 0]
    alarms = round(FPR * negatives.shape[-1])
    cut = -np.sort(-negatives, axis=-1)[..., alarms - 1 : alarms + 1].mean(axis=-1, keepdims=True)
    found = scores[..., labels == 1] > cut
    return found.mean(axis=-1), found * 1.0, -slope * (negatives > cut)


def interactions(table):
    """Return the sum of squares that neither rows nor columns explain, over its degrees of freedom, and these."""
    left = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    return (left**2).sum() / freedom, freedom


def with_images(trained, freedom, *parts):
    """Return a variance with the images' share, each part (seed, image), and its degrees of freedom."""
    images = sum(part.mean(axis=0).var(ddof=1) / part.shape[1] for part in parts)
    twice = sum(interactions(part)[0] / part.shape[1] / len(part) for part in parts)
    variance = max(images, images + trained - twice)
    return variance, freedom * (variance / trained) ** 2 if trained else math.inf


def difference(values, *parts, larger=False):
    """Return entry 1 - entry 0 with variance and degrees of freedom, as the verdicts say for one test part.

    ``larger``: the variance over networks is the pair's own one where that is the larger.
    """
    residual, freedom = interactions(values)
    trained, own = 2 * residual, (values[1] - values[0]).var(ddof=1)
    if larger and own > trained:
        trained, freedom = own, values.shape[1] - 1
    variance = with_images(trained / values.shape[1], freedom, *(part[1] - part[0] for part in parts))
    return values[1].mean() - values[0].mean(), *variance


def difference_over_folds(values):
    """Return the same of fold means (entry, fold)."""
    residual, freedom = interactions(values)
    folds = values.shape[1]
    return values[1].mean() - values[0].mean(), 2 * residual * (1 / folds + 1 / (folds - 1)), freedom


def shown(measured, study):
    value, variance, freedom = measured
    return value / math.sqrt(variance) > student.isf(0.025 / study.comparisons, freedom)


@pytest.mark.parametrize(
    ("positives", "seeds", "entries", "tau", "gap"),
    [(67, 3, 3, 0.03, 0.1), (30, 3, 2, 0.013, 0.1), (67, 10, 2, 0.02, 0.05)],
)
def test_the_power_of_one_test_part(positives, seeds, entries, tau, gap):
    study = Study(positives=positives, negatives=4 * positives, seeds=seeds, entries=entries)
    assumed, generator = Assumptions(tau=tau), np.random.default_rng(1)
    true = [0.80 - gap / 2, 0.80 + gap / 2, *[0.80] * (entries - 2)]
    told = [shown(difference(*auc_parts(*drawn(generator, study, assumed, true))), study) for _ in range(DRAWS)]
    assert np.mean(told) == pytest.approx(found(study, assumed, gap), abs=CLOSE)


@pytest.mark.parametrize(
    ("positives", "seeds", "tau", "gap"),
    [(150, 1, 0.013, 0.1), pytest.param(150, 3, 0.02, 0.08, marks=pytest.mark.long)],
)
def test_the_power_of_folds_whose_networks_share_training_images(positives, seeds, tau, gap):
    """What the folds share is drawn as Nadeau and Bengio take it to be; without it, the power is larger."""
    study = Study(positives=positives, negatives=4 * positives, seeds=seeds, folds=5, entries=4)
    assumed = Assumptions(tau=tau)
    expected = found(study, assumed, gap)
    noise = of_difference(study, assumed, expected_auc(0.80))
    in_one_fold = (noise.images + noise.training) / 2
    rates = [over_folds(study, assumed, gap, shared=math.sqrt(part * in_one_fold / 4)) for part in (1.0, 0.0)]
    assert rates[0] == pytest.approx(expected, abs=CLOSE)
    assert rates[1] >= expected - CLOSE


def over_folds(study, assumed, gap, shared):
    generator, hits = np.random.default_rng(1), 0
    for _ in range(DRAWS):
        true = np.array([0.80 - gap / 2, 0.80 + gap / 2, 0.80, 0.80]) + shared * generator.normal(size=4)
        folds = [auc_parts(*drawn(generator, study, assumed, true))[0].mean(axis=1) for _ in range(study.folds)]
        hits += shown(difference_over_folds(np.stack(folds, axis=1)), study)
    return hits / DRAWS


@pytest.mark.parametrize(
    ("positives", "seeds", "auc", "tau"),
    [(67, 3, 0.80, 0.013), (67, 3, 0.72, 0.02), (150, 5, 0.72, 0.02)],
)
def test_how_often_what_loses_nothing_is_called_safe(positives, seeds, auc, tau):
    study = Study(positives=positives, negatives=4 * positives, seeds=seeds, entries=3)
    assumed, generator = Assumptions(auc=auc, tau=tau), np.random.default_rng(2)
    answers = []
    for _ in range(DRAWS):
        scores = drawn(generator, study, assumed, [auc] * 4)
        values, *parts = sensitivity_parts(*scores, expected_sensitivity(auc, FPR).ratio)
        gain, variance, freedom = difference(values, *parts, larger=True)
        spread = (parts[0][1] - parts[0][0]).mean(axis=0).var(ddof=1)
        variance += max(0.0, DELTA * (1 - DELTA) - spread) / positives
        bounded = student.isf(0.05, freedom) * math.sqrt(variance) - gain < DELTA
        variance, freedom = with_images(values[0].var(ddof=1) / seeds, seeds - 1, *(part[0] for part in parts))
        lift = values[0].mean() - FPR - student.isf(0.05, freedom) * math.sqrt(variance)
        answers.append((bounded and lift >= 2 * DELTA, bounded, lift >= 2 * DELTA))
    assert np.mean(answers, axis=0) == pytest.approx(np.array(safe(study, assumed, FPR, DELTA)), abs=CLOSE)


def test_what_the_harness_says_of_such_studies_is_what_was_planned():
    """By the functions that reports are made with, of three networks each; dense is the first entry."""
    study = Study(positives=67, negatives=272, seeds=3, entries=3)
    assumed, generator = Assumptions(auc=0.75), np.random.default_rng(3)
    scores = [drawn(generator, study, assumed, [0.75] * 4) for _ in range(120)]
    judged = [judge([equal_alarms(labels, one, FPR)], 1, 0, FPR, DELTA) for one, labels in scores]
    assert np.mean([one.answer == Answer.SAFE for one in judged]) == pytest.approx(
        safe(study, assumed, FPR, DELTA).called, abs=0.1
    )
    pairs = [contrast([aucs(labels, one[1:])], [1, -1, 0]) for one, labels in scores]
    planned = pooled(study, of_difference(study, assumed, expected_auc(0.75)), 3)
    assert np.mean([one.variance for one in pairs]) == pytest.approx(np.mean(planned.errors**2), rel=0.15)
    assert np.median([one.freedom for one in pairs]) == pytest.approx(np.median(planned.freedom), rel=0.5)


def test_a_dense_network_as_strong_as_is_needed_is_shown_so_with_that_power():
    study = Study(positives=67, negatives=272, seeds=3, entries=4)
    auc = strong_from(study, Assumptions(), FPR, DELTA)
    assert safe(study, Assumptions(auc=auc), FPR, DELTA).strong == pytest.approx(0.8, abs=1e-6)
    assert strong_from(study, Assumptions(), 0.5, 0.25) is None


def test_a_dense_network_that_guesses_never_lets_anything_be_safe():
    study = Study(positives=10**6, negatives=10**6, seeds=10, entries=2)
    assert safe(study, Assumptions(auc=0.501), FPR, DELTA).called < 1e-6
