import math

import numpy as np
import pytest

from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.reliability import reliability


def test_bins_are_tenths_of_all_answers_by_their_probability(bench):
    generator = np.random.default_rng(1)
    labels = np.r_[np.ones(30, dtype=int), np.zeros(40, dtype=int)]
    pairs = []
    for seed in (0, 1):
        scores = generator.normal(size=70) + labels
        bench.done("lt", seed, 0.5, scores)
        pairs += [(1 / (1 + math.exp(-score)), label) for score, label in zip(scores, labels, strict=True)]
    found = reliability(read_outcomes(bench.results()))
    pairs.sort()
    assert [one.images for one in found] == [14] * 10
    for place, one in enumerate(found):
        own = pairs[14 * place : 14 * place + 14]
        assert one.predicted == pytest.approx(sum(probability for probability, _ in own) / 14)
        assert one.observed == pytest.approx(sum(label for _, label in own) / 14)


def test_without_answers_there_are_no_bins_and_with_few_there_are_few(bench):
    assert reliability([]) == ()
    labels = np.array([1, 0, 1])
    bench.done("lt", 0, 0.5, np.array([2.0, -1.0, 0.5]), labels=labels)
    found = reliability(read_outcomes(bench.results()))
    assert [(one.images, one.observed) for one in found] == [(1, 0.0), (1, 1.0), (1, 1.0)]
