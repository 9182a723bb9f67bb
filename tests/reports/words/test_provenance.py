from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.provenance import LABELS, caveats, provenance


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


def test_one_seed_and_more_have_their_own_caveat(make):
    one, more = (caveats(*leaderboard(make(seeds=seeds))) for seeds in ((0,), (0, 1, 2)))
    assert any("There is one seed" in caveat for caveat in one)
    assert any("With 3 seeds" in caveat for caveat in more)
    assert len(one) == len(more)
