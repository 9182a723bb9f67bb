"""What a trial's record says of its levels, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.trial_record import LevelResult, TrialRecord


def level(auc=0.5, fnr=0.5, fpr=0.5, status="done", **facts):
    figures = {"auc": auc, "fnr": fnr, "fpr": fpr} if status == "done" else {"reason": "it broke"}
    return LevelResult(density=0.5, status=status, **figures, **facts)


def trial(*levels, **facts):
    usual = {"number": 4, "state": "complete", "value": 0.5, "feasible": True, "parameters": {"rate": 0.25}}
    costs = {"steps": 3, "seconds": 2.0, "computed_seconds": 1.0, "reason": ""}
    return TrialRecord(levels=levels, **{**usual, **costs, **facts})


BROKEN = level(status="failed")


def test_the_validation_auc_is_the_mean_where_every_level_gave_a_network():
    assert trial(level(auc=0.5), level(auc=0.75)).validation_auc == 0.625
    assert trial(level(auc=0.5), BROKEN).validation_auc is None
    assert trial().validation_auc is None
    assert trial(level(auc=0.0)).validation_auc == 0.0


def test_a_level_without_a_network_counts_as_an_fpr_of_one():
    assert trial(level(fpr=0.25), BROKEN).mean_fpr == 0.625
    assert trial(level(fpr=0.25)).mean_fpr == 0.25


def test_a_collapsed_level_misses_all_and_alarms_at_all():
    assert level(fnr=0.0, fpr=0.0, collapsed=True).errors == (1.0, 1.0)
    assert BROKEN.errors == (1.0, 1.0)
    assert level(fnr=0.125, fpr=0.25).errors == (0.125, 0.25)


@pytest.mark.parametrize(
    ("levels", "some", "every"),
    [([level()] * 2, True, True), ([level(), BROKEN], True, False), ([BROKEN], False, False)],
)
def test_networks_are_those_of_levels_that_are_done(levels, some, every):
    assert (trial(*levels).has_network, trial(*levels).whole) == (some, every)


def test_a_trial_is_written_with_its_levels_and_what_it_cost():
    assert trial(BROKEN).to_json() == {
        "number": 4,
        "state": "complete",
        "value": 0.5,
        "feasible": True,
        "parameters": {"rate": 0.25},
        "levels": [
            {
                "density": 0.5,
                "status": "failed",
                "collapsed": False,
                "auc": None,
                "fnr": None,
                "fpr": None,
                "reason": "it broke",
            }
        ],
        "steps": 3,
        "seconds": 2.0,
        "computed_seconds": 1.0,
        "reason": "",
        "counted": True,
    }


@given(st.lists(st.sampled_from([level(), BROKEN, level(collapsed=True)])), st.booleans(), st.none() | st.booleans())
def test_what_is_written_is_read_back(levels, counted, feasible):
    one = trial(*levels, counted=counted, feasible=feasible)
    assert TrialRecord.from_json(one.to_json()) == one


def test_a_level_of_which_little_is_written_is_read():
    assert LevelResult.from_json({"density": 0.5, "status": "diverged"}) == LevelResult(density=0.5, status="diverged")
