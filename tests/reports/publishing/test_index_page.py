"""The first page of a published folder."""

import base64
import hashlib
import json
import re

import pytest

from harness.errors import UsageError
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.results_json import document, to_json
from harness.reports.publishing.publish import write_site

pytestmark = pytest.mark.usefixtures("undrawn")


def read(path):
    return json.loads(path.read_text("utf-8"))


def test_the_index_tells_what_the_leaderboard_does(store, tmp_path, parse):
    write_site(store, tmp_path)
    pages = {one["page"]: one for one in read(tmp_path / "results.json")["pages"]}
    assert list(pages) == ["isic/big/index.html", "isic/small/index.html", "isic-sim/big/index.html"]
    text = parse(tmp_path / "index.html").text
    (board,) = leaderboard(store[1])
    dense = next(row.auc for level in board.levels for row in level.rows if row.entry == "dense")
    one = pages["isic-sim/big/index.html"]
    low, high = dense.these
    assert one["groups"][0]["dense_auc"] == {"value": dense.value, "low": low, "high": high}
    assert (one["entries"], one["seeds"], one["levels"], one["sizes"]) == (["lt", "snip"], [0], [1.0, 0.5], [32])
    assert (one["labels"], one["newest_result"]) == (["anecdote", "simulated"], "2026-01-01T00:00:00+00:00")
    assert f"{dense.value:.3f} {low:.3f} to {high:.3f}" in text
    assert one["groups"][0]["answer"] in text
    assert "Simulated images" in text
    assert "2026-01-01" in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"simulated": True}, "Simulated images"),
        ({"simulated": True, "fallback_for": "isic"}, "Stand-in: not “isic”, simulated images in its place"),
        ({"partial": {"train": {"found": 1, "expected": 2}}}, "Partial data"),
        ({"caveats": ["Tiles of one photo fall on both sides."]}, "Mind the images: their page says why"),
    ],
)
def test_the_index_says_what_takes_the_meaning_away(tmp_path, make, parse, facts, words):
    write_site([make()], tmp_path / "plain")
    assert words not in parse(tmp_path / "plain" / "index.html").text
    write_site([make(**facts)], tmp_path)
    document = parse(tmp_path / "index.html")
    assert words in document.text
    assert ("label loud" in [value for _, name, value in document.attributes if name == "class"]) == (
        words.startswith("Stand-in")
    )


def test_the_index_says_where_there_are_fewer_than_three_networks(tmp_path, make, parse):
    for seeds, told in (((0, 1), True), ((0, 1, 2), False)):
        write_site([make(seeds=seeds)], tmp_path / str(len(seeds)))
        text = parse(tmp_path / str(len(seeds)) / "index.html").text
        assert ("Fewer than three networks: an anecdote, no verdict" in text) is told


def test_groups_of_one_page_are_kept_apart_in_the_index(tmp_path, make, join, parse):
    write_site([join(make(size=64), make(group="h", size=128, seeds=(0, 1, 2), shift=4))], tmp_path)
    (one,) = read(tmp_path / "results.json")["pages"]
    assert (one["sizes"], [group["labels"] for group in one["groups"]]) == ([64, 128], [["anecdote"], []])
    assert one["groups"][0]["dense_auc"] != one["groups"][1]["dense_auc"]
    assert "Group 2, not to be compared with the others:" in parse(tmp_path / "index.html").text


@pytest.mark.parametrize("damage", [{"groups": 3}, {"cells": [{}]}, {"id": None, "cells": None}])
def test_a_damaged_page_is_named(old, tmp_path, make, damage):
    page = tmp_path / "other" / "big"
    page.mkdir(parents=True)
    (page / "results.json").write_text(to_json({**document(make("other", network="big")), **damage}))
    (page / "index.html").write_text('<meta name="generator" content="prune-harness report 0">')
    with pytest.raises(UsageError, match=r"other/big/results\.json is damaged"):
        write_site(old, tmp_path)


def test_the_index_loads_nothing_and_its_policy_names_its_own_texts(old, tmp_path, parse):
    write_site(old, tmp_path)
    text, found = (tmp_path / "index.html").read_text("utf-8"), parse(tmp_path / "index.html")
    assert not {"link", "iframe", "object", "embed", "base", "form", "img"} & set(found.elements)
    assert not {name for _, name, _ in found.attributes if name == "src" or name == "style" or name.startswith("on")}
    policy = next(value for _, name, value in found.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    texts = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in texts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == digests
    assert len(digests) == 4  # the style, and the scripts for theme, buttons and sorting
