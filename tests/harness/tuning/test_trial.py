"""A trial's level against sums by hand."""

from types import SimpleNamespace

import pytest

from harness.tuning.trial import level_result


def cell(status="done", fn=1, fp=10, auc=0.8, collapsed=0.0, reason=""):
    metrics = {"validation/auc": auc, "validation/fn/sens95": fn, "validation/fp/sens95": fp}
    metrics |= {"validation/p": 20.0, "validation/n": 40.0, "flag/collapsed": collapsed}
    return SimpleNamespace(status=status, density=0.25, metrics=metrics if status == "done" else {}, reason=reason)


def test_a_level_is_the_mean_over_the_tuning_seeds():
    level = level_result([cell(auc=0.8, fn=1, fp=10), cell(auc=0.6, fn=3, fp=30)])
    assert (level.density, level.status, level.collapsed) == (0.25, "done", False)
    assert level.auc == pytest.approx(0.7)
    assert level.fnr == pytest.approx((1 / 20 + 3 / 20) / 2)
    assert level.fpr == pytest.approx((10 / 40 + 30 / 40) / 2)


def test_one_seed_without_a_network_leaves_the_level_without_figures():
    level = level_result([cell(), cell("diverged", reason="training diverged after 3 steps"), cell("failed")])
    assert (level.status, level.reason) == ("diverged", "training diverged after 3 steps")
    assert (level.auc, level.fnr, level.fpr) == (None, None, None)


def test_one_collapsed_seed_marks_the_level():
    assert level_result([cell(), cell(collapsed=1.0)]).collapsed
