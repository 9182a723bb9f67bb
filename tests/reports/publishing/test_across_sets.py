"""What the pages of a site say together, from their results.json to the first page."""

import json
from pathlib import Path

import pytest

from harness.evaluation.across import compare_across
from harness.reports.export.results_json import to_json
from harness.reports.publishing.across_sets import across_values, page_figures
from harness.reports.publishing.index_page import index_document, index_html
from harness.reports.publishing.publish import write_site

AUC = {"lt": 0.80, "snip": 0.75, "random": 0.70}


def row(entry, auc, asked=3, done=3, low=0.6, high=0.9):
    figure = auc and {"value": auc, "these": [low, high], "method": None, "least": auc, "most": auc}
    return {"entry": entry, "asked": asked, "done": done, "auc": figure}


def group(rows, level=0.25, name="g", labels=()):
    return {
        "group": name,
        "labels": list(labels),
        "answer": ["It is so."],
        "provenance": {"size": 64},
        "positives": 40,
        "verdicts": [],
        "levels": [{"density": 1.0, "rows": [row("dense", 0.8)]}, {"density": level, "rows": rows}],
    }


def results(dataset, *groups, network="big"):
    cells = [
        {"entry": one["entry"], "seed": 0, "density": level["density"]}
        for each in groups
        for level in each["levels"]
        for one in level["rows"]
    ]
    facts = {"dataset": dataset, "network": network, "id": "2026-01-01-00000000", "newest_result": "2026-01-01"}
    return {**facts, "groups": list(groups), "cells": cells}


def simple(dataset, shift=0.0, network="big", **facts):
    return results(dataset, group([row(e, auc + shift) for e, auc in AUC.items()], **facts), network=network)


def told(*documents):
    return across_values([page_figures(f"{one['dataset']}/{one['network']}", one) for one in documents])


@pytest.fixture
def index(tmp_path):
    """Return a function that makes a site's first page of results.json documents: as JSON and as HTML."""

    def make(*documents):
        pages = {tmp_path / one["dataset"] / one["network"]: (one, ()) for one in documents}
        found = index_document(tmp_path, pages)
        (tmp_path / "index.html").write_text(index_html(found), "utf-8")
        return json.loads(to_json(found))["across"], tmp_path / "index.html"

    return make


def test_three_pages_are_ranked_by_their_auc():
    found = told(simple("isic"), simple("elpv", 0.1), simple("crack", -0.1))
    assert [(one["entry"], one["rank"], one["low"], one["high"]) for one in found["entries"]] == [
        ("lt", 1, 1, 1),
        ("snip", 2, 2, 2),
        ("random", 3, 3, 3),
    ]
    assert (found["level"], found["reason"], found["incomplete"], found["left_out"]) == (0.25, "", [], [])
    assert [one["dataset"] for one in found["blocks"]] == ["isic", "elpv", "crack"]
    expected = compare_across([AUC] * 3)
    assert found["critical_difference"] == expected.critical_difference
    assert found["friedman"] == {"chi2": 6, "f": None, "p": expected.friedman.p}
    assert found["groups"] == [["lt", "snip"], ["snip", "random"]]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_fewer_than_three_pages_say_why_there_is_no_ranking(number):
    found = told(*[simple(name) for name in ("isic", "elpv")][:number])
    assert found["entries"] == found["groups"] == []
    assert found["friedman"] is found["critical_difference"] is None
    assert found["reason"] == f"Average ranks need 3 data sets or networks that share a level; here there are {number}."


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("simulated", "simulated images"),
        ("stand-in", "simulated images"),
        ("anecdote", "fewer than three networks an entry"),
    ],
)
def test_what_says_nothing_of_other_sets_is_left_out_and_named(label, why):
    unfit = simple("odd", labels=[label, "caveats"])
    found = told(simple("isic"), simple("elpv"), unfit)
    assert found["left_out"] == [{"page": "odd/big", "reason": why}]
    assert found["entries"] == []
    assert told(simple("isic"), simple("elpv"), simple("crack"), unfit)["entries"]
    assert told(simple("isic"), simple("elpv"), simple("odd", labels=["caveats"]))["entries"]


def test_an_entry_that_a_page_lacks_or_has_not_whole_takes_no_part_and_is_named():
    half = results("crack", group([*(row(e, a) for e, a in AUC.items()), row("cdc", 0.9), row("lt-b", 0.7, done=2)]))
    pages = [
        results(name, group([*(row(e, a) for e, a in AUC.items()), row("lt-b", 0.9)])) for name in ("isic", "elpv")
    ]
    found = told(*pages, half)
    assert [one["entry"] for one in found["entries"]] == ["lt", "snip", "random"]
    assert found["incomplete"] == [
        {"entry": "cdc", "missing": ["isic/big", "elpv/big"]},
        {"entry": "lt-b", "missing": ["crack/big"]},
    ]


def test_too_few_common_entries_say_so():
    found = told(simple("isic"), simple("elpv"), results("crack", group([row("lt", 0.8), row("snip", 0.7)])))
    assert found["reason"] == "Average ranks need 3 entries that every page has; at 25% there are 2."


def test_the_level_is_the_one_that_most_pages_share_and_a_ranking_can_be_made_at():
    def levels(dataset, *found):
        one = simple(dataset, level=found[0])
        one["groups"][0]["levels"] += simple(dataset, level=found[1])["groups"][0]["levels"][1:]
        return one

    both = [levels(name, 0.5, 0.25) for name in ("isic", "elpv")]
    assert told(*both, simple("crack", level=0.5))["level"] == 0.5
    assert told(*both, levels("crack", 0.5, 0.25))["level"] == 0.25
    found = told(*both, simple("crack", level=0.5), simple("mnist", level=0.125))
    assert found["left_out"] == [{"page": "mnist/big", "reason": "no results at 50%"}]
    poor = [results(name, group([row("lt", 0.8)], level=0.25)) for name in ("crack", "mnist")]
    assert told(*both, simple("third", level=0.5), *poor)["level"] == 0.5


