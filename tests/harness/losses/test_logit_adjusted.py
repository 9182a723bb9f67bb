"""Logit adjustment against equation (10), class by class."""

import math

import pytest
import torch
import torch.nn.functional as F

from harness.losses.registered import schedule_named

BATCH = [(0.3, -1.2, 0), (2.0, 0.1, 1), (-0.4, 0.9, 1), (5.0, -30.0, 1), (0.0, 0.0, 0)]


def by_definition(batch, tau, positives, negatives):
    """The mean of -log of exp(f_y + tau log pi_y) over the sum of the same for all classes."""
    shares = [negatives / (positives + negatives), positives / (positives + negatives)]
    total = 0.0
    for *logits, label in batch:
        powers = [math.exp(logit + tau * math.log(share)) for logit, share in zip(logits, shares, strict=True)]
        total -= math.log(powers[label] / sum(powers))
    return total / len(batch)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize(("positives", "negatives"), [(130, 545), (1, 1), (900, 20)])
def test_it_is_equation_10(tau, positives, negatives):
    loss = schedule_named("logit-adjusted").with_parameters({"tau": tau}).resolve(0, positives, negatives)
    logits, labels = torch.tensor([one[:2] for one in BATCH]), torch.tensor([one[2] for one in BATCH])
    assert loss(logits, labels).item() == pytest.approx(by_definition(BATCH, tau, positives, negatives), rel=1e-5)


def test_tau_is_1_as_published_and_the_same_in_every_round():
    schedule = schedule_named("logit-adjusted")
    assert schedule.parameters == {"tau": 1.0}
    assert schedule.resolve(0, 130, 545) == schedule.resolve(3, 130, 545)


def test_alike_classes_leave_cross_entropy_and_the_logits_are_left_alone():
    logits, labels = torch.tensor([one[:2] for one in BATCH]), torch.tensor([one[2] for one in BATCH])
    before = logits.clone()
    loss = schedule_named("logit-adjusted").resolve(0, 40, 40)
    assert loss(logits, labels).item() == pytest.approx(F.cross_entropy(logits, labels).item())
    assert torch.equal(logits, before)
