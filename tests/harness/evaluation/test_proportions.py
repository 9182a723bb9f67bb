import itertools
import math

import numpy as np
import pytest
from scipy import optimize, stats

from harness.evaluation.auc import auc_interval, compare_aucs, delong, mean_auc
from harness.evaluation.comparisons import holm, not_distinguished
from harness.evaluation.proportions import clopper_pearson, paired_upper_bound
from harness.evaluation.safe_compression import safe_compression


def draw(generator, positives, negatives, separations, noise=0.5):
    """Scores (K, N) of K networks that share part of their noise, and labels (N,)."""
    labels = np.r_[np.ones(positives), np.zeros(negatives)].astype(int)
    shared = generator.normal(size=labels.size)
    own = generator.normal(size=(len(separations), labels.size))
    shift = np.asarray(separations)[:, None] * labels
    return labels, shift + math.sqrt(1 - noise) * shared + math.sqrt(noise) * own


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


def test_delong_equals_the_double_loop():
    generator = np.random.default_rng(0)
    labels, scores = draw(generator, 9, 14, [0.0, 1.0, 2.0])
    scores = np.round(scores * 2) / 2  # ties
    networks, positives, negatives = len(scores), scores[:, labels == 1], scores[:, labels == 0]
    wins = np.zeros((networks, 9, 14))
    for network, i, j in itertools.product(range(networks), range(9), range(14)):
        a, b = positives[network, i], negatives[network, j]
        wins[network, i, j] = 1.0 if a > b else 0.5 if a == b else 0.0
    by_positive, by_negative = wins.mean(axis=2), wins.mean(axis=1)
    expected = np.cov(by_positive) / 9 + np.cov(by_negative) / 14
    aucs, covariance = delong(labels, scores)
    assert aucs == pytest.approx(wins.mean(axis=(1, 2)), abs=1e-12)
    assert covariance == pytest.approx(expected, abs=1e-12)


def test_delong_of_constant_scores_is_one_half_without_variance():
    aucs, covariance = delong(np.array([0, 0, 1, 1]), np.full((2, 4), 3.0))
    assert list(aucs) == [0.5, 0.5]
    assert covariance == pytest.approx(np.zeros((2, 2)), abs=0)


def test_auc_interval_covers_the_true_auc():
    generator, truth, inside, draws = np.random.default_rng(3), 0.9, 0, 800
    separation = math.sqrt(2) * stats.norm.ppf(truth)
    for _ in range(draws):
        labels, scores = draw(generator, 75, 150, [separation])
        low, high = auc_interval(*mean_auc(labels, scores))
        inside += low <= truth <= high
    assert 0.93 <= inside / draws <= 0.98


def test_auc_interval_stays_sane_at_the_edges():
    assert auc_interval(0.5, 0.0) == (0.5, 0.5)
    assert auc_interval(1.0, 0.0) == (0.0, 1.0)
    assert auc_interval(0.8, math.nan) == (0.0, 1.0)
    assert auc_interval(1.0, 0.0, disjoint_pairs=75) == (pytest.approx(0.025 ** (1 / 75)), 1.0)
    assert auc_interval(0.0, 0.0, disjoint_pairs=75) == (0.0, pytest.approx(1 - 0.025 ** (1 / 75)))
    low, high = auc_interval(0.999, 0.01)
    assert 0 < low < 0.999 < high <= 1


def test_one_image_of_a_class_leaves_everything_open():
    labels, scores = np.array([1, 0, 0]), np.array([[2.0, 1.0, 3.0]])
    assert auc_interval(*mean_auc(labels, scores)) == (0.0, 1.0)
    assert compare_aucs(labels, scores, -scores) == 1.0


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


def test_safe_compression_stops_before_the_first_level_that_fails():
    levels = [(0.25, 2, 1), (1.0, 0, 0), (0.5, 1, 1), (0.125, 20, 1), (0.0625, 0, 0)]
    result = safe_compression(levels, 75)
    assert (result.verdict, result.density, str(result)) == ("density", 0.25, "25 %")
    assert [density for density, _ in result.bounds] == [1.0, 0.5, 0.25, 0.125]
    assert all(bound < 0.1 for _, bound in result.bounds[:-1])
    assert result.bounds[-1][1] >= 0.1


