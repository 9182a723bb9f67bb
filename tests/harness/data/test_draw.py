"""Which images are trained, validated and tested on: every part is counted by hand."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.data import draw
from harness.data.draw import FEWEST, Cutting, cut, require_ratios
from harness.data.splitting import units_of
from harness.errors import DataError, UsageError

POSITIVES, NEGATIVES = 40, 120
LABELS = np.random.default_rng(0).permutation([1] * POSITIVES + [0] * NEGATIVES).astype(np.uint8)
ALONE = np.arange(160)
NO_SPLIT = np.array([""] * 160)
OFFICIAL = np.array(["test" if place % 4 == 0 else "train" for place in range(160)])
WITH_VALIDATION = np.array([("test", "validation", "train", "train")[place % 4] for place in range(160)])


def how(**changes):
    return Cutting(**{"validation_fraction": 0.25, "test_fraction": 0.2, "fixed": False, "split_seed": 0} | changes)


def parts(splits=NO_SPLIT, seed=0, labels=LABELS, units=ALONE, **changes):
    return cut(how(**changes), labels, units, splits, seed, "the set")


def counts(chosen, labels=LABELS):
    """(negatives, positives)"""
    return int((labels[chosen] == 0).sum()), int((labels[chosen] == 1).sum())


def places(chosen):
    return frozenset(chosen.tolist())


SCHEMES = [
    (NO_SPLIT, {}),
    (OFFICIAL, {}),
    (WITH_VALIDATION, {}),
    (NO_SPLIT, {"folds": 5, "fold": 2}),
    (OFFICIAL, {"folds": 3, "fold": 3}),
    (WITH_VALIDATION, {"folds": 4, "fold": 3}),
    (NO_SPLIT, {"fixed": True}),
]


@pytest.mark.parametrize(("splits", "changes"), SCHEMES)
def test_the_parts_are_all_images_once_each_in_order(splits, changes):
    for seed in range(5):
        found = parts(splits, seed, **changes)
        assert Counter(np.concatenate(found).tolist()) == Counter(range(160))
        assert all(left < right for part in found for left, right in pairwise(part.tolist()))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 5), st.floats(0.1, 0.5), st.floats(0.1, 0.5))
def test_each_part_of_a_set_without_a_split_has_its_share_of_each_class(data, seed, test, validation):
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=40, max_size=70)), dtype=np.uint8)
    assume(all((labels == label).sum() >= 12 for label in (0, 1)))
    found = parts(np.array([""] * len(labels)), seed, labels, np.arange(len(labels)),
                  validation_fraction=validation, test_fraction=test)  # fmt: skip
    for label in (0, 1):
        total = int((labels == label).sum())
        tested = round(test * total)
        held_out = round(validation * (total - tested))
        assert [counts(part, labels)[label] for part in found] == [total - tested - held_out, held_out, tested]


def test_the_publishers_test_images_are_tested_and_no_others():
    for splits in (OFFICIAL, WITH_VALIDATION):
        for seed, fixed in ((0, True), (3, False)):
            assert parts(splits, seed, fixed=fixed).test.tolist() == list(range(0, 160, 4))


def test_the_publishers_validation_images_are_kept_whatever_the_seed():
    for seed in range(3):
        found = parts(WITH_VALIDATION, seed, validation_fraction=0.5, split_seed=seed)
        assert found.validation.tolist() == list(range(1, 160, 4))


def test_of_the_publishers_training_images_a_stratified_share_is_validation():
    rest = np.flatnonzero(OFFICIAL == "train")
    found = parts(OFFICIAL)
    assert places(found.validation) < places(rest)
    assert counts(found.validation) == tuple(round(0.25 * count) for count in counts(rest))


def test_a_test_part_that_the_harness_cuts_is_the_same_for_every_seed():
    found = {places(parts(seed=seed).test) for seed in range(10)}
    assert len(found) == 1
    assert {draw.test_images(how(), LABELS, ALONE, NO_SPLIT).tobytes()} == {parts(seed=3).test.tobytes()}
    assert len({places(parts(split_seed=seed).test) for seed in range(10)}) == 10


@pytest.mark.parametrize(("splits", "changes"), [SCHEMES[place] for place in (0, 1, 3, 4)])
def test_validation_is_drawn_by_the_seed_or_fixed_by_the_split_seed(splits, changes):
    drawn = {places(parts(splits, seed, **changes).validation) for seed in range(10)}
    assert len(drawn) == 10
    fixed = {places(parts(splits, seed, fixed=True, **changes).validation) for seed in range(10)}
    assert len(fixed) == 1
    others = {places(parts(splits, 0, fixed=True, split_seed=seed, **changes).validation) for seed in range(10)}
    assert len(others) == 10


def test_fixed_by_a_number_is_what_that_seed_draws_where_the_test_images_are_given():
    # So that results of a fixed split go on for the seed that it had.
    assert places(parts(OFFICIAL, 7, fixed=True, split_seed=2).validation) == places(parts(OFFICIAL, 2).validation)


def test_the_split_seed_decides_nothing_of_a_given_test_split_that_is_not_fixed():
    assert all(
        np.array_equal(left, right)
        for left, right in zip(parts(OFFICIAL, 1, split_seed=0), parts(OFFICIAL, 1, split_seed=9), strict=True)
    )


# --- folds


@pytest.mark.parametrize("splits", [NO_SPLIT, OFFICIAL, WITH_VALIDATION])
def test_every_image_is_tested_in_one_fold_whatever_its_publisher_says(splits):
    tested = Counter()
    for fold in range(1, 6):
        found = parts(splits, folds=5, fold=fold)
        tested.update(found.test.tolist())
        assert counts(found.test) == (NEGATIVES / 5, POSITIVES / 5)
        assert counts(found.validation) == (0.25 * NEGATIVES * 4 / 5, 0.25 * POSITIVES * 4 / 5)
    assert tested == Counter(range(160))


def test_folds_are_the_same_for_every_seed_and_others_for_another_split_seed():
    assert len({places(parts(seed=seed, folds=5, fold=1).test) for seed in range(10)}) == 1
    assert len({places(parts(split_seed=seed, folds=5, fold=1).test) for seed in range(10)}) == 10


def test_validation_is_drawn_anew_in_each_fold():
    # All folds leave as many of a class, so that one order for all would choose the same places of what is left.
    chosen = set()
    for fold in range(1, 6):
        found = parts(folds=5, fold=fold)
        rest = [place for place in sorted({*found.train.tolist(), *found.validation.tolist()}) if LABELS[place] == 0]
        assert len(rest) == NEGATIVES * 4 / 5
        chosen.add(frozenset(rest.index(place) for place in found.validation.tolist() if LABELS[place] == 0))
    assert len(chosen) == 5


# --- what belongs together


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 25)), min_size=60, max_size=90), st.integers(0, 3))
def test_no_unit_is_in_two_parts(images, seed):
    labels = np.array([label for label, _ in images], dtype=np.uint8)
    units = units_of([unit for _, unit in images])
    try:
        cuts = [
            parts(np.array([""] * len(labels)), seed, labels, units),
            parts(np.array([""] * len(labels)), seed, labels, units, folds=3, fold=1),
        ]
    except DataError:  # a class in too few units
        assume(False)
    for found in cuts:
        whose = {}
        for name, part in found._asdict().items():
            for place in part:
                whose.setdefault(int(units[place]), set()).add(name)
        assert all(len(names) == 1 for names in whose.values())


# --- imbalance


@pytest.mark.parametrize(("splits", "changes"), SCHEMES)
def test_a_ratio_thins_the_training_images_alone(splits, changes):
    for seed in range(3):
        whole = parts(splits, seed, **changes)
        found = parts(splits, seed, imbalance=1.5, **changes)
        assert np.array_equal(found.validation, whole.validation)
        assert np.array_equal(found.test, whole.test)
        assert places(found.train) < places(whole.train)
        negatives, positives = counts(found.train)
        assert positives == counts(whole.train)[1]
        assert abs(negatives - 1.5 * positives) <= 0.5


def test_which_training_images_are_left_out_is_drawn_by_the_seed():
    assert len({places(parts(WITH_VALIDATION, seed, imbalance=1.5).train) for seed in range(10)}) == 10
    assert len({places(parts(WITH_VALIDATION, 1, imbalance=1.5, split_seed=seed).train) for seed in range(3)}) == 1


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 60), st.integers(0, 400), st.floats(0.05, 60))
def test_a_ratio_is_refused_where_it_leaves_too_few_of_a_class(positives, negatives, ratio):
    # By definition, not rounded: negatives or positives go until the ratio is that.
    left = (min(negatives, positives * ratio), min(positives, negatives / ratio))
    assume(all(count in (negatives, positives) or abs(count - FEWEST) > 1e-6 for count in left))
    if min(left) >= FEWEST:
        require_ratios((None, ratio), negatives, positives, "the set")
    else:
        with pytest.raises(UsageError, match=r"the set has \d+ negatives and \d+ positives to train on"):
            require_ratios((None, ratio), negatives, positives, "the set")


def test_a_refusal_names_every_ratio_and_the_possible_range():
    with pytest.raises(UsageError) as caught:
        require_ratios((None, 0.05, 10.0, 100.0, 5000.0), 727, 173, "isic")
    assert caught.value.exit_code == 2
    assert "0.05, 100, 5000 negatives per positive" in caught.value.message
    assert "from 0.058 to 72.7 (natural is 4.20)" in caught.value.fix
    require_ratios((0.058, 72.7), 727, 173, "isic")  # what it names is possible


def test_the_natural_ratio_is_never_refused():
    require_ratios((None,), 3, 1, "the set")


# --- both classes


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"validation_fraction": 0.001}, ["validation"]),
        ({"validation_fraction": 0.999}, ["training"]),
        ({"test_fraction": 0.001}, ["test"]),
        ({"test_fraction": 0.001, "validation_fraction": 0.001}, ["validation", "test"]),
        ({"test_fraction": 0.999}, ["training", "validation"]),
    ],
)
def test_a_part_without_a_class_is_refused_and_all_such_parts_are_named(changes, names):
    with pytest.raises(DataError, match="the set cannot be cut so that each part has both classes") as caught:
        parts(**changes)
    assert [fault.split()[1] for fault in caught.value.faults] == names
    for word in ("data.validation_fraction", "data.test_fraction", "--folds"):
        assert word in caught.value.fix


def test_more_folds_than_positives_are_refused():
    labels = np.array([1] * 4 + [0] * 60, dtype=np.uint8)
    told = []
    for fold in range(1, 6):
        try:
            parts(np.array([""] * 64), labels=labels, units=np.arange(64), folds=5, fold=fold)
        except DataError as error:
            told += error.faults
    assert told == ["the test part has 0 positives and 12 negatives"]


def test_a_publisher_without_test_images_is_told_so():
    splits = np.array(["train"] * 120 + ["validation"] * 40)
    with pytest.raises(DataError) as caught:
        parts(splits)
    assert caught.value.faults == ["the test part has 0 positives and 0 negatives"]
