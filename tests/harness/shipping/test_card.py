"""A card says what takes its figures their meaning, and what nobody told."""

import copy
import json
import re

import pytest

from harness.shipping.card_limits import limits, missing
from harness.shipping.card_text import markdown


@pytest.fixture(scope="module")
def written(exported):
    """The card of a real export."""
    return json.loads(exported.with_name(f"{exported.name}.card.json").read_text())


@pytest.fixture
def card(written):
    return copy.deepcopy(written)


def changed(card, place, value):
    *path, last = place.split(".")
    table = card
    for name in path:
        table = table[name]
    table[last] = value
    return card


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("data.simulated", True, "SIMULATED IMAGES: a program drew"),
        ("data.fallback_for", "isic", "SIMULATED IMAGES stand in for isic"),
        ("data.partial", {"test": {"found": 3, "expected": 9}}, "PARTIAL DATA: 3 of the 9 test images"),
        ("data.broken", ["a: cut"], "1 images that could not be read"),
        ("data.duplicates_allowed", True, "duplicates were allowed"),
        ("data.imbalance", 20.0, "20 negatives per positive"),
        ("data.caveats", ["One patient may have several images."], "One patient may have"),
        ("leaderboard", None, "One run is an anecdote"),
        ("leaderboard.control", True, "nobody should ship it"),
        ("network.collapsed", True, "THE NETWORK HAS COLLAPSED"),
        ("network.start_weights.name", "trained:abc", "TRAINED ELSEWHERE: the dense network was brought"),
        ("network.disconnected", True, "THE NETWORK IS DISCONNECTED"),
        ("file.agreement.changed", 3, "3 of its scored images lie on the other side"),
        ("network.density", 0.25, "no time"),
    ],
)
def test_what_takes_figures_their_meaning_is_said(card, place, value, words):
    quiet = {"partial": None, "broken": None, "imbalance": None, "duplicates_allowed": False, "caveats": []}
    card["data"] |= {**quiet, "simulated": False, "fallback_for": None, "recipe": None}
    card["network"] |= {"density": 1.0}
    card["leaderboard"] |= {"networks": 15}
    card["file"]["agreement"]["changed"] = 0
    assert not any(words in one for one in limits(card))
    found = limits(changed(card, place, value))
    assert any(words in one for one in found)
    assert any(words.split(":")[0] in line for line in markdown({**card, "limits": found}).splitlines()[4:])


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        ("data.licence", None, "licence of the images"),
        ("data.licence", "not stated", "licence of the images"),
        ("network.start_weights.licence", "", "licence of the start weights"),
        ("method.source", "", "paper of the method"),
        ("network.flops", None, "FLOPs"),
        ("leaderboard", None, "answer of the leaderboard"),
    ],
)
def test_what_nobody_told_is_missing(card, place, value, what):
    assert what not in missing(card)
    assert what in missing(changed(card, place, value))


def test_the_errors_of_this_network_are_counted_with_their_interval(written, filled, held):
    cell = held(filled)
    cut = cell.record.metrics["threshold/deployed"]
    missed = [score <= cut for score, label in zip(cell.record.test_scores, cell.labels, strict=True) if label]
    alarms = [score > cut for score, label in zip(cell.record.test_scores, cell.labels, strict=True) if not label]
    own = written["this_network"]
    assert (own["missed"]["k"], own["missed"]["n"]) == (sum(missed), len(missed))
    assert (own["alarms"]["k"], own["alarms"]["n"]) == (sum(alarms), len(alarms))
    low, high = own["missed"]["interval"]
    assert 0 <= low <= own["missed"]["k"] / own["missed"]["n"] <= high <= 1
    assert written["thresholds"]["cuts"]["deployed"]["value"] == cut


def test_the_intervals_of_this_network_are_those_of_an_entry_with_no_other(written, held, filled):
    record, board = held(filled).record, written["leaderboard"]
    for name in ("auc", "sensitivity"):
        own = written["this_network"][name]
        assert own["value"] == pytest.approx(record.metrics[f"test/{name}"])
        assert board["networks"] == 1
        assert own["interval"] == pytest.approx(board["figures"][name]["these_networks"])
        assert own["interval"][0] < own["value"] < own["interval"][1]


def test_the_card_of_a_real_export_is_complete(written):
    assert written["missing"] == []
    assert written["method"]["source"]
    assert written["network"]["parameters"] < 0.3 * 241_442


def test_markdown_has_every_heading_and_figure(written):
    text = markdown(written)
    assert [*re.findall(r"^## (.*)$", text, re.MULTILINE)] == [
        "Read this first",
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data and training data",
        "Quantitative analyses",
        "Licences",
        "How it was made",
        "Missing from this card",
    ]
    for one in (written["file"]["sha256"], "not a medical device", written["data"]["licence"], "Clopper-Pearson"):
        assert one in text
    missed = written["this_network"]["missed"]
    assert f"{missed['k']}/{missed['n']}" in text


def test_nothing_in_a_card_commands_the_terminal_or_names_a_folder(card, filled):
    card["method"]["description"] = "evil\x1b[2J\u202e"
    text = markdown(card)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert str(filled) not in text
    assert str(filled) not in json.dumps(card)


def test_an_unknown_figure_is_said_to_be_unknown(card):
    card["network"]["flops"] = None
    card["leaderboard"] = None
    text = markdown(card)
    assert "an unknown number of FLOPs" in text