def test_of_groups_that_are_not_to_be_compared_that_of_the_most_entries_stands_for_the_page():
    few = group([row("lt", 0.1), row("snip", 0.2)], name="few")
    many, again = (group([row(e, a) for e, a in AUC.items()], name=name) for name in ("many", "again"))
    for one in again["levels"][1]["rows"]:
        one["auc"]["value"] = 0.5
    found = page_figures("isic/big", results("isic", few, many, again))
    assert found.levels == {0.25: AUC}
    simulated = group([row(e, 0.5) for e in "abcdefg"], name="s", labels=["simulated"])
    assert page_figures("isic/big", results("isic", simulated, few)).levels == {0.25: {"lt": 0.1, "snip": 0.2}}


def test_references_and_the_dense_level_are_no_part_of_it():
    rows = [row("dense", 0.9), row("probe", 0.9), row("lt", 0.8), row("mobilenet", None), row("x", 0.5)]
    rows[-1]["auc"] = {"value": None, "these": [None, None], "method": None}
    assert page_figures("isic/big", results("isic", group(rows))).levels == {0.25: {"lt": 0.8}}
    assert page_figures("isic/big", results("isic", group(rows, level=1.0))).levels == {}


def test_the_first_page_shows_ranks_and_a_diagram_that_can_be_read_without_seeing(index, parse):
    across, path = index(simple("isic"), simple("elpv"), simple("crack"))
    document, text = parse(path), " ".join(parse(path).text.split())
    assert "Across data sets and networks" in text
    assert "with 25% of the weights left, over 3 pages" in text
    for one in across["entries"]:
        assert f"{one['entry']} {one['rank']:.2f} {one['low']:.2f} to {one['high']:.2f}" in text
    assert f"p = {across['friedman']['p']:.4f}" in text
    (words,) = [value for element, name, value in document.attributes if (element, name) == ("svg", "aria-label")]
    assert words.startswith("Average ranks, 1 is best: lt 1.00, snip 2.00, random 3.00.")
    assert words.endswith("Not told apart: lt and snip; snip and random.")
    assert ("svg", "role", "img") in document.attributes
    assert not {name for _, name, _ in document.attributes if name in ("style", "src") or name.startswith("on")}


def test_several_pages_of_one_data_set_are_said_to_be_less_than_as_many_sets(index, parse):
    words = "Pages of one data set share its images"
    _, path = index(simple("isic"), simple("elpv"), simple("crack"))
    assert words not in parse(path).text
    _, path = index(simple("isic"), simple("elpv"), simple("isic", network="small"))
    assert words in parse(path).text


def test_the_first_page_says_in_a_sentence_why_there_is_none(index, parse):
    across, path = index(simple("isic"), simple("sim", labels=["simulated"]))
    document = parse(path)
    assert across["entries"] == []
    assert across["reason"] in document.text
    assert "Left out: sim/big (simulated images)." in " ".join(document.text.split())
    assert "svg" not in document.elements


def test_names_of_others_cannot_leave_the_diagram(index, parse):
    name = '</title><script>alert("x")</script>\x1b'
    documents = [results(one, group([row(name, 0.9), *(row(e, a) for e, a in AUC.items())])) for one in ("a", "b", "c")]
    across, path = index(*documents)
    assert across["entries"][0]["entry"] == name
    assert "<script>alert" not in path.read_text("utf-8")
    assert "\x1b" not in path.read_text("utf-8")


def test_the_order_of_pages_does_not_matter(index):
    documents = [simple("isic"), simple("elpv", 0.1), simple("crack", -0.1)]
    assert index(*documents)[0] == index(*documents[::-1])[0]


def test_every_key_is_documented():
    schema = (Path(__file__).parents[3] / "docs" / "publish.md").read_text("utf-8").partition("### The folder's")[2]
    missing = results("x", group([row("cdc", 0.8)]), network="small")
    found = {"across": told(simple("a"), simple("b"), simple("c"), simple("d", labels=["simulated"]))}
    found |= {"other": told(simple("a"), missing)}
    assert found["other"]["incomplete"]

    def keys(value, path):
        if isinstance(value, dict):
            for name, one in value.items():
                yield f"{path}.{name}"
                yield from keys(one, f"{path}.{name}")
        for one in value if isinstance(value, list) else []:
            yield from keys(one, f"{path}[]")

    for path in {*keys(found["across"], "across"), *keys(found["other"], "across")}:
        assert f"| `{path}` |" in schema


@pytest.mark.usefixtures("undrawn")
def test_a_site_of_three_data_sets_has_a_ranking(make, tmp_path, parse):
    facts = {"seeds": (0, 1, 2), "entries": ("lt", "snip", "random"), "network": "big"}
    made = [make(name, shift=shift, **facts) for shift, name in enumerate(("isic", "elpv", "crack"))]
    write_site(made, tmp_path)
    across = json.loads((tmp_path / "results.json").read_text("utf-8"))["across"]
    # Each entry of the fixture misses one positive more than the one before.
    assert [one["entry"] for one in across["entries"]] == ["lt", "snip", "random"]
    assert across["level"] == 0.5
    assert "over 3 pages; 1 is best" in parse(tmp_path / "index.html").text
    assert write_site(made, tmp_path).nothing_new
