import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.provenance import LABELS, _images, caveats, provenance

pytestmark = pytest.mark.usefixtures("uncounted")


def told(results):
    (board,) = leaderboard(results)
    return dict(provenance(board))


def test_known_facts_come_first_in_their_order_and_others_under_their_own_name(make):
    found = list(told(make(odd={"a": [1, 2], "b": None})))
    known = [label for label in LABELS.values() if label in found]
    assert found == [*known, "odd"]


def test_facts_are_written_out(make):
    found = told(make(odd={"a": [1, 2], "b": None}, simulated=True, partial={"train": {"found": 2, "expected": 3}}))
    assert found["odd"] == "a 1, 2, b no"
    assert found["Simulated"] == "yes"
    assert found["Missing images"] == "train: 2 of 3 found"
    assert found["Images"] == "train: 90 malignant, 200 others; test: 30 malignant, 40 others"
    assert found["Training schedule"] == "optimiser adam, lr 0.001"
    assert told(make())["Missing images"] == "none"


def test_what_is_said_elsewhere_or_not_so_is_left_out(make):
    assert not {"void", "positive", "classes", "Stands in for"} & set(told(make()))
    assert told(make(fallback_for="isic"))["Stands in for"] == "isic"


def test_folds_are_told_as_one_measurement(trial):
    found = told(trial(folds=2).entry("dense", 1.0, 12).results(verdict={"fpr": 0.2, "delta": 0.05}))
    assert found["Images"] == "tested in all: 240 malignant, 300 others; test of a fold: 120 malignant, 150 others"
    assert (found["Folds that are tested"], found["Folds"]) == ("1, 2", "2")
    assert found["Group (comparable results)"] == "fold1, fold2"
    assert found["Family (groups that differ by their fold alone)"] == "family"
    assert found["Entries ever scored on these test images"] == "2"
    assert found["Judged by"] == "fpr 0.2, delta 0.05"


def test_folds_of_unlike_sizes_are_told_by_the_least_and_the_most():
    counts = {f"fold {fold}, train": {"p": 99 + fold, "n": 500} for fold in (1, 2, 3)}
    assert _images(counts, "malignant") == "train of a fold: 100 to 102 malignant, 500 others"


@pytest.mark.parametrize(("seeds", "claims"), [((0,), False), ((0, 1), False), ((0, 1, 2), True)])
def test_nothing_is_claimed_of_a_method_below_three_networks(make, seeds, claims):
    said = " ".join(caveats(*leaderboard(make(seeds=seeds))))
    for text in ("a claim on the method", "Safe says", "(Holm)"):
        assert (text in said) is claims
    assert ("what other trainings would give is not known" in said) is not claims
    assert "overlap" not in said


def test_folds_have_a_caveat_of_their_own(trial):
    made = trial(folds=3).entry("dense", 1.0, 12, seeds=(0,)).entry("lt", 0.5, 12, seeds=(0,))
    assert any("training images overlap" in one for one in caveats(*leaderboard(made.results())))


def test_where_the_dense_network_is_one_the_intervals_say_so(make):
    said = " ".join(caveats(*leaderboard(make(seeds=(0, 1, 2), trained=True))))
    assert "the dense network is one, and was trained elsewhere" in said
    assert told(make(trained=True))["Dense network trained elsewhere"] == "yes"
    assert "trained elsewhere" not in " ".join(caveats(*leaderboard(make(seeds=(0, 1, 2)))))
    assert "Dense network trained elsewhere" not in told(make())
