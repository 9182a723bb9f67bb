"""The errors that would be estimated, against exact distributions and drawn tables."""

import math

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from harness.power.binormal import expected_auc
from harness.power.precision import larger, of_difference, pooled
from harness.power.study import Assumptions, Study


@pytest.mark.parametrize(("folds", "entries"), [(2, 2), (5, 2), (5, 6), (20, 50)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_with_folds_power_is_that_of_the_noncentral_t(folds, entries, alpha):
    study = Study(positives=300, negatives=900, seeds=2, folds=folds, entries=entries)
    precision = pooled(study, of_difference(study, Assumptions(), expected_auc(0.80)), entries)
    freedom, error = (entries - 1) * (folds - 1), math.sqrt(precision.variance)
    for times in (0.0, 1.0, 3.0):
        exact = nct.sf(student.isf(alpha, freedom), freedom, times) if times else alpha
        assert precision.power(times * error, alpha) == pytest.approx(exact, abs=3e-4)
    assert precision.power(precision.shown(alpha), alpha) == pytest.approx(0.8, abs=1e-6)


def test_the_larger_of_two_variances_is_larger_and_has_its_own_freedom():
    study = Study(positives=300, negatives=900, seeds=2, folds=5, entries=4)
    noise = of_difference(study, Assumptions(), expected_auc(0.80))
    found, generator = larger(study, noise, 4), np.random.default_rng(5)
    tables = generator.normal(size=(20_000, 4, 5))
    left = tables - tables.mean(axis=1, keepdims=True) - tables.mean(axis=2, keepdims=True)
    left += tables.mean(axis=(1, 2), keepdims=True)
    together, own = (left**2).sum(axis=(1, 2)) / 12, (tables[:, 1] - tables[:, 0]).var(axis=1, ddof=1) / 2
    assert np.mean(found.errors**2) / found.variance == pytest.approx(np.maximum(together, own).mean(), rel=0.02)
    assert np.mean(found.freedom == 4) == pytest.approx(np.mean(own > together), abs=0.02)
