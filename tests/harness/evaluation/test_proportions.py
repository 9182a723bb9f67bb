import pytest
from scipy import stats

from harness.evaluation.proportions import clopper_pearson


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
