"""May this network be called safe? Five answers, and silence is one of them. docs/results.md derives each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit

from harness.evaluation.contrasts import Contrast, Measured, contrast, fold_means
from harness.evaluation.variances import CERTAIN, LARGER, Floats, network_variance, overlap, quadratic

FEWEST_NETWORKS = 3
"""Below it one network more or less is the result."""

LARGEST_TIE = 1 / 3
"""A network that gives so large a share of the images one and the same score ranks too little to be called safe."""

POWER_Z = 0.8416
"""Normal quantile of a power of .8: what "would decide" means."""


class Answer(StrEnum):
    """What can be said of an entry at a level beside the dense network."""

    ANECDOTE = "anecdote"
    LOSES = "loses positives"
    TOO_WEAK = "dense too weak"
    NOT_SHOWN_STRONG = "dense not shown strong"
    SAFE = "safe"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Needed:
    """What would decide with power .8: so many ``positives``, or so many ``networks``; None where no number would."""

    positives: int | None
    networks: int | None


@dataclass(frozen=True)
class Judgement:
    """An answer and its figures.

    ``loss``: positives lost at equal false alarms, a share (dense - pruned). ``lift``: what the dense network finds
    beyond guessing. ``needed`` stands where the answer is undecided.
    """

    answer: Answer
    loss: Contrast
    lift: Contrast
    needed: Needed | None = None


@dataclass(frozen=True)
class Deployed:
    """Rises (pruned - dense) of the share of ``missed`` positives and of false ``alarms`` at cuts fixed on validation.

    ``within``: both are shown to be below the margin.
    """

    missed: Contrast
    alarms: Contrast
    within: bool


def judge(parts: Sequence[Measured], entry: int, dense: int, fpr: float, delta: float) -> Judgement:
    """Return the answer for an ``entry`` beside ``dense``, both by their place among the M entries of a level.

    ``parts`` are sensitivities at ``fpr`` false alarms, one part for seeds, several for folds. ``delta``: the loss that
    is too large. The dense network must be shown to lie 2 ``delta`` above guessing, so that what is left of a network
    that lost nearly ``delta`` is at least half of what there was. Source: ICH E10 (2000), section 1.5, on assay
    sensitivity and margins.
    """
    weights = difference(len(parts[0].values), dense, entry)
    loss = loss_of(parts, weights, delta)
    lift = lift_of(parts, dense, fpr)
    answer = _answer(sum(part.values.shape[1] for part in parts), loss, lift, delta)
    needed = needed_to_decide(parts, weights, loss, delta) if answer == Answer.UNDECIDED else None
    return Judgement(answer, loss, lift, needed)


def _answer(networks: int, loss: Contrast, lift: Contrast, delta: float) -> Answer:
    return Answer.ANECDOTE if networks < FEWEST_NETWORKS else answer_of(loss, lift, delta)


def answer_of(loss: Contrast, lift: Contrast, delta: float) -> Answer:
    """Return what a loss and the dense network's lift come to, whatever their noise is of."""
    if loss.lower() > 0 and loss.upper() >= delta:
        return Answer.LOSES
    if lift.lower() < 2 * delta:
        return Answer.TOO_WEAK if lift.upper() < 2 * delta else Answer.NOT_SHOWN_STRONG
    return Answer.SAFE if loss.upper() < delta else Answer.UNDECIDED


def difference(entries: int, more: int, less: int) -> Floats:
    """Return the weights (M,) of one entry less another, by their places."""
    weights = np.zeros(entries)
    weights[more] += 1
    weights[less] -= 1
    return weights


def lift_of(parts: Sequence[Measured], dense: int, fpr: float) -> Contrast:
    """Return what the ``dense`` entry finds at ``fpr`` false alarms beyond guessing, a share of the positives."""
    weights = np.zeros(len(parts[0].values))
    weights[dense] = 1
    found = contrast(parts, weights)
    return Contrast(found.value - fpr, found.variance, found.freedom, found.given_networks)


