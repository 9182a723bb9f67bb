"""Sparse forms against an obvious loop, and what comes back against what was there."""

import numpy as np
import pytest
import torch

from harness.portable.packing import BITMAP, GAPS, VALUES, packed, unpacked


def sparse(density, shape=(40, 50), seed=0):
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.randn(shape, generator=generator)
    return tensor * (torch.rand(shape, generator=generator) < density)


def restored(stored, tensor):
    return unpacked(stored, {"w": tensor.shape})["w"]


@pytest.mark.parametrize(
    "tensor",
    [
        *(sparse(density) for density in (1.0, 0.9, 0.5, 0.1, 0.02, 0.001)),
        torch.zeros(7, 3),
        torch.zeros(0, 3),
        torch.tensor(3.0),
        torch.tensor(0),
        torch.cat([torch.zeros(254), torch.ones(1), torch.zeros(255), torch.ones(1), torch.zeros(256), torch.ones(1)]),
        torch.cat([torch.zeros(510), torch.ones(2), torch.zeros(300)]),
        torch.arange(600) // 599,
        sparse(0.02).half(),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{tuple(tensor.shape)}-{int((tensor != 0).sum())}",
)
def test_what_is_packed_comes_back(tensor):
    stored = packed({"w": tensor})
    assert torch.equal(restored(stored, tensor), tensor)
    assert restored(stored, tensor).dtype == tensor.dtype


def by_hand(tensor):
    """Return (values, gaps) by walking over every entry."""
    values, gaps, skipped = [], [], 0
    for value in tensor.ravel().tolist():
        if value == 0:
            skipped += 1
            if skipped == 255:
                gaps.append(255)
                skipped = 0
        else:
            values.append(value)
            gaps.append(skipped)
            skipped = 0
    while gaps and gaps[-1] == 255:  # nothing comes after the last value
        gaps.pop()
    return values, gaps


@pytest.mark.parametrize("density", [0.03, 0.005, 0.001])
def test_gaps_are_those_of_a_walk_over_all_entries(density):
    tensor = sparse(density, (100, 100))
    stored = packed({"w": tensor})
    values, gaps = by_hand(tensor)
    assert stored["w" + VALUES].tolist() == values
    assert stored["w" + GAPS].tolist() == gaps


def test_a_bitmap_has_one_bit_for_each_entry():
    tensor = sparse(0.3)
    stored = packed({"w": tensor})
    bits = np.unpackbits(stored["w" + BITMAP].numpy())[: tensor.numel()]
    assert bits.tolist() == [int(value != 0) for value in tensor.ravel().tolist()]


@pytest.mark.parametrize("density", [1.0, 0.97, 0.5, 0.25, 0.0625, 0.0156])
def test_the_smallest_form_is_kept(density):
    tensor = sparse(density, (200, 200))
    size = sum(one.numel() * one.element_size() for one in packed({"w": tensor}).values())
    values, gaps = by_hand(tensor)
    assert size == min(4 * tensor.numel(), 4 * len(values) + tensor.numel() // 8, 4 * len(values) + len(gaps))


def test_a_negative_zero_takes_no_value():
    tensor = torch.full((80,), -0.0)
    tensor[3] = 1
    assert packed({"w": tensor})["w" + VALUES].tolist() == [1]


BEYOND = torch.cat([torch.full((60,), 255, dtype=torch.uint8), torch.zeros(9, dtype=torch.uint8)])


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda stored: stored.pop("w" + VALUES), "is missing"),
        (lambda stored: stored.pop("w" + GAPS), "does not say where"),
        (lambda stored: stored.update({"w" + VALUES: torch.ones(3)}), "has 3 values"),
        (lambda stored: stored.update({"w" + GAPS: torch.zeros(8, dtype=torch.uint8)}), "9 values for 8 places"),
        (lambda stored: stored.update({"w" + GAPS: BEYOND}), "9 values for 9 places of 10000"),
        (lambda stored: stored.update({"w" + GAPS: torch.zeros(9)}), "does not say where"),
        (lambda stored: stored.update({"w": torch.ones(2, 2)}), "is (2, 2), not (100, 100)"),
    ],
)
def test_a_form_that_does_not_fit_is_refused(spoil, what):
    tensor = torch.zeros(100, 100)
    tensor[::12, 0] = 1
    stored = packed({"w": tensor})
    spoil(stored)
    with pytest.raises(ValueError, match="w ") as refused:
        restored(stored, tensor)
    assert what in str(refused.value)


def test_a_bitmap_of_another_size_is_refused():
    tensor = sparse(0.3)
    stored = packed({"w": tensor}) | {"w" + BITMAP: torch.zeros(3, dtype=torch.uint8)}
    with pytest.raises(ValueError, match="bitmap of 3 bytes"):
        restored(stored, tensor)
