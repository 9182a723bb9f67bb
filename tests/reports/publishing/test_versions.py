import json

import pytest

from harness.reports.export.results_json import document, to_json
from harness.reports.publishing.versions import changes_between, versions_of, with_changes


def put(page, document):
    folder = page / "versions" / document["id"]
    folder.mkdir(parents=True)
    for name in ("index.html", "cells.csv"):
        (folder / name).write_text("")
    (folder / "results.json").write_text(to_json(document))
    return folder


def test_versions_come_oldest_first_and_of_one_moment_the_smaller_first(tmp_path, make):
    later = document(make(started="2026-02-01T00:00:00+00:00"))
    small, large = document(make()), document(make(seeds=(0, 1)))
    for one in (later, large, small):
        put(tmp_path, one)
    assert [version.id for version in versions_of(tmp_path)] == [small["id"], large["id"], later["id"]]
    assert versions_of(tmp_path)[-1].date == "2026-02-01"


@pytest.mark.parametrize("name", ["index.html", "cells.csv", "results.json"])
def test_what_is_not_whole_is_no_version(tmp_path, make, name):
    folder = put(tmp_path, document(make()))
    assert len(versions_of(tmp_path)) == 1
    (folder / name).unlink()
    assert versions_of(tmp_path) == ()


def test_a_folder_that_is_not_what_its_name_says_is_no_version(tmp_path, make):
    one = document(make())
    put(tmp_path, one).rename(tmp_path / "versions" / "2026-01-01-00000000")
    put(tmp_path, {**one, "id": "mine"})
    assert versions_of(tmp_path) == ()


def test_what_changed_is_named(make):
    before = document(make())
    more = document(make(seeds=(0, 1), entries=("lt", "snip", "new"), levels=(0.5, 0.25)))
    assert changes_between(before, more) == "entry added: new; seed added: 1; level added: 25%"
    assert changes_between(more, before) == "entry removed: new; seed removed: 1; level removed: 25%"
    many = document(make(entries=("lt", "snip", "a", "b", "c", "d", "e")))
    assert changes_between(before, many) == "5 entries added"


def test_other_figures_of_the_same_cells_are_counted(make):
    before, after = document(make()), document(make())
    after["cells"][0]["metrics"]["test/auc"] = 0.5
    after["cells"][1]["status"] = "failed"
    assert changes_between(before, after) == "cells with other results: 2"


def test_a_cell_more_or_only_another_fact(make, usual):
    whole = document(usual.results())
    less = json.loads(to_json(whole))
    assert less["cells"].pop()["entry"] == "snip"
    assert changes_between(less, whole) == "cells added: 1"
    assert changes_between(whole, document(usual.results(command="another"))) == "other facts about the same cells"


def test_the_first_version_has_no_change(tmp_path, make):
    put(tmp_path, document(make()))
    put(tmp_path, document(make(seeds=(0, 3), started="2026-02-01T00:00:00+00:00")))
    assert [change for _, change in with_changes(versions_of(tmp_path))] == ["", "seed added: 3"]
