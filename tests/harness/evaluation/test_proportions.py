import math

import numpy as np
import pytest
from scipy import optimize, stats

from harness.evaluation.proportions import clopper_pearson, paired_upper_bound


@pytest.mark.parametrize(("k", "n"), [(0, 75), (5, 75), (15, 75), (75, 75), (1, 1), (0, 1), (304, 304)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_clopper_pearson_equals_scipy(k, n, level):
    expected = stats.binomtest(k, n).proportion_ci(level, method="exact")
    assert clopper_pearson(k, n, level) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_clopper_pearson_of_a_mean_count_lies_between_its_neighbours():
    (low, high), lower, upper = clopper_pearson(4.5, 75), clopper_pearson(4, 75), clopper_pearson(5, 75)
    assert lower[0] < low < upper[0]
    assert lower[1] < high < upper[1]


@pytest.mark.parametrize("truth", [0.02, 0.05, 0.1, 0.2, 0.5])
def test_clopper_pearson_covers_at_least_its_level(truth):
    intervals = [clopper_pearson(k, 75) for k in range(76)]
    coverage = sum(stats.binom.pmf(k, 75, truth) for k, (low, high) in enumerate(intervals) if low <= truth <= high)
    assert coverage >= 0.95


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_clopper_pearson_refuses_what_is_no_proportion(k, n):
    with pytest.raises(ValueError, match="proportion"):
        clopper_pearson(k, n)


def brute_force_bound(b, c, n, level):
    """Invert the score test on a grid; the nuisance by maximising the likelihood numerically."""

    def statistic(difference):
        def loss(only_dense):
            cells = [only_dense + difference, only_dense, 1 - difference - 2 * only_dense]
            return -sum(
                count * math.log(max(cell, 1e-300)) for count, cell in zip([b, c, n - b - c], cells, strict=True)
            )

        limits = max(0.0, -difference), (1 - difference) / 2
        likeliest = optimize.minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-10}).x
        variance = n * (2 * likeliest + difference - difference**2)
        return (b - c - n * difference) / math.sqrt(variance)

    grid = np.arange((b - c) / n + 1e-4, 1 - 1e-4, 1e-3)
    return max(x for x in grid if statistic(x) >= -stats.norm.ppf(level))


@pytest.mark.parametrize(
    ("b", "c", "n"),
    [(0, 0, 75), (5, 0, 75), (6, 2, 75), (2, 6, 75), (0, 5, 30), (4.5, 1.5, 75), (12, 12, 40)],
)
def test_paired_bound_equals_brute_force_inversion(b, c, n):
    assert paired_upper_bound(b, c, n) == pytest.approx(brute_force_bound(b, c, n, 0.95), abs=1.1e-3)


def test_paired_bound_without_any_change_is_the_score_bound_of_zero():
    z = stats.norm.ppf(0.95)
    assert paired_upper_bound(0, 0, 75) == pytest.approx(z**2 / (75 + z**2), abs=1e-9)


def test_paired_bound_at_the_extremes():
    assert paired_upper_bound(40, 0, 40) == pytest.approx(1.0, abs=1e-9)
    assert paired_upper_bound(0, 40, 40) < -0.8
    with pytest.raises(ValueError, match="cannot be"):
        paired_upper_bound(30, 20, 40)


@pytest.mark.parametrize(("only_pruned", "only_dense"), [(0.12, 0.02), (0.2, 0.1), (0.3, 0.05)])
def test_paired_bound_covers_the_true_difference(only_pruned, only_dense):
    generator, draws = np.random.default_rng(5), 800
    counts = generator.multinomial(75, [only_pruned, only_dense, 1 - only_pruned - only_dense], size=draws)
    covered = sum(paired_upper_bound(b, c, 75) >= only_pruned - only_dense for b, c, _ in counts.tolist())
    assert 0.925 <= covered / draws <= 0.98
