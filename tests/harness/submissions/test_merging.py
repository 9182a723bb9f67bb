"""Several people's results in one table: who has what, what is one, and what stands apart."""

import base64
import json

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.results_json import document
from harness.results import names
from harness.results.published import ReadDocument
from harness.results.reading import results_of
from harness.submissions.merging import Source, merge


def source(drawn, author, date="2026-01-01", **more):
    runs = [run.read(whole=False) for run in drawn.recorded()]
    return Source(author=author, code="", date=date, state="self-reported", runs=runs, **more)


def shared(drawn, *entries, seed=0, densities=(0.5,), folds=None, environment="torch 2 / cpu"):
    """Dense with everybody's scores, and entries of one's own."""
    made = drawn(seed=4, folds=folds, environment=environment)
    made.design([], seeds=(0, 1))
    made.draws = type(made.draws)(made.draws.bit_generator.__class__(seed))
    for fold in range(1, folds + 1) if folds else (None,):
        for entry in entries:
            for one in (0, 1):
                made.run(entry, one, fold, densities)
    return made


def rows(merged):
    (board,) = leaderboard(merged.results)
    return board, [row.entry for level in board.levels for row in level.rows]


def test_one_persons_results_are_those_of_the_store(drawn):
    alone = source(shared(drawn, "lt", folds=2), "Ann")
    merged = merge("spots", [alone])
    plain = results_of("spots", alone.runs, [])
    assert merged.results.cells.equals(plain.cells)
    assert merged.results.scores.equals(plain.scores)
    assert merged.results.groups == plain.groups
    assert merged.notes == ()


def test_entries_of_two_people_stand_in_one_table_beside_the_dense_network_of_both(drawn):
    ann, bob = source(shared(drawn, "lt", seed=1), "Ann"), source(shared(drawn, "snip", seed=2), "Bob", "2026-02-02")
    merged = merge("spots", [ann, bob])
    board, entries = rows(merged)
    assert sorted(entries) == ["dense", "lt", "snip"]
    assert [(one.author, one.entries, one.date, one.state) for one in board.submissions] == [
        ("Ann", ("lt",), "2026-01-01", "self-reported"),
        ("Bob", ("snip",), "2026-02-02", "self-reported"),
    ]
    assert merged.notes == ()
    (group,) = document(merged.results)["groups"]
    assert [one["author"] for one in group["submissions"]] == ["Ann", "Bob"]


def test_the_same_scores_are_one_entry_with_both_authors(drawn):
    ann, bob = (source(shared(drawn, "lt", seed=1), author) for author in ("Ann", "Bob"))
    merged = merge("spots", [ann, bob])
    board, entries = rows(merged)
    assert entries == ["dense", "lt"]
    assert [(one.author, one.entries) for one in board.submissions] == [("Ann", ("lt",)), ("Bob", ("lt",))]
    assert len(merged.results.cells) == 4


def test_levels_of_two_people_are_joined_where_they_do_not_contradict(drawn):
    ann, bob = source(shared(drawn, "lt", seed=1), "Ann"), source(shared(drawn, "lt", seed=2, densities=(0.1,)), "Bob")
    merged = merge("spots", [ann, bob])
    levels = merged.results.cells.groupby("entry")["density"].agg(set)
    assert levels.to_dict() == {"dense": {1.0}, "lt": {0.5, 0.1}}


@pytest.mark.parametrize("folds", [None, 2])
def test_other_scores_of_one_cell_are_two_entries_under_their_authors(drawn, folds):
    ann, bob = (source(shared(drawn, "lt", seed=seed, folds=folds), who) for seed, who in ((1, "Ann"), (2, "Bob")))
    merged = merge("spots", [ann, bob])
    board, entries = rows(merged)
    assert sorted(entries) == ["dense", "lt (Ann)", "lt (Bob)"]
    assert [one.entries for one in board.submissions] == [("lt (Ann)",), ("lt (Bob)",)]
    (note,) = merged.notes
    assert note.startswith("lt in group ")
    mine = merged.results.cells[merged.results.cells["entry"] == "lt (Ann)"]["test/auc"].tolist()
    alone = results_of("spots", ann.runs, []).cells
    assert mine == alone[alone["entry"] == "lt"]["test/auc"].tolist()


def test_the_store_keeps_its_names(drawn):
    store, bob = source(shared(drawn, "lt", seed=1), ""), source(shared(drawn, "lt", seed=2), "Bob")
    board, entries = rows(merge("spots", [store, bob]))
    assert sorted(entries) == ["dense", "lt", "lt (Bob)"]
    assert [one.author for one in board.submissions] == ["Bob"]


def test_another_dense_network_of_the_same_group_is_a_table_of_its_own(drawn):
    other = drawn(seed=8).design(["lt"], seeds=(0, 1), densities=(0.5,))
    merged = merge("spots", [source(shared(drawn, "lt", seed=1), "Ann"), source(other, "Bob")])
    first, second = leaderboard(merged.results)
    assert [one.author for one in first.submissions] == ["Ann"]
    assert [one.author for one in second.submissions] == ["Bob"]
    assert second.group == f"{first.group} (Bob)"
    assert {row.entry for level in second.levels for row in level.rows} == {"dense", "lt"}
    assert "Bob's results are a table of their own" in merged.notes[0]


def test_of_one_author_the_newest_run_counts_and_the_older_is_a_look(drawn):
    older, newer = shared(drawn, "lt", seed=1), shared(drawn, "lt", seed=2)
    newer.started += 10**9
    for run in newer.runs.values():
        object.__setattr__(run, "key", f"{run.key[:-1]}0")
    merged = merge("spots", [source(newer, "Ann"), source(older, "Ann")])
    _, entries = rows(merged)
    assert entries == ["dense", "lt"]
    alone = results_of("spots", source(newer, "Ann").runs, [])
    assert merged.results.cells.set_index("run_id").equals(alone.cells.set_index("run_id"))
    assert next(iter(merged.results.groups.values()))["looks"] == 2


def test_another_kind_of_machine_is_another_table_that_names_the_first(drawn):
    ann, bob = (shared(drawn, "lt", seed=1, environment=where) for where in ("cpu one", "cpu two"))
    merged = merge("spots", [source(ann, "Ann"), source(bob, "Bob")])
    first, second = leaderboard(merged.results)
    assert [(one.group, one.environment) for one in first.other_machines] == [(second.group, "cpu two")]
    assert [(one.group, one.environment) for one in second.other_machines] == [(first.group, "cpu one")]
    assert (len(first.submissions), len(second.submissions)) == (1, 1)
    assert [{cell.group for cell in board.cells} for board in (first, second)] == [{first.group}, {second.group}]


def test_thumbnails_are_those_of_the_store(drawn):
    picture = base64.b64encode(b"\xff\xd8\xff and more").decode()
    text = json.dumps({"test_part": "part", "images": {"t-1": picture}})
    store = source(shared(drawn, "lt", seed=1), "", thumbnails=[ReadDocument("r", text)])
    merged = merge("spots", [store, source(shared(drawn, "snip", seed=2), "Bob")])
    assert merged.results.thumbnails == {"part": {"t-1": picture}}


def test_a_name_behind_an_entry_is_behind_the_plain_one_too(drawn):
    tagged = shared(drawn, "lt", seed=1)
    two = merge("spots", [source(tagged, "Ann"), source(shared(drawn, "lt", seed=2), "Bob")])
    told = two.results.cells
    assert (told["entry"] == told["plain"]).all()
    assert set(told[told["entry"] != names.DENSE]["plain"]) == {"lt (Ann)", "lt (Bob)"}