def test_safe_compression_fails_a_bound_just_above_delta():
    assert 0.1 < paired_upper_bound(6, 2, 75) < 0.15
    assert safe_compression([(0.5, 2, 2), (0.25, 6, 2)], 75).density == 0.5
    assert safe_compression([(0.5, 2, 2), (0.25, 6, 2)], 75, delta=0.15).density == 0.25


def test_safe_compression_says_none_and_not_decidable():
    assert str(safe_compression([(0.5, 30, 0)], 75)) == "none"
    assert str(safe_compression([], 75)) == "none"
    assert str(safe_compression([(0.5, 0, 0)], 24)) == "not decidable with 24 positives"
    assert safe_compression([(0.5, 0, 0)], 25).density == 0.5
    assert safe_compression([(0.5, 0, 0)], 0).verdict == "not decidable"


def test_comparing_equals_rarely_finds_a_difference():
    generator, draws = np.random.default_rng(6), 400
    for seeds in (1, 2, 3):
        found = 0
        for _ in range(draws):
            labels, scores = draw(generator, 40, 80, [1.0] * 2 * seeds)
            found += compare_aucs(labels, scores[:seeds], scores[seeds:]) <= 0.05
        assert found / draws <= 0.075
        assert seeds > 1 or found / draws >= 0.02  # one seed: DeLong's own test, neither lax nor idle


def test_comparing_counts_the_seed_spread():
    # Seeds that scatter around one mean: over the images alone they would differ by far.
    generator, found = np.random.default_rng(7), 0
    for _ in range(200):
        labels, scores = draw(generator, 400, 400, 1 + 0.5 * generator.normal(size=8), noise=0.2)
        found += compare_aucs(labels, scores[:4], scores[4:]) <= 0.05
    assert found / 200 <= 0.09


def test_comparing_finds_a_large_difference_and_none_in_equal_scores():
    labels, scores = draw(np.random.default_rng(8), 75, 304, [2.5, 2.4, 0.3, 0.2])
    assert compare_aucs(labels, scores[:2], scores[2:]) < 0.01
    assert compare_aucs(labels, scores[:2], scores[:2]) == 1.0
    assert compare_aucs(labels, scores[:2], scores[2:]) == pytest.approx(compare_aucs(labels, scores[2:], scores[:2]))
    with pytest.raises(ValueError, match="paired"):
        compare_aucs(labels, scores[:2], scores[2:3])


def test_comparison_over_seeds_adds_both_variances():
    seeds = 4
    labels, scores = draw(np.random.default_rng(11), 60, 90, [1.4, 1.2, 1.3, 1.0, 0.9, 1.1, 1.2, 0.8])
    aucs, covariance = delong(labels, scores)
    first, second = range(seeds), range(seeds, 2 * seeds)
    within = sum(covariance[i, j] for own in (first, second) for i in own for j in own)
    between = sum(covariance[i, j] for i in first for j in second)
    images = (within - 2 * between) / seeds**2
    training = stats.sem(aucs[:seeds] - aucs[seeds:]) ** 2
    freedom = (images + training) ** 2 / (training**2 / (seeds - 1))
    t = abs(aucs[:seeds].mean() - aucs[seeds:].mean()) / math.sqrt(images + training)
    assert 0.001 < compare_aucs(labels, scores[:seeds], scores[seeds:]) < 0.5
    assert compare_aucs(labels, scores[:seeds], scores[seeds:]) == pytest.approx(2 * stats.t.sf(t, freedom))


def test_one_seed_comparison_is_delongs_test():
    labels, scores = draw(np.random.default_rng(9), 30, 60, [1.2, 0.8])
    aucs, covariance = delong(labels, scores)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    expected = 2 * stats.norm.sf(abs(aucs[0] - aucs[1]) / math.sqrt(variance))
    assert compare_aucs(labels, scores[0], scores[1]) == pytest.approx(expected, abs=1e-9)


def test_those_not_distinguished_from_the_best():
    labels, scores = draw(np.random.default_rng(10), 75, 304, [2.0, 2.0, 2.02, 2.02, 0.2, 0.2])
    entries = {"random": scores[4:], "lt": scores[:2], "snip": scores[2:4]}
    found = not_distinguished(labels, entries)
    assert set(found) == {"lt", "snip"}
    best = max(entries, key=lambda name: delong(labels, entries[name])[0].mean())
    assert found[0] == best
    assert not_distinguished(labels, {}) == []
