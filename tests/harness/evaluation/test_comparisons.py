"""All pairs of a family: Holm's steps, an order that never says more than they do, and what could be told apart."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from harness.evaluation.auc import aucs
from harness.evaluation.comparisons import Level, Order, compared, holm, pair_contrast, resolution


def test_holm_rejects_what_the_step_down_procedure_rejects():
    generator = np.random.default_rng(4)
    for _ in range(200):
        p_values = list(generator.random(generator.integers(1, 8)) ** 3)
        rejected = set()
        for step, index in enumerate(np.argsort(p_values)):
            if p_values[index] > 0.05 / (len(p_values) - step):
                break
            rejected.add(int(index))
        assert {i for i, adjusted in enumerate(holm(p_values)) if adjusted <= 0.05} == rejected
    assert holm([]) == []


def test_holm_of_an_example_in_textbooks():
    """p = .01, .04, .03, .005: the first and the fourth are rejected, the second is not, though .04 < .05."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def order(*shown, entries="ABCDE"):
    return Order(tuple(entries), tuple(range(len(entries), 0, -1)), frozenset(shown))


def test_letters_are_shared_by_those_not_told_apart():
    found = order((0, 3), (0, 4), (1, 4))  # A over D and E, B over E
    assert found.ties == (("A", "B", "C"), ("B", "C", "D"), ("C", "D", "E"))
    assert [found.letters(entry) for entry in "ABCDE"] == ["a", "ab", "abc", "bc", "c"]
    assert [found.rank(entry) for entry in "ABCDE"] == [1, 1, 1, 2, 3]


def test_equals_share_one_letter_and_all_are_first():
    found = order()
    assert found.ties == (tuple("ABCDE"),)
    assert {found.letters(entry) for entry in "ABCDE"} == {"a"}
    assert {found.rank(entry) for entry in "ABCDE"} == {1}


def test_all_told_apart_have_letters_of_their_own():
    found = order(*itertools.combinations(range(5), 2))
    assert [found.letters(entry) for entry in "ABCDE"] == list("abcde")
    assert [found.rank(entry) for entry in "ABCDE"] == [1, 2, 3, 4, 5]


def test_after_z_letters_are_numbered():
    names = tuple(map(str, range(30)))
    found = order(*itertools.combinations(range(30), 2), entries=names)
    letters = [found.letters(entry) for entry in names]
    assert letters[:2] + letters[25:28] == ["a", "b", "z", "a1", "b1"]
    assert len(set(letters)) == 30


def level(number, entries=6, networks=3, gap=0.4):
    """Entries in random order, some steady and some not, on images that they share."""
    generator = np.random.default_rng(number)
    labels = np.r_[np.ones(60), np.zeros(80)].astype(int)
    seeds = 0.1 * generator.normal(size=(entries, networks, 1))
    distances = gap * generator.permutation(entries)[:, None, None] + seeds
    own = generator.uniform(0.2, 1.5, size=(entries, 1, 1)) * generator.normal(size=(entries, networks, labels.size))
    noise = generator.normal(size=labels.size) + own
    return Level(tuple(f"entry {k}" for k in range(entries)), (aucs(labels, distances * labels + noise),))


def rejected_pairs(levels, orders):
    """The places of the pairs that Holm rejects in the whole family, for each level."""
    places = [
        [(k, *pair) for pair in itertools.combinations(range(len(one.entries)), 2)] for k, one in enumerate(levels)
    ]
    flat = [place for level_places in places for place in level_places]
    p_values = []
    for k, first, second in flat:
        own = [levels[k].entries.index(name) for name in orders[k].entries]
        p_values.append(pair_contrast(levels[k], own[first], own[second]).p_value)
    kept = {place for place, adjusted in zip(flat, holm(p_values), strict=True) if adjusted <= 0.05}
    return [{(i, j) for one, i, j in kept if one == k} for k in range(len(levels))]


FAMILIES = [[level(3 * k + j) for j in range(1 + k % 3)] for k in range(12)]


@pytest.mark.parametrize("levels", FAMILIES, ids=range(12))
def test_told_apart_is_what_holm_rejects_with_all_pairs_around_it(levels):
    orders = compared(levels)
    for one, found, rejected in zip(levels, orders, rejected_pairs(levels, orders), strict=True):
        places = range(len(one.entries))
        expected = {
            (i, j)
            for i, j in itertools.combinations(places, 2)
            if all((a, b) in rejected for a in places if a <= i for b in places if b >= j)
        }
        assert found.shown == expected
        assert expected <= rejected


