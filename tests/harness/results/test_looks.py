"""What a test part is, and how many looks at it are counted."""

import json

import pytest

from harness.results import names
from harness.results.looks import looks, part_of
from harness.results.published import PublishedRun, ReadLevel


def run(group, entry, seed, key="", statuses=("done",)):
    tags = {names.GROUP: group, names.ENTRY: entry, names.SEED: str(seed), **({names.KEY: key} if key else {})}
    cells = [json.dumps({"status": status}) for status in statuses]
    return PublishedRun(f"{tags}", tags, 0, 0, "{}", [ReadLevel(0.5, {names.CELL_FILE: cell}) for cell in cells])


def test_a_part_is_its_images_and_labels_in_whatever_order():
    assert part_of(["a", "b"], [1, 0]) == part_of(["b", "a"], [0, 1])
    others = [part_of(*one) for one in ((["a", "b"], [0, 1]), (["a"], [1]), (["a", "c"], [1, 0]), (["ab"], [1]))]
    assert len({part_of(["a", "b"], [1, 0]), *others}) == 5


def test_labels_and_ids_are_paired():
    with pytest.raises(ValueError, match="shorter"):
        part_of(["a", "b"], [1])


@pytest.mark.parametrize(
    ("runs", "count"),
    [
        ([run("g", "lt", 0), run("g", "lt", 1), run("g", "snip", 0)], 2),
        ([run("g", "dense", 0), run("g", "probe", 0), run("g", "lt", 0)], 1),
        ([run("g", "lt", 0, "old"), run("g", "lt", 0, "new")], 2),  # two versions of its method
        ([run("g", "lt", 0, "same"), run("g", "lt", 0, "same")], 1),  # one that a slow server made twice
        ([run("g", "lt", 0, "a"), run("g", "lt", 1, "b"), run("g", "lt", 1, "c")], 2),
        ([run("g", "lt", 0), run("other size", "lt", 0)], 2),
        ([run("g", "lt", 0), run("elsewhere", "lt", 0)], 1),
        ([run("g", "lt", 0), run("lost", "lt", 0)], 1),
        ([run("g", "lt", 0, statuses=("failed", "skipped"))], 0),
        ([run("g", "lt", 0, statuses=("failed", "done"))], 1),
    ],
)
def test_looks_are_entries_by_group_and_version(runs, count):
    parts = {"g": "here", "other size": "here", "elsewhere": "there"}
    assert looks(runs, parts)["g"] == count


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", "3"])
def test_a_level_that_cannot_be_read_is_no_look(content):
    broken = PublishedRun("r", run("g", "lt", 0).tags, 0, 0, "{}", [ReadLevel(0.5, {names.CELL_FILE: content})])
    assert looks([broken], {"g": "here"}) == {"g": 0}
