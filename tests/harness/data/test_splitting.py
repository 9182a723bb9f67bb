"""Cutting a set: every figure is counted, and every partition made, by hand."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.data.splitting import fold_of, part_of, stratified_order, thinned, units_of


def drawn(positives, negatives, seed=0):
    labels = np.array([1] * positives + [0] * negatives, dtype=np.uint8)
    return np.random.default_rng(seed).permutation(labels)


def alone(count):
    """Images that belong to nothing."""
    return np.arange(count)


def blocks(numbers):
    """A partition as a set of sets of places, whatever its parts are called."""
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in set(np.asarray(numbers).tolist())}


# --- what belongs together


def united_by_hand(*kinds):
    """Merge the blocks of every two images that share a value, until nothing more can be merged."""
    found = [{place} for place in range(len(kinds[0]))]
    for one, other in itertools.combinations(range(len(kinds[0])), 2):
        if any(values[one] is not None and values[one] == values[other] for values in kinds):
            left, right = (next(block for block in found if place in block) for place in (one, other))
            if left is not right:
                found = [block for block in found if block is not left and block is not right] + [left | right]
    return {frozenset(block) for block in found}


VALUE = st.one_of(st.none(), st.integers(0, 6))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=25))
@example([])
def test_units_are_those_of_a_union_by_hand(images):
    kinds = [list(values) for values in zip(*images, strict=True)] or [[]]
    found = units_of(*kinds)
    assert found.dtype == np.int64
    assert found.shape == (len(images),)
    assert blocks(found) == united_by_hand(*kinds)


def test_a_chain_through_two_kinds_is_one_unit():
    groups = ["a", "a", None, "b", "b", None]
    pixels = [b"1", b"2", b"2", b"2", b"3", b"4"]
    assert blocks(units_of(groups, pixels)) == {frozenset({0, 1, 2, 3, 4}), frozenset({5})}


def test_a_group_may_be_called_like_the_pixels_of_another_image():
    assert len(blocks(units_of([b"1", None], [None, b"1"]))) == 2


# --- a part of each class


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_each_class_gives_its_rounded_share(positives, negatives, fraction, seed):
    labels = drawn(positives, negatives)
    chosen = part_of(labels, alone(len(labels)), fraction, (seed, "split"))
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert chosen.dtype == np.int64
    found = labels[chosen].tolist()
    assert (found.count(1), found.count(0)) == (round(fraction * positives), round(fraction * negatives))


def test_the_official_training_images_give_225_with_43_positives():
    labels = drawn(173, 727)
    chosen = part_of(labels, alone(900), 0.25, (0, "split"))
    assert (len(chosen), int(labels[chosen].sum())) == (225, 43)


def test_the_choice_depends_on_the_draw_alone():
    labels = drawn(40, 60)
    first = part_of(labels, alone(100), 0.25, (0, "split"))
    torch.manual_seed(1)
    assert np.array_equal(part_of(labels, alone(100), 0.25, (0, "split")), first)
    draws = [(seed, *tag) for seed in range(10) for tag in (["split"], ["test"], ["split", 0], ["split", 1])]
    assert len({tuple(part_of(labels, alone(100), 0.25, draw)) for draw in draws}) == 40


def test_every_image_can_be_chosen():
    labels = drawn(12, 20)
    counts = np.zeros(32)
    for seed in range(300):
        counts[part_of(labels, alone(32), 0.25, (seed, "split"))] += 1
    # Binomial(300, 1/4): mean 75, sd 7.5; five sd either way.
    assert counts.min() > 37
    assert counts.max() < 113


def test_one_class_choice_does_not_depend_on_the_others_images():
    # So that a repaired label of one class does not draw the other class anew.
    few, many = np.array([1] * 20 + [0] * 8), np.array([1] * 20 + [0] * 30)
    chosen = [part_of(labels.astype(np.uint8), alone(len(labels)), 0.25, (3, "split")) for labels in (few, many)]
    assert chosen[0][chosen[0] < 20].tolist() == chosen[1][chosen[1] < 20].tolist()


GROUPED = st.lists(st.tuples(st.integers(0, 1), st.one_of(st.none(), st.integers(0, 8))), max_size=60)


def grouped(images):
    """(labels, groups, units as sets of places) of drawn images."""
    labels = np.array([label for label, _ in images], dtype=np.uint8)
    groups = [None if group is None else f"patient {group}" for _, group in images]
    units = [{index} for index, group in enumerate(groups) if group is None]
    units += [{index for index, group in enumerate(groups) if group == name} for name in set(groups) - {None}]
    return labels, groups, units


def of_class(units, labels, label):
    """A unit is positive when any of its images is."""
    return [unit for unit in units if max(labels[index] for index in unit) == label]


@settings(max_examples=60, deadline=None)
@given(GROUPED, st.floats(0.05, 0.95), st.integers(0, 3))
def test_groups_are_never_torn_and_quotas_never_exceeded(images, fraction, seed):
    labels, groups, units = grouped(images)
    chosen = set(part_of(labels, units_of(groups), fraction, (seed, "split")).tolist())
    assert all(unit <= chosen or not unit & chosen for unit in units)
    for label in (0, 1):
        kind = of_class(units, labels, label)
        quota = round(fraction * sum(map(len, kind)))
        taken = sum(len(unit) for unit in kind if unit <= chosen)
        assert taken <= quota
        # Taken greedily: what was left out would not have fitted.
        assert all(taken + len(unit) > quota for unit in kind if not unit & chosen)


def test_a_group_may_be_called_like_an_image_without_one():
    labels = np.array([0, 0, 0, 0], dtype=np.uint8)
    assert len(part_of(labels, units_of(["image 1", None, "1", None]), 0.5, (0, "split"))) == 2


# --- folds


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.integers(2, 9), st.integers(0, 5))
def test_folds_of_single_images_differ_by_one_image_of_each_class_and_in_all(positives, negatives, folds, seed):
    labels = drawn(positives, negatives)
    found = fold_of(labels, alone(len(labels)), folds, seed).tolist()
    counts = {kind: [0] * folds for kind in ("all", 0, 1)}
    for label, fold in zip(labels.tolist(), found, strict=True):  # each image is in one fold, or this is no list of it
        counts[label][fold] += 1
        counts["all"][fold] += 1
    assert all(max(sizes) - min(sizes) <= 1 for sizes in counts.values())
    assert sum(counts["all"]) == len(labels)


def test_five_folds_of_the_official_images():
    labels = drawn(173 + 75, 727 + 304)
    found = fold_of(labels, alone(1279), 5, 0)
    sizes = [(int((found == fold).sum()), int(labels[found == fold].sum())) for fold in range(5)]
    assert sorted(size for size, _ in sizes) == [255, 256, 256, 256, 256]
    assert sorted(positives for _, positives in sizes) == [49, 49, 50, 50, 50]


@settings(max_examples=60, deadline=None)
@given(GROUPED, st.integers(2, 6), st.integers(0, 3))
def test_groups_are_whole_in_one_fold_and_fill_them_evenly(images, folds, seed):
    labels, groups, units = grouped(images)
    found = fold_of(labels, units_of(groups), folds, seed)
    assert all(len({int(found[index]) for index in unit}) == 1 for unit in units)
    for label in (0, 1):
        kind = of_class(units, labels, label)
        filled = [sum(len(unit) for unit in kind if found[min(unit)] == fold) for fold in range(folds)]
        # Each goes to the emptiest, so no fold is ahead of another by more than the unit that it took last.
        assert max(filled) - min(filled) <= max(map(len, kind), default=0)


def test_the_largest_group_comes_first():
    # In a random order, 1 1 1 1 4 would mostly end as 2 and 6.
    units = units_of(["large"] * 4 + [None] * 4)
    for seed in range(20):
        assert np.bincount(fold_of(np.zeros(8, dtype=np.uint8), units, 2, seed)).tolist() == [4, 4]


def test_folds_depend_on_the_seed_alone_and_each_seed_has_another_partition():
    labels = drawn(40, 60)
    first = fold_of(labels, alone(100), 5, 0)
    torch.manual_seed(1)
    assert np.array_equal(fold_of(labels, alone(100), 5, 0), first)
    partitions = {frozenset(blocks(fold_of(labels, alone(100), 5, seed))) for seed in range(20)}
    assert len(partitions) == 20


def test_every_image_can_be_in_every_fold():
    labels = drawn(12, 20)
    counts = np.zeros((4, 32))
    for seed in range(300):
        counts[fold_of(labels, alone(32), 4, seed), np.arange(32)] += 1
    # Binomial(300, 1/4): mean 75, sd 7.5; five sd either way.
    assert counts.min() > 37
    assert counts.max() < 113


# --- negatives per positive


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 90), st.floats(0.05, 40), st.integers(0, 5))
def test_as_many_images_as_can_be_are_left_at_a_ratio(positives, negatives, ratio, seed):
    labels = drawn(positives, negatives)
    chosen = thinned(labels, ratio, seed)
    assert chosen.dtype == np.int64
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    kept = labels[chosen].tolist()
    if negatives / positives > ratio:  # too many negatives: some of them go, and no positive
        assert kept.count(1) == positives
        assert abs(kept.count(0) - positives * ratio) <= 0.5
    else:
        assert kept.count(0) == negatives
        assert abs(kept.count(1) - negatives / ratio) <= 0.5


@pytest.mark.parametrize(
    ("ratio", "left"), [(1, (173, 173)), (2.5, (432, 173)), (10, (727, 73)), (20, (727, 36)), (727 / 173, (727, 173))]
)
def test_ratios_of_the_official_training_images(ratio, left):
    labels = drawn(173, 727)
    kept = labels[thinned(labels, ratio, 0)].tolist()
    assert (kept.count(0), kept.count(1)) == left


def test_the_nearer_of_two_ratios_keeps_all_that_the_other_does():
    labels = drawn(30, 90)
    for ratios in ((2.5, 2, 1, 0.5), (4, 5, 10, 30)):  # natural is 3
        kept = [set(thinned(labels, ratio, 0).tolist()) for ratio in ratios]
        assert all(fewer < more for more, fewer in itertools.pairwise(kept))


def test_which_images_are_left_depends_on_the_seed_alone():
    labels = drawn(30, 90)
    first = thinned(labels, 1, 0)
    torch.manual_seed(1)
    assert np.array_equal(thinned(labels, 1, 0), first)
    assert len({tuple(thinned(labels, 1, seed)) for seed in range(20)}) == 20


# --- an order


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 30), st.integers(0, 60), st.integers(0, 3))
def test_every_prefix_holds_each_class_in_its_share(positives, negatives, seed):
    labels = drawn(positives, negatives)
    order = stratified_order(labels, torch.Generator().manual_seed(seed))
    assert sorted(order.tolist()) == list(range(len(labels)))
    for length in range(1, len(labels) + 1):
        found = int(labels[order[:length]].sum())
        assert abs(found - length * positives / len(labels)) <= 1


def test_the_order_is_random_within_each_class_and_seeded():
    labels = drawn(30, 60)
    orders = [stratified_order(labels, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert np.array_equal(orders[0], orders[1])
    for label in (0, 1):
        members = [order[labels[order] == label].tolist() for order in orders]
        assert members[0] != members[2]
        assert members[0] != sorted(members[0])


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_is_ordered_too(label):
    labels = np.full(9, label, dtype=np.uint8)
    assert sorted(stratified_order(labels, torch.Generator().manual_seed(0)).tolist()) == list(range(9))
