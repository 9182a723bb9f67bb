"""Average ranks over blocks, against the worked example of Demsar (2006) and against enumeration."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom, rankdata
from scipy.stats import f as f_distribution

from harness.evaluation.across import bootstrap_interval, compare_across, complete, critical_difference, friedman

ENTRIES = ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]
# Table 6: AUC on 14 data sets. The last figure but one of the 13th is printed as the last one and ranked before it.
DEMSAR = [
    *((0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967)),
    *((0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931)),
    *((0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875)),
    *((1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669)),
    *((0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970)),
]


def blocks_of(rows, entries=ENTRIES):
    return [dict(zip(entries, row, strict=False)) for row in rows]


def test_the_published_example():
    found = compare_across(blocks_of(DEMSAR))
    assert [(one.entry, round(one.rank, 3)) for one in found.placings] == [
        ("C4.5+m+cf", 1.964),
        ("C4.5+m", 2.000),
        ("C4.5+cf", 2.893),
        ("C4.5", 3.143),
    ]
    assert round(found.friedman.chi2, 2) == 9.28
    assert round(found.friedman.f, 2) == 3.69
    assert round(found.critical_difference, 2) == 1.25
    assert found.friedman.p < 0.05  # "we reject the null-hypothesis"
    # No two differ by 1.25: the paper tells none apart at 5 %.
    assert found.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)


@pytest.mark.parametrize(("entries", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (7, 2.949), (10, 3.164)])
def test_the_critical_values_of_the_published_table(entries, quantile):
    """Table 5(a): q over sqrt 2."""
    scale = math.sqrt(entries * (entries + 1) / (6 * 20))
    assert round(critical_difference(20, entries) / scale, 3) == pytest.approx(quantile, abs=0.0011)


def test_the_p_value_is_near_that_of_iman_and_davenport_where_blocks_are_many():
    scores = np.random.default_rng(4).normal(size=(20, 4)) + np.array([0.0, 0.3, 0.6, 0.6])
    found = friedman(rankdata(-scores, axis=1))
    assert 0.005 < found.p < 0.3
    assert found.p == pytest.approx(f_distribution.sf(found.f, 3, 57), abs=0.01)


def test_the_p_value_of_three_blocks_is_the_share_of_all_orders():
    agreed = np.array([[1.0, 2.0, 3.0]] * 3)
    found = friedman(agreed)
    orders = list(itertools.product(itertools.permutations((1, 2, 3)), repeat=3))
    as_far = [rows for rows in orders if len(set(rows)) == 1]
    assert found.f == math.inf
    assert found.p == pytest.approx(len(as_far) / len(orders), abs=0.006)


def test_the_interval_is_that_of_all_resamples_of_the_blocks():
    ranks = np.array([[1.0, 2.5, 4.0, 2.5], [2.0, 1.0, 3.0, 4.0], [1.0, 4.0, 2.0, 3.0], [4.0, 3.0, 2.0, 1.0]])
    low, high = bootstrap_interval(ranks)
    means = np.array([ranks[list(chosen)].mean(axis=0) for chosen in itertools.product(range(4), repeat=4)])
    assert low == pytest.approx(np.quantile(means, 0.025, axis=0), abs=0.26)
    assert high == pytest.approx(np.quantile(means, 0.975, axis=0), abs=0.26)
    same = bootstrap_interval(np.array([[1.0, 2.0, 3.0]] * 5))
    assert [list(one) for one in same] == [[1, 2, 3]] * 2


def test_what_all_blocks_agree_on_is_told_apart_and_the_groups_keep_the_order():
    rows = [(0.9, 0.8, 0.7, 0.6, 0.5)] * 6 + [(0.8, 0.9, 0.7, 0.5, 0.6)] * 6
    found = compare_across(blocks_of(rows, "abcde"))
    assert [one.entry for one in found.placings] == list("abcde")
    assert found.groups == (("a", "b", "c"), ("c", "d", "e"))
    means = {one.entry: one.rank for one in found.placings}
    for first, second in itertools.combinations("abcde", 2):
        together = any({first, second} <= set(group) for group in found.groups)
        assert together == (abs(means[first] - means[second]) < found.critical_difference)


def test_equal_entries_are_one_group_and_share_their_rank():
    found = compare_across(blocks_of([(0.7, 0.7, 0.7)] * 4, "abc"))
    assert [one.rank for one in found.placings] == [2.0, 2.0, 2.0]
    assert found.friedman.p == 1.0
    assert found.groups == (("a", "b", "c"),)


def test_equal_entries_are_seldom_told_apart():
    """Family-wise: the lower 99 % bound of the rate is at most 5 %."""
    generator, names = np.random.default_rng(3), "abcdef"
    found = [compare_across(blocks_of(generator.normal(size=(4, 6)), names)) for _ in range(100)]
    apart = [one for one in found if len(one.groups) != 1 or len(one.groups[0]) != 6]
    assert len(apart) <= binom.ppf(0.99, 100, 0.05)
    assert all(one.friedman.p < 0.05 for one in apart)


def test_entries_that_a_block_lacks_take_no_part():
    blocks = [*blocks_of(DEMSAR), {"C4.5": 0.6, "C4.5+m": 0.7, "C4.5+cf": 0.5}]
    assert complete(blocks) == ENTRIES[:3]
    assert {one.entry for one in compare_across(blocks).placings} == set(ENTRIES[:3])
    without = compare_across([{entry: block[entry] for entry in ENTRIES[:3]} for block in blocks])
    assert compare_across(blocks) == without


@pytest.mark.parametrize("blocks", [[], blocks_of(DEMSAR[:2]), [{"a": 1.0, "b": 0.5}] * 5])
def test_too_few_blocks_or_entries_say_nothing(blocks):
    assert compare_across(blocks) is None
