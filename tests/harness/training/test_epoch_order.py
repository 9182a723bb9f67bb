"""Which images an epoch trains on: each once, or the classes alike."""

import itertools

import pytest
import torch

from harness.randomness import generator
from harness.training.epoch_order import epoch_order

LABELS = torch.tensor([1, 0, 0, 0, 1, 0, 0, 0, 0, 0] * 20, dtype=torch.uint8)


def draws(epoch):
    return generator(3, "shuffle", epoch)


def test_shuffled_has_each_image_once_in_the_order_of_old():
    order = epoch_order(LABELS, "shuffled", draws(0))
    assert sorted(order.tolist()) == list(range(200))
    assert torch.equal(order, torch.randperm(200, generator=draws(0)))


def test_balanced_draws_as_many_images_with_classes_alike_and_images_of_a_class_alike():
    orders = torch.cat([epoch_order(LABELS, "balanced", draws(epoch)) for epoch in range(200)])
    assert len(orders) == 200 * 200
    counts = torch.bincount(orders, minlength=200).double()
    positive = LABELS > 0
    # Binomial(40000, 1/2): sd 100; an image is drawn 40000 / (2 n_y) times: 500 of 40, and 125 of 160.
    assert abs(counts[positive].sum() - 20_000) < 500
    for own, expected in ((counts[positive], 500), (counts[~positive], 125)):
        assert (own - expected).abs().max() < 6 * expected**0.5
        assert float(((own - expected) ** 2 / expected).mean()) == pytest.approx(1, abs=0.6)  # chi-square per image


def test_balanced_is_with_replacement_and_without_an_order_of_classes():
    order = epoch_order(LABELS, "balanced", draws(0))
    assert len(set(order.tolist())) < 200
    drawn = LABELS[order].tolist()
    assert 40 < sum(one != other for one, other in itertools.pairwise(drawn)) < 160


def test_the_same_draws_give_the_same_order_and_others_another():
    first, again, other = (epoch_order(LABELS, "balanced", draws(epoch)) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("label", [0, 1])
def test_a_split_of_one_class_is_drawn_from_it_alone(label):
    order = epoch_order(torch.full((9,), label, dtype=torch.uint8), "balanced", draws(0))
    assert order.shape == (9,)
    assert 0 <= int(order.min()) <= int(order.max()) < 9
