import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.splitting import stratified_order, validation_indices


def drawn(positives, negatives, seed=0):
    labels = np.array([1] * positives + [0] * negatives, dtype=np.uint8)
    return np.random.default_rng(seed).permutation(labels)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_each_class_gives_its_rounded_share(positives, negatives, fraction, seed):
    labels = drawn(positives, negatives)
    chosen = validation_indices(labels, [None] * len(labels), fraction, seed)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert chosen.dtype == np.int64
    found = labels[chosen].tolist()
    assert (found.count(1), found.count(0)) == (round(fraction * positives), round(fraction * negatives))


def test_the_official_training_images_give_225_with_43_positives():
    labels = drawn(173, 727)
    chosen = validation_indices(labels, [None] * 900, 0.25, 0)
    assert (len(chosen), int(labels[chosen].sum())) == (225, 43)


def test_the_choice_depends_on_the_seed_alone():
    labels = drawn(40, 60)
    first = validation_indices(labels, [None] * 100, 0.25, 0)
    torch.manual_seed(1)
    assert np.array_equal(validation_indices(labels, [None] * 100, 0.25, 0), first)
    others = {tuple(validation_indices(labels, [None] * 100, 0.25, seed)) for seed in range(20)}
    assert len(others) == 20


def test_every_image_can_be_chosen():
    labels = drawn(12, 20)
    counts = np.zeros(32)
    for seed in range(300):
        counts[validation_indices(labels, [None] * 32, 0.25, seed)] += 1
    # Binomial(300, 1/4): mean 75, sd 7.5; five sd either way.
    assert counts.min() > 37
    assert counts.max() < 113


def test_one_class_choice_does_not_depend_on_the_others_images():
    # So that a repaired label of one class does not draw the other class anew.
    few, many = np.array([1] * 20 + [0] * 8), np.array([1] * 20 + [0] * 30)
    chosen = [validation_indices(labels.astype(np.uint8), [None] * len(labels), 0.25, 3) for labels in (few, many)]
    assert chosen[0][chosen[0] < 20].tolist() == chosen[1][chosen[1] < 20].tolist()


GROUPED = st.lists(st.tuples(st.integers(0, 1), st.one_of(st.none(), st.integers(0, 8))), max_size=60)


@settings(max_examples=150, deadline=None)
@given(GROUPED, st.floats(0.05, 0.95), st.integers(0, 3))
def test_groups_are_never_torn_and_quotas_never_exceeded(images, fraction, seed):
    labels = np.array([label for label, _ in images], dtype=np.uint8)
    groups = [None if group is None else f"patient {group}" for _, group in images]
    chosen = set(validation_indices(labels, groups, fraction, seed).tolist())
    units = [{index} for index, group in enumerate(groups) if group is None]
    units += [{index for index, group in enumerate(groups) if group == name} for name in set(groups) - {None}]
    assert all(unit <= chosen or not unit & chosen for unit in units)
    for label in (0, 1):  # a group is positive when any of its images is
        kind = [unit for unit in units if max(labels[index] for index in unit) == label]
        quota = round(fraction * sum(map(len, kind)))
        taken = sum(len(unit) for unit in kind if unit <= chosen)
        assert taken <= quota
        # Taken greedily: what was left out would not have fitted.
        assert all(taken + len(unit) > quota for unit in kind if not unit & chosen)


def test_a_group_may_be_called_like_an_image_without_one():
    labels = np.array([0, 0, 0, 0], dtype=np.uint8)
    assert len(validation_indices(labels, ["image 1", None, "1", None], 0.5, 0)) == 2


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