def test_the_families_hold_pairs_that_are_rejected_and_yet_not_told_apart():
    lost = [
        len(rejected) - len(found.shown)
        for levels in FAMILIES
        for found, rejected in zip(compared(levels), rejected_pairs(levels, compared(levels)), strict=True)
    ]
    assert any(lost)
    assert not all(lost)


@pytest.mark.parametrize("levels", FAMILIES, ids=range(12))
def test_ranks_and_letters_say_exactly_what_is_shown(levels):
    for one, found in zip(levels, compared(levels), strict=True):
        assert list(found.means) == sorted(one.means, reverse=True)
        assert sorted(found.entries) == sorted(one.entries)
        assert [one.means[one.entries.index(name)] for name in found.entries] == list(found.means)
        ranks = [found.rank(entry) for entry in found.entries]
        assert ranks == sorted(ranks)
        assert ranks[0] == 1
        for (i, first), (j, second) in itertools.combinations(enumerate(found.entries), 2):
            shares = bool(set(found.letters(first)) & set(found.letters(second)))
            assert shares == ((i, j) not in found.shown)
            assert ((i, j) not in found.shown) or found.rank(first) < found.rank(second)


def test_a_larger_family_says_less():
    more = [level(number, gap=0.0) for number in range(40, 48)]
    pairs = [(compared([one])[0].shown, compared([one, *more])[0].shown) for one in map(level, range(8))]
    assert all(among <= alone for alone, among in pairs)
    assert any(among < alone for alone, among in pairs)


def test_families_of_one_entry_or_none():
    assert compared([]) == []
    single = compared([level(0, entries=1)])[0]
    assert (single.ties, single.rank("entry 0"), single.letters("entry 0")) == ((("entry 0",),), 1, "a")
    assert resolution([level(0, entries=1)]) is None
    assert resolution([]) is None


def test_identical_entries_tie_and_an_unknown_noise_tells_nothing_apart():
    labels = np.array([1] * 20 + [0] * 20)
    scores = np.random.default_rng(0).normal(size=(1, 3, 40)) + 3 * labels
    same = Level(("A", "B"), (aucs(labels, np.repeat(scores, 2, axis=0)),))
    assert compared([same])[0].shown == frozenset()
    assert resolution([same]) is None
    single = np.array([1] + [0] * 20)
    unknown = Level(("A", "B"), (aucs(single, np.stack([np.tile(single, (3, 1)), np.tile(-single, (3, 1))]) * 1.0),))
    assert compared([unknown])[0].shown == frozenset()


def test_folds_are_averaged_whatever_their_size():
    first, second = level(1), level(2)
    both = Level(first.entries, (first.parts[0], second.parts[0]))
    assert both.means == pytest.approx((np.array(first.means) + second.means) / 2)
    assert pair_contrast(both, 0, 1).value == pytest.approx(both.means[0] - both.means[1])


def test_what_can_be_told_apart_is_holms_first_step_by_the_familys_own_noise():
    levels = [level(number, entries=4) for number in (1, 2)]
    found = [pair_contrast(one, i, j) for one in levels for i, j in itertools.combinations(range(4), 2)]
    quantile = stats.t.ppf(1 - 0.05 / (2 * 12), np.median([one.freedom for one in found]))
    expected = (quantile + stats.norm.ppf(0.8)) * np.median([one.error for one in found])
    assert resolution(levels) == pytest.approx(expected, rel=1e-4)


def test_a_gap_of_that_size_is_told_apart_more_often_than_not(binormal):
    generator, draws = np.random.default_rng(0), 150

    def of(world):
        return Level(("A", "B", "C", "D"), (aucs(*world.draw(generator)),))

    gap = np.median([resolution([of(binormal.World((0.0,) * 4, 5))]) for _ in range(40)])

    def missing(loss):
        better, worse = binormal.World((0.0, loss), 5).aucs()
        return better - worse - gap

    world = binormal.World((0.0, *(optimize.brentq(missing, 0.0, 0.5),) * 3), 5)
    levels = [of(world) for _ in range(draws)]
    told = np.mean([pair_contrast(one, 0, 1).p_value <= 0.05 / 6 for one in levels])
    assert 0.6 <= told <= 0.9
