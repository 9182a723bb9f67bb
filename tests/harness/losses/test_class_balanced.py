"""Class-balanced cross-entropy against equation (2), Sec. 4 in plain powers."""

import decimal
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.losses.class_balanced import ClassBalancedLoss
from harness.losses.effective_numbers import class_balanced_weights
from harness.losses.registered import schedule_named


@given(st.sampled_from([0.0, 0.5, 0.9, 0.99, 0.9999, 1 - 1e-9]), st.integers(1, 2000), st.integers(1, 20_000))
def test_the_weights_are_inverse_effective_numbers_that_sum_to_the_number_of_classes(beta, positives, negatives):
    with decimal.localcontext(prec=60):
        exact = decimal.Decimal(beta)
        inverse = [(1 - exact) / (1 - exact**count) for count in (positives, negatives)]
        expected = [float(2 * one / sum(inverse)) for one in inverse]
    found = class_balanced_weights(beta, positives, negatives)
    assert found == pytest.approx(expected, rel=1e-9)
    assert sum(found) == pytest.approx(2)


def test_it_is_cross_entropy_by_these_weights_in_every_round():
    loss = schedule_named("class-balanced").resolve(0, 130, 545)
    assert loss == schedule_named("class-balanced").resolve(4, 130, 545)
    weights = {1: (1 - 0.9999) / (1 - 0.9999**130), 0: (1 - 0.9999) / (1 - 0.9999**545)}
    batch = [(0.3, -1.2, 0), (2.0, 0.1, 1), (-0.4, 0.9, 1)]
    total = sum(
        2 * weights[label] / sum(weights.values()) * math.log(1 + math.exp(both[1 - label] - both[label]))
        for *both, label in batch
    )
    logits, labels = torch.tensor([one[:2] for one in batch]), torch.tensor([one[2] for one in batch])
    assert loss(logits, labels).item() == pytest.approx(total / 3, rel=1e-6)


@pytest.mark.parametrize("label", [0, 1])
def test_a_batch_of_one_class_feels_its_weight(label):
    logits = torch.zeros(3, 2)
    value = ClassBalancedLoss(1.6, 0.4)(logits, torch.full((3,), label))
    assert value.item() == pytest.approx((1.6 if label else 0.4) * math.log(2))
