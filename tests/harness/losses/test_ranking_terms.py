"""Ranking terms without a decision of the host have the bits of those that picked the classes out."""

import pytest
import torch
import torch.nn.functional as F

from harness.losses import ranking_terms
from harness.losses.loss import numbers_like
from harness.losses.ranking_terms import all_pairs_squared_hinge, pointwise_squared_hinge


def all_pairs_picked(scores, labels, margin=1.0):
    values = scores.double()
    values = values - values.detach().mean()
    shifted = (values[labels > 0] - margin).sort().values
    negatives = values[labels <= 0]
    below = torch.searchsorted(shifted.detach(), negatives.detach())
    sums = F.pad(shifted.cumsum(0), (1, 0))[below]
    squares = F.pad(shifted.square().cumsum(0), (1, 0))[below]
    pairs = (below * negatives.square() - 2 * negatives * sums + squares).sum()
    return (pairs / (shifted.numel() * negatives.numel())).to(scores.dtype)


def pointwise_picked(scores, labels):
    positive = labels > 0
    sides = (1 - scores[positive], 1 + scores[~positive])
    means = [side.clamp(min=0).square().mean() for side in sides if side.numel()]
    return torch.stack(means).sum()


def value_and_gradient(term, scores, labels):
    leaf = scores.clone().requires_grad_()
    value = term(leaf, labels)
    value.backward()
    return value.detach(), leaf.grad


def drawn(seed, count, kind):
    draws = torch.Generator().manual_seed(seed)
    labels = torch.rand(count, generator=draws) < torch.rand(1, generator=draws)
    scores = torch.randn(count, generator=draws, dtype=kind) * 10 ** (4 * torch.rand(1, generator=draws) - 2)
    return (scores.mul(4).round().div(4) if seed % 3 else scores).to(kind), labels.to(torch.uint8)  # ties are common


BOTH = [(all_pairs_squared_hinge, all_pairs_picked), (pointwise_squared_hinge, pointwise_picked)]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize(("term", "picked"), BOTH)
@pytest.mark.parametrize("count", [1, 2, 3, 16, 32, 33, 100])
def test_value_and_gradient_are_those_of_the_classes_picked_out(term, picked, count, kind):
    compared = 0
    for seed in range(60):
        scores, labels = drawn(seed, count, kind)
        if term is pointwise_squared_hinge or 0 < int(labels.sum()) < count:
            found, expected = (value_and_gradient(one, scores, labels) for one in (term, picked))
            assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
            compared += 1
    assert compared > 10 or count == 1


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("count", [1, 5])
def test_a_batch_of_one_class_has_no_pairs_and_no_gradient(label, count):
    value, gradient = value_and_gradient(all_pairs_squared_hinge, torch.randn(count), torch.full((count,), label))
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("term", [all_pairs_squared_hinge, pointwise_squared_hinge])
def test_the_sum_of_a_gpu_is_the_same_but_for_rounding(term, monkeypatch):
    expected = [value_and_gradient(term, *drawn(seed, 40, torch.float64)) for seed in range(20)]
    monkeypatch.setattr(ranking_terms, "_sum", lambda values, chosen: torch.where(chosen, values, 0).sum())
    for seed, (value, gradient) in enumerate(expected):
        found, slope = value_and_gradient(term, *drawn(seed, 40, torch.float64))
        torch.testing.assert_close(found, value, rtol=1e-12, atol=1e-12)
        assert torch.equal(slope, gradient)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_numbers_on_a_device_are_those_of_a_tensor_made_of_them(kind):
    logits = torch.zeros(2, 2, dtype=kind)
    found = numbers_like(logits, 0.1, -3.7)
    assert torch.equal(found, logits.new_tensor([0.1, -3.7]))
    assert found.dtype == kind
