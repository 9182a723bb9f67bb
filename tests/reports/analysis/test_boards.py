"""Which groups are one board, and what is known of it."""

import pytest

from harness.reports.analysis.boards import subjects
from harness.reports.analysis.design import Design
from harness.reports.analysis.leaderboard import leaderboard


def fold(number, **facts):
    counts = {"train": {"p": 90, "n": 200}, "test": {"p": 10 + number, "n": 30}}
    return {
        "group": f"g{number}",
        "family": "f",
        "fold": number,
        "folds": 3,
        "fingerprint": f"print {number}",
        "test_part": f"part {number}",
        "counts": counts,
        "looks": number,
        "large_groups": {"patient": [f"image {number}"]},
        "started": f"2026-01-0{number}",
        "finished": f"2026-02-0{4 - number}",
        "seeds": [number],
        "command": f"command {number}",
        **facts,
    }


def test_folds_of_one_family_are_one_board_whatever_their_order():
    (found,) = subjects({f"g{number}": fold(number) for number in (3, 1, 2)})
    assert found.identity == "f"
    assert found.groups == ("g3", "g1", "g2")
    facts = found.facts
    assert facts["group"] == ["g1", "g2", "g3"]
    assert facts["fold"] == [1, 2, 3]
    assert facts["fingerprint"] == ["print 1", "print 2", "print 3"]
    assert (facts["seeds"], facts["looks"], facts["folds"]) == ([1, 2, 3], 3, 3)
    assert facts["large_groups"] == {"patient": ["image 1", "image 2", "image 3"]}


def test_of_facts_that_folds_do_not_share_the_newest_counts_and_the_earliest_start():
    (found,) = subjects({f"g{number}": fold(number) for number in (1, 2, 3)})
    assert (found.facts["command"], found.facts["finished"]) == ("command 1", "2026-02-03")
    assert found.facts["started"] == "2026-01-01"


def test_images_are_counted_in_each_fold_and_over_what_all_of_them_test():
    (found,) = subjects({f"g{number}": fold(number) for number in (1, 3)})
    assert found.facts["counts"] == {
        "tested in all": {"p": 11 + 13, "n": 60},
        "fold 1, train": {"p": 90, "n": 200},
        "fold 1, test": {"p": 11, "n": 30},
        "fold 3, train": {"p": 90, "n": 200},
        "fold 3, test": {"p": 13, "n": 30},
    }


def test_other_families_and_the_publishers_split_stand_for_themselves():
    """A group without folds is its own, whatever its family says: that of folds is hashed without their fold."""
    official = {"group": "o", "family": "f", "fold": None, "folds": None, "looks": 4}
    groups = {"g1": fold(1), "o": official, "h": fold(1, family="other"), "g2": fold(2), "old": {"seeds": [0]}}
    found = {one.identity: one for one in subjects(groups)}
    assert {name: one.groups for name, one in found.items()} == {
        "f": ("g1", "g2"),
        "o": ("o",),
        "other": ("h",),
        "old": ("old",),
    }
    assert found["o"].facts == official
    assert found["old"].facts == {"seeds": [0]}


def test_a_fold_that_was_not_run_is_still_asked_for():
    (found,) = subjects({"g1": fold(1), "g3": fold(3)})
    assert found.design([]) == Design((1, 2, 3), ())
    assert found.facts["fold"] == [1, 3]


@pytest.mark.parametrize("families", [None, ""])
def test_folds_that_name_no_family_are_not_joined(families):
    groups = {f"g{number}": fold(number, family=families) for number in (1, 2)}
    assert [one.groups for one in subjects(groups)] == [("g1",), ("g2",)]


def test_a_board_has_the_cells_of_all_its_folds_and_of_no_other_group(trial):
    made = trial(folds=3).entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    made.network("dense", 1.0, 0, made.scored(12, "official", 0))
    official, folded = sorted(leaderboard(made.results()), key=lambda board: board.group == "family")
    assert (official.group, folded.group) == ("g", "family")
    assert (len(official.cells), len(folded.cells)) == (1, 18)
    assert folded.design == Design((1, 2, 3), (0, 1, 2))
    assert official.design == Design((0,), (0,))
    assert (official.positives, folded.positives) == (120, 360)
