"""LDAM against equation (13), Sec. 3, and its deferred re-weighting by Algorithm 1's two parts."""

import math

import pytest
import torch

from harness.losses.effective_numbers import class_balanced_weights
from harness.losses.registered import schedule_named

BATCH = [(0.3, -1.2, 0), (2.0, 0.1, 1), (-0.4, 0.9, 1), (1.0, 1.5, 0), (0.0, 0.0, 1)]


def by_definition(batch, positives, negatives, largest=0.5, scale=1.0, weights=(1.0, 1.0)):
    """-w_y log of exp(s (z_y - D_y)) over itself plus exp(s z_other); D_j = C / n_j^(1/4), the larger ``largest``."""
    roots = [1 / negatives**0.25, 1 / positives**0.25]
    margins = [largest * root / max(roots) for root in roots]
    total = 0.0
    for *logits, label in batch:
        right = math.exp(scale * (logits[label] - margins[label]))
        total -= weights[1 - label] * math.log(right / (right + math.exp(scale * logits[1 - label])))
    return total / len(batch)


def value(loss):
    return loss(torch.tensor([one[:2] for one in BATCH]), torch.tensor([one[2] for one in BATCH])).item()


@pytest.mark.parametrize(("positives", "negatives"), [(130, 545), (16, 1), (1, 1), (3, 40_000)])
@pytest.mark.parametrize("given", [{}, {"margin": 2.0}, {"scale": 30.0}, {"margin": 0.0, "scale": 3.0}])
def test_it_is_equation_13(positives, negatives, given):
    loss = schedule_named("ldam").with_parameters(given).resolve(0, positives, negatives)
    expected = by_definition(BATCH, positives, negatives, given.get("margin", 0.5), given.get("scale", 1.0))
    assert value(loss) == pytest.approx(expected, rel=1e-5)


def test_the_rarer_class_has_the_published_margin_and_the_other_one_less():
    loss = schedule_named("ldam").resolve(0, 16, 256)
    assert (loss.positive, loss.negative, loss.scale) == (0.5, 0.25, 1.0)
    swapped = schedule_named("ldam").resolve(7, 256, 16)
    assert (swapped.positive, swapped.negative) == (0.25, 0.5)


def test_deferred_weights_come_with_the_last_fifth_of_the_epochs_as_published():
    loss = schedule_named("ldam-drw").resolve(0, 130, 545)
    plain, weights = by_definition(BATCH, 130, 545), class_balanced_weights(0.9999, 130, 545)
    weighted = by_definition(BATCH, 130, 545, weights=weights)
    assert plain != pytest.approx(weighted)
    for epoch in range(200):  # published: from epoch 160 of 200 on, counted from 0
        assert value(loss.at((epoch + 1) / 200)) == pytest.approx(weighted if epoch >= 160 else plain, rel=1e-5)
    assert value(loss.at(1.0)) == pytest.approx(weighted, rel=1e-5)
    assert loss.at(0.1) == schedule_named("ldam").resolve(0, 130, 545)


def test_each_part_of_a_schedule_of_few_epochs_is_counted_exactly():
    loss = schedule_named("ldam-drw").with_parameters({"deferred": 0.6}).resolve(0, 130, 545)
    for whole in range(1, 60):
        deferred = [epoch for epoch in range(whole) if loss.at((epoch + 1) / whole) != loss.at(0.01)]
        assert deferred == [epoch for epoch in range(whole) if 10 * (epoch + 1) > 6 * whole]
        assert deferred[-1] == whole - 1
