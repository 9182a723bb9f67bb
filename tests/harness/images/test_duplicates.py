import numpy as np
import pytest

from harness.images.duplicates import NEAR_BITS, across, beyond, contradicting, equal, images_in, near, with_copy_in


def bits_between(one, other):
    return sum(int(a ^ b).bit_count() for a, b in zip(one.tolist(), other.tolist(), strict=True))


def slow_near(hashes, most):
    """Every image with all that can be reached from it by steps of at most ``most`` bits."""
    groups = set()
    for start in range(len(hashes)):
        reached, waiting = {start}, [start]
        while waiting:
            one = waiting.pop()
            for other in set(range(len(hashes))) - reached:
                if bits_between(hashes[one], hashes[other]) <= most:
                    reached.add(other)
                    waiting.append(other)
        groups.add(tuple(sorted(reached)))
    return sorted(group for group in groups if len(group) > 1)


def flipped(hashed, places):
    changed = hashed.copy()
    for place in places:
        changed[place // 64] ^= np.uint64(1 << (place % 64))
    return changed


@pytest.mark.parametrize("most", [0, 5, 32, 110])
def test_near_groups_are_those_of_every_pair_compared_in_turn(most):
    draws = np.random.default_rng(most)
    hashes = draws.integers(0, 2**64, (40, 4), dtype=np.uint64)
    for place in range(1, 40, 3):  # chains of copies of copies, a few bits from each other
        hashes[place] = flipped(
            hashes[place - 1], draws.choice(256, size=int(draws.integers(0, most + 3)), replace=False)
        )
    assert near(hashes, most) == slow_near(hashes, most)
    assert most == 110 or len(near(hashes, most)) > 3


@pytest.mark.parametrize("word", range(4))
def test_the_bits_of_every_word_count(word):
    one = np.zeros(4, dtype=np.uint64)
    places = [64 * word + bit for bit in range(NEAR_BITS)]
    assert near(np.stack([one, flipped(one, places)])) == [(0, 1)]
    assert near(np.stack([one, flipped(one, [*places, 64 * word + 40])])) == []


def test_hashes_that_differ_in_every_bit_are_not_near():
    # 256 differing bits are 0 in a byte.
    assert near(np.array([[0] * 4, [2**64 - 1] * 4], dtype=np.uint64)) == []


def test_no_image_and_one_image_have_no_copies():
    assert near(np.empty((0, 4), dtype=np.uint64)) == near(np.zeros((1, 4), dtype=np.uint64)) == equal([]) == []


def test_equal_digests_are_grouped_in_the_order_of_their_first():
    assert equal(["b", "a", None, "b", "c", "a", None, "b"]) == [(0, 3, 7), (1, 5)]


def test_what_is_said_of_groups():
    groups = [(0, 3), (1, 2, 5)]
    splits = ["train", "train", "train", "test", "test", "train"]
    assert across(groups, splits) == [(0, 3)]
    assert contradicting(groups, [0, 1, 1, 0, 0, 0]) == [(1, 2, 5)]
    assert beyond(groups, ["same", "a", "a", "same", "b", "c"]) == [(1, 2, 5)]
    assert images_in(groups) == 5
    assert with_copy_in(groups, splits, "test", "train") == 1
    assert with_copy_in(groups, splits, "train", "test") == 1
    assert with_copy_in([(0, 1, 3)], splits, "train", "test") == 2
    assert with_copy_in(groups, splits, "test", "validation") == 0
