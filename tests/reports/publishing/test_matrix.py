"""The matrix of methods and data sets: the answers of the pages, and nothing else."""

import json
from dataclasses import replace

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.publishing.publish import write_site
from harness.reports.words.verdicts import verdict


def read(path):
    return json.loads(path.read_text("utf-8"))


def results(trial, name, missed, **facts):
    """Three seeds of entries that miss so many more positives than dense at half of the weights."""
    found = trial().entry("dense", 1.0, 3)
    for entry, more in missed.items():
        found.entry(entry, 0.5, 3 + more, control=entry == "random")
    return replace(found.results(dataset=name, **facts), experiment=name)


def test_each_answer_is_that_of_its_page_and_leads_to_it(trial, tmp_path, undrawn, parse):
    first = results(trial, "isic", {"good": 0, "bad": 60, "random": 60}, network="big")
    second = results(trial, "elpv", {"good": 60, "late": 0}, network="big")
    write_site([first, second], tmp_path)
    matrix = read(tmp_path / "results.json")["matrix"]
    assert [(one["dataset"], one["network"], one["positives"]) for one in matrix["columns"]] == [
        ("elpv", "big", 120),
        ("isic", "big", 120),
    ]
    assert [one["entry"] for one in matrix["entries"]] == ["good", "bad", "late", "random"]
    assert [one["control"] for one in matrix["entries"]] == [False, False, False, True]
    for row in matrix["entries"]:
        for found, own in zip(row["answers"], (second, first), strict=True):
            (board,) = leaderboard(own)
            wanted = [verdict(one) for one in board.verdicts if one.entry == row["entry"]]
            assert [found["answer"] if found else None] == (wanted or [None])
            if found is None:
                continue
            page, _, anchor = found["page"].partition("#")
            place = parse(tmp_path / page)
            assert anchor in place.ids
            text = (tmp_path / page).read_text()
            line = text[text.index(f'id="{anchor}"') :].partition("</tr>")[0]
            assert row["entry"] in line
            assert found["answer"] in line
    answers = {
        row["entry"]: [found and (found["kind"], found["density"]) for found in row["answers"]]
        for row in matrix["entries"]
    }
    assert answers["good"] == [("loses", None), ("safe", 0.5)]
    assert answers["late"] == [("safe", 0.5), None]


def test_the_index_says_every_answer_with_its_sign_and_what_did_not_run(trial, tmp_path, undrawn, parse):
    write_site([results(trial, "isic", {"good": 0, "bad": 60}), results(trial, "elpv", {"late": 0})], tmp_path)
    text = parse(tmp_path / "index.html").text
    assert "good not run ✓ safe to 50%" in text
    assert "bad not run ✗ loses positives" in text
    assert "late ✓ safe to 50% not run" in text
    assert "Positives tested 120 120" in text
    assert "2 pages, one for each data set and network" in text
    assert "the newest result is of 2026-01-01" in text


def test_groups_of_one_page_are_columns_of_their_own(make, join, tmp_path, undrawn, parse):
    write_site([join(make(size=64), make(group="h", size=128, entries=("other",), shift=4))], tmp_path)
    matrix = read(tmp_path / "results.json")["matrix"]
    assert [one["of_several"] for one in matrix["columns"]] == [1, 2]
    ran = {row["entry"]: [found is not None for found in row["answers"]] for row in matrix["entries"]}
    assert ran == {"lt": [True, False], "snip": [True, False], "other": [False, True]}
    assert "group 2" in parse(tmp_path / "index.html").text


def test_ranked_entries_come_first_by_their_average_rank(make, tmp_path, undrawn):
    names = ("isic", "elpv", "crack")
    write_site([make(name, seeds=(0, 1, 2), entries=("c", "a", "b")) for name in names], tmp_path)
    document = read(tmp_path / "results.json")
    ranks = {one["entry"]: one["rank"] for one in document["across"]["entries"]}
    assert {one["entry"]: one["rank"] for one in document["matrix"]["entries"]} == ranks
    assert [one["entry"] for one in document["matrix"]["entries"]] == sorted(ranks, key=ranks.get)


def test_one_page_and_none_have_a_matrix_too(make, tmp_path, undrawn, parse):
    write_site([], tmp_path / "none")
    assert read(tmp_path / "none" / "results.json")["matrix"] == {"columns": [], "entries": []}
    assert "No results yet." in parse(tmp_path / "none" / "index.html").text
    write_site([make()], tmp_path / "one")
    assert len(read(tmp_path / "one" / "results.json")["matrix"]["columns"]) == 1
    assert "1 page, one for each" in parse(tmp_path / "one" / "index.html").text
