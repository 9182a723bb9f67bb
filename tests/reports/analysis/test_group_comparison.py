import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.errors import UsageError
from harness.reports.analysis.group_comparison import compare_groups

SHORT, LONG = {"optimiser": "adam", "epochs": 1}, {"optimiser": "adam", "epochs": 10}


@pytest.fixture
def two(make, join):
    """Two groups of three seeds, equal but for their schedule unless shifted."""

    def joined(seeds=(0, 1, 2), shift=0, **facts):
        first = make(seeds=seeds, group="aa", schedule=SHORT)
        return join(first, make(seeds=seeds, group="bb", shift=shift, **{"schedule": LONG} | facts))

    return joined


def test_the_same_networks_are_equivalent_and_the_label_says_what_differs(two):
    found = compare_groups(two(), "a", "b")
    assert found.differ == {"epochs": (1, 10)}
    assert {(row.entry, row.density) for row in found.rows} == {("dense", 1.0), ("lt", 0.5), ("snip", 0.5)}
    assert {row.answer for row in found.rows} == {"equivalent"}


def test_a_difference_is_that_of_the_mean_aucs_with_two_one_sided_tests(two):
    results = two(shift=5)
    found = compare_groups(results, "aa", "bb", margin=0.001)
    row = next(row for row in found.rows if row.entry == "snip")
    means = []
    for group in ("aa", "bb"):
        runs = [f"{group}-snip-{seed}" for seed in (0, 1, 2)]
        frames = [results.scores[results.scores["run_id"] == run] for run in runs]
        frames = [frame[frame["split"] == "test"] for frame in frames]
        means.append(np.mean([roc_auc_score(frame["label"], frame["score"]) for frame in frames]))
    assert (row.first, row.second) == pytest.approx(means)
    assert row.difference.value == pytest.approx(means[1] - means[0])
    assert row.answer == "not told apart"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"network": "other"}, "network: tiny and other"),
        ({"size": 64}, "size: 32 and 64"),
        ({"schedule": SHORT}, "are the same"),
    ],
)
def test_what_differs_in_more_than_the_schedule_or_in_nothing_is_refused(two, facts, message):
    with pytest.raises(UsageError, match=message):
        compare_groups(two(**facts), "aa", "bb")


@pytest.mark.parametrize("name", ["c", ""])
def test_a_name_of_no_group_is_refused_with_those_that_there_are(two, name):
    with pytest.raises(UsageError, match="names no group") as error:
        compare_groups(two(), "aa", name)
    assert "aa, bb" in error.value.fix


def test_two_networks_are_an_anecdote(two):
    assert {row.answer for row in compare_groups(two(seeds=(0, 1)), "aa", "bb").rows} == {"anecdote"}


def test_a_missing_network_has_no_verdict(two, join, make):
    results = join(two(), make(seeds=(3,), group="bb", entries=("lt",), schedule=LONG))
    rows = {row.entry: row for row in compare_groups(results, "aa", "bb").rows}
    assert (rows["snip"].answer, rows["snip"].problem) == ("no verdict", "not run in seed 3")
    assert rows["lt"].problem == "not run in seed 3"  # of the first group