def loss_of(parts: Sequence[Measured], weights: Floats, delta: float) -> Contrast:
    """Return a contrast of rates that is to be shown below ``delta``, with no less noise than such a loss brings.

    The rates are those of the first of the classes of ``parts``. Where hardly an image was answered differently there
    is hardly a variance, and few images would suffice for any claim; but a loss of ``delta`` has at least the variance
    delta (1 - delta) over them, which is Tango's (1998) where no pair differs.
    """
    found = contrast(parts, weights, LARGER)
    lacking = delta * (1 - delta) - _spread(parts, weights, 0)
    if not lacking > 0:
        return found
    size = _count(parts, 0)
    variance, images = found.variance + lacking / size, found.given_networks + lacking / size
    return Contrast(found.value, variance, min(found.freedom, size - 1.0), images)


def _spread(parts: Sequence[Measured], weights: Floats, side: int) -> float:
    """Return the variance over all images of a class of what they contribute, means over the networks of a part."""
    weighed = np.flatnonzero(weights)
    own = np.concatenate([weights[weighed] @ part.classes[side].means[weighed] for part in parts])
    return float(np.var(own, ddof=1)) if own.size > 1 else math.nan


def _count(parts: Sequence[Measured], side: int) -> int:
    return sum(part.classes[side].size for part in parts)


def needed_to_decide(parts: Sequence[Measured], weights: Floats, loss: Contrast, delta: float) -> Needed:
    """Return how many positives (at as many negatives for each), or networks, would show ``loss`` to be above 0 or
    below ``delta``, whichever is nearer; with folds positives alone.

    Noise of images falls with the positives, the true spread of networks does not. More networks bring more degrees of
    freedom, more positives do not.
    """
    few, many = (_detected(max(loss.value, delta - loss.value), freedom) for freedom in (loss.freedom, CERTAIN))
    positives, least, images = _count(parts, 0), delta * (1 - delta), _noise(parts, weights, delta)
    if len(parts) > 1:
        folds, between = len(parts), float(network_variance(fold_means(parts), weights, LARGER)[0])
        spread = max(0.0, between - sum(float(part.image_variance(weights)) for part in parts) / folds)
        return Needed(_more(positives, folds * overlap(folds) * images, few - overlap(folds) * spread), None)
    (part,) = parts
    networks, between = part.values.shape[1], float(network_variance(part.values, weights, LARGER, part.given)[0])
    own = sum(float(quadratic(one.residual, weights)) / one.size for one in part.classes)
    shared = max(images / positives - own / networks, least / positives)
    return Needed(
        _more(positives, images, few - max(0.0, between - own) / networks),
        _more(networks, max(between, own), many - shared),
    )


def positives_to_decide(part: Measured, weights: Floats, loss: Contrast, delta: float) -> int | None:
    """Return the same of two given networks: theirs is no noise, so that positives alone decide."""
    allowed = _detected(max(loss.value, delta - loss.value), loss.freedom)
    return _more(_count([part], 0), _noise([part], weights, delta), allowed)


def _noise(parts: Sequence[Measured], weights: Floats, delta: float) -> float:
    """Return the variance that one positive brings, with as many negatives as go with it."""
    ratio = _count(parts, 0) / _count(parts, 1)
    return max(_spread(parts, weights, 0), delta * (1 - delta)) + ratio * _spread(parts, weights, 1)


def _detected(gap: float, freedom: float) -> float:
    """Return the variance with which a gap is shown with power .8 at a one-sided level of .05."""
    return float(gap / (stdtrit(freedom, 0.95) + POWER_Z)) ** 2


def _more(than: int, noise: float, allowed: float) -> int | None:
    """Return the least number, above what is there, that brings the noise of one down to what is allowed."""
    return max(than + 1, math.ceil(noise / allowed)) if allowed > 0 and math.isfinite(noise) else None


def within_margins(missed: Contrast, alarms: Contrast, delta: float) -> bool:
    """Return whether rises of FNR and of FPR (pruned - dense) at frozen cuts are both shown to be below ``delta``.

    Both must be shown, each at its own level: an intersection-union test. Source: Berger (1982).
    """
    return missed.upper() < delta and alarms.upper() < delta


def largest_tie(scores: Floats) -> float:
    """Return the share of the images (n,) that have one and the same score, the most frequent one."""
    return float(np.unique(scores, return_counts=True)[1].max() / scores.size)
