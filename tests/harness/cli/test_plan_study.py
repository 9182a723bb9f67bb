"""`harness plan-study`, as a user meets it."""

import json

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.study_options import RANGES, USUAL
from harness.errors import UsageError
from harness.evaluation.terms import Terms

FOLDS = ["--positives", "248", "--negatives", "1031", "--folds", "5", "--seeds", "3", "--entries", "10"]


def said(*arguments):
    found = CliRunner().invoke(app, ["plan-study", *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def values(*arguments):
    return json.loads(said(*arguments, "--json"))


def test_a_study_with_folds_is_told_within_80_columns():
    text = said(*FOLDS, "--levels", "2")
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "248 positives and 1,031 negatives in 5 folds, 3 seeds each." in text
    assert "10 entries at 2 levels: 90 comparisons, 15 networks an entry and level." in text


def test_the_text_says_what_json_says():
    text, found = " ".join(said(*FOLDS).split()), values(*FOLDS)
    assert f"gaps of {found['told_apart']:.3f} AUC or more" in text
    assert f"reaches {found['half_width']:.3f} to either side" in text
    assert f"finds {100 * found['dense']['sensitivity']:.0f} % of the positives" in text
    for name, words in (("gap", "a gap of 0.05 AUC is found"), ("safe", "what loses nothing is called safe")):
        asked = found["questions"][name]
        assert f"{words} {100 * asked['power']:.0f} % {asked['least_positives']} {asked['least_seeds']} " in text
    for name, value in found["assumed"].items():
        assert f"--{name.replace('_', '-')} {value:g}" in text or name == "both"


def test_more_of_anything_tells_more_and_more_comparisons_tell_less():
    here = values(*FOLDS)["told_apart"]
    assert values(*FOLDS, "--seeds", "5")["told_apart"] < here
    assert values(*FOLDS, "--positives", "500")["told_apart"] < here
    assert values(*FOLDS, "--tau", "0.005")["told_apart"] < here
    assert values(*FOLDS, "--levels", "3")["told_apart"] > here
    assert values(*FOLDS, "--entries", "20")["told_apart"] > here


def test_what_the_least_numbers_say_holds_when_they_are_asked_for():
    asked = values(*FOLDS)["questions"]["gap"]
    enough = values(*FOLDS, "--seeds", str(asked["least_seeds"]))
    assert enough["questions"]["gap"]["power"] >= 0.8
    assert enough["questions"]["gap"]["least_positives"] <= 248


def test_one_run_is_an_anecdote():
    arguments = ["--positives", "100", "--seeds", "1", "--entries", "2"]
    text, found = said(*arguments), values(*arguments)
    assert "one run is an anecdote" in text
    assert found["told_apart"] is None
    assert {asked["power"] for asked in found["questions"].values()} == {None}
    assert found["questions"]["safe"]["least_seeds"] >= 3


def test_a_margin_that_no_dense_network_could_stand_is_said():
    text = " ".join(said(*FOLDS, "--delta", "0.4").split())
    assert "must be shown 80 above guessing: no network would be" in text
    assert "shown strong enough 0 % none none" in text


def test_the_defaults_are_those_of_a_run_and_of_isic():
    found = values("--positives", "100", "--seeds", "3", "--entries", "2")
    assert found["terms"] == {"fpr": Terms().fpr, "delta": Terms().delta}
    assert found["study"]["negatives"] == 400
    assert {name: found["assumed"][name] for name in vars(USUAL)} == vars(USUAL)


def test_all_bad_options_are_named_at_once():
    bad = {"positives": 1, "negatives": 0, "seeds": 0, "folds": 21, "entries": 1, "levels": 0, "gap": 0.5, "fpr": "nan"}
    bad |= {"delta": 0.5, "auc": 0.5, "tau": 0, "correlation": 1, "seed_correlation": -0.1}
    assert bad.keys() == RANGES.keys()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in bad.items()]
    with pytest.raises(UsageError) as raised:
        said(*options)
    assert {fault.split()[0] for fault in raised.value.faults} == {option.partition("=")[0] for option in options}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--positives", "9"], "--positives 9 leave 5 folds fewer than two each"),
        (["--correlation", "0.9"], "--seed-correlation 0.65 does not go with --correlation 0.9: 0.828 to 0.928 does"),
    ],
)
def test_options_that_contradict_each_other_are_refused(extra, words):
    with pytest.raises(UsageError) as raised:
        said(*FOLDS, *extra)
    assert raised.value.faults == [words]


@pytest.mark.parametrize("correlation", [0.01, 0.5, 0.99])
def test_what_is_said_to_go_with_a_correlation_does(correlation):
    with pytest.raises(UsageError) as raised:
        said(*FOLDS, "--correlation", str(correlation), "--seed-correlation", "0.001")
    low, high = raised.value.faults[0].split(": ")[1].split()[0:3:2]
    for ends in (low, high):
        values(*FOLDS, "--correlation", str(correlation), "--seed-correlation", ends)
