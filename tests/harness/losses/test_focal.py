"""The focal loss against equation (5) in plain floats of any length."""

import decimal
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.losses.focal import FocalLoss
from harness.losses.registered import schedule_named

LOGITS = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.integers(0, 1)), min_size=1, max_size=6)


def by_definition(batch, alpha, focusing):
    """The mean of -alpha_t (1 - p_t)^gamma log p_t, p_t the model's probability of the class that is right."""
    total = decimal.Decimal(0)
    with decimal.localcontext(prec=60):
        for negative, positive, label in batch:
            both = [decimal.Decimal(value).exp() for value in (negative, positive)]
            right, other = both[label] / sum(both), both[1 - label] / sum(both)
            weight = decimal.Decimal(alpha if label else 1 - alpha)
            total -= weight * (other ** decimal.Decimal(focusing) if focusing else 1) * right.ln()
        return float(total / len(batch))


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.sampled_from([0.25, 0.5, 0.9]), st.sampled_from([0.0, 0.5, 2.0, 5.0]))
def test_it_is_equation_5(batch, alpha, focusing):
    logits = torch.tensor([one[:2] for one in batch], dtype=torch.float64)
    labels = torch.tensor([one[2] for one in batch])
    expected = by_definition(batch, alpha, focusing)
    assert FocalLoss(alpha, focusing)(logits, labels).item() == pytest.approx(expected, rel=1e-9)


def test_its_defaults_are_the_published_ones_and_alpha_weighs_the_positives():
    loss = schedule_named("focal").resolve(0, 130, 545)
    assert loss == schedule_named("focal").resolve(5, 1, 9) == FocalLoss(0.25, 2.0)
    undecided = torch.zeros(1, 2)
    positive, negative = (loss(undecided, torch.tensor([label])).item() for label in (1, 0))
    assert positive == pytest.approx(0.25 * 0.25 * math.log(2))
    assert negative == pytest.approx(0.75 * 0.25 * math.log(2))


def test_without_focusing_it_is_weighted_cross_entropy():
    logits = torch.tensor([[0.3, -1.2], [2.0, 0.1], [-0.4, 0.9]])
    labels = torch.tensor([1, 0, 1])
    assert FocalLoss(0.5, 0.0)(logits, labels).item() == pytest.approx(F.cross_entropy(logits, labels).item() / 2)


@pytest.mark.parametrize("label", [0, 1])
def test_it_keeps_its_digits_where_the_network_is_sure_and_right(label):
    """In float32, 1 - p of p = 1 - 4e-18 would be 0, and the gradient with it."""
    logits = torch.tensor([[20.0, -20.0], [-20.0, 20.0]])[label : label + 1].requires_grad_()
    value = FocalLoss(0.5, 0.5)(logits, torch.tensor([label]))
    value.backward()
    assert value.item() == pytest.approx(0.5 * math.exp(-40) ** 1.5, rel=1e-4)
    assert logits.grad.abs().min() > 0
