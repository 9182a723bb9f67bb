from dataclasses import replace

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.banners import banners
from harness.reports.words.trust import trust

pytestmark = pytest.mark.usefixtures("uncounted")

STRONG = "The dense network is strong enough"


def board_of(results):
    (board,) = leaderboard(results)
    return board


def signs(results):
    return {line.title: line.sign for line in trust(board_of(results))}


@pytest.fixture
def sound(trial):
    """A run of which there is nothing to mind: three folds, a probe below dense, and a control that loses much."""
    made = trial(folds=3, positives=60)
    made.entry("dense", 1.0, 6).entry("lt", 0.5, 6, spread=1).entry("probe", 1.0, 40)
    return made.entry("random", 0.5, 45, control=True)


def test_all_is_well_with_a_sound_run(sound):
    assert signs(sound.results(looks=2)) == {
        STRONG: "ok",
        "The dense network has learnt": "ok",
        "9 networks of each entry": "ok",
        "Many positives": "ok",
        "All labelled images are tested": "ok",
        "No control passes": "ok",
        "Nothing is missing": "ok",
        "Real images": "ok",
        "Whole data": "ok",
        "No image in two splits": "ok",
        "W0 has not seen the classes": "ok",
        "No further looks at the test images": "ok",
    }


def test_nothing_is_said_of_what_did_not_run(sound):
    assert trust(replace(board_of(sound.results()), cells=())) == []


def test_the_gravest_comes_first(sound):
    facts = {"simulated": True, "fallback_for": "isic", "caveats": ["Tiles overlap."]}
    found = [line.sign for line in trust(board_of(sound.results(**facts)))]
    assert found == sorted(found, key=["bad", "mind", "ok"].index)
    assert (found.count("bad"), found.count("mind")) == (1, 1)


@pytest.mark.parametrize(
    ("facts", "title", "sign", "instead"),
    [
        ({"simulated": True}, "Simulated images", "mind", "Real images"),
        (
            {"simulated": True, "fallback_for": "isic"},
            "Not “isic”: simulated images in its place",
            "bad",
            "Real images",
        ),
        ({"partial": {"test": {"found": 3, "expected": 4}}}, "Partial data", "mind", "Whole data"),
        ({"broken": ["a.jpg: cut off"]}, "Partial data", "mind", "Whole data"),
        ({"duplicates_allowed": True}, "Images in two splits", "mind", "No image in two splits"),
        (
            {"w0_saw_classes": True, "pretraining": {"dataset": "spots"}},
            *("W0 has seen these classes", "mind", "W0 has not seen the classes"),
        ),
        ({"weights": "file:0123"}, "Nobody knows what W0 has seen", "mind", "W0 has not seen the classes"),
        ({"recipe": "it was chosen here"}, "Recipe chosen on these images", "mind", None),
        ({"caveats": ["Tiles overlap."]}, "Mind the images", "mind", None),
        ({"looks": 3}, "Further looks at the test images", "mind", "No further looks at the test images"),
    ],
)
def test_what_the_data_and_the_start_do_to_the_numbers(sound, facts, title, sign, instead):
    plain, found = signs(sound.results()), signs(sound.results(**facts))
    assert title not in plain
    assert found[title] == sign
    assert instead not in found
    assert len(found) == len(plain) + (instead is None)


def test_each_warning_is_there_in_its_own_words(bench, scores):
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(missed=14, alarms=20, seed=seed))
        bench.done("probe", seed, 1.0, scores(seed=seed))
    board = board_of(
        bench.results(simulated=True, broken=["a: b"], recipe="so", caveats=["c"], duplicates_allowed=True)
    )
    warned = {(one.title, one.text) for one in banners(board)}
    assert len(warned) == 8
    assert warned <= {(line.title, line.text) for line in trust(board)}


@pytest.mark.parametrize(
    ("seeds", "sign", "title"),
    [((0,), "bad", "One run is an anecdote"), ((0, 1), "bad", "Two runs are anecdotes"), ((0, 1, 2), "ok", None)],
)
def test_one_split_of_few_seeds(trial, seeds, sign, title):
    made = trial().entry("dense", 1.0, 12, seeds=seeds).entry("lt", 0.5, 12, seeds=seeds)
    found = signs(made.results())
    assert found[title or "3 networks of each entry"] == sign
    assert found["One split"] == "mind"
    assert found["No probe"] == found["No control"] == "mind"
    assert found.get(STRONG) == ("ok" if len(seeds) == 3 else None)


@pytest.mark.parametrize(
    ("missed", "sign", "title"),
    [
        (12, "ok", STRONG),
        (60, "mind", "The dense network is not shown to be strong"),
        (83, "bad", "The dense network is too weak"),
    ],
)
def test_the_dense_network_beside_guessing(trial, missed, sign, title):
    """Of 120 positives 84 are missed by guessing at 30 % false alarms; 20 points more are asked for."""
    board = board_of(trial().entry("dense", 1.0, missed, spread=1 + 30 * (missed == 60)).results())
    (line,) = [line for line in trust(board) if line.title == title]
    assert line.sign == sign
    assert "than guessing" in line.text


def test_a_dense_network_that_is_not_whole_is_grave(sound):
    (line,) = [one for one in trust(board_of(sound.lose("dense", seed=1, fold=2).results())) if one.sign == "bad"]
    assert line.title == "The dense network is not whole"
    assert line.text.startswith("not run in seed 1 of fold 2: ")


@pytest.mark.parametrize(
    ("missed", "sign", "title"),
    [
        ((45, 45, 45), "ok", "No control passes"),
        ((6, 6, 6), "bad", "A control passes"),
        ((1, 6, 50), "mind", "No control is shown to fail"),
    ],
)
def test_a_control_that_passes_or_is_not_shown_to_fail(trial, missed, sign, title):
    made = trial(positives=60).entry("dense", 1.0, 6).entry("lt", 0.5, 6)
    board = board_of(made.entry("random", 0.5, missed, control=True).results())
    (line,) = [line for line in trust(board) if line.title == title]
    assert line.sign == sign
    assert "“random”" in line.text


def test_missing_and_collapsed_cells_are_counted_by_cause(sound):
    sound.lose("lt", seed=2, fold=1).lose("random", seed=0, fold=3)
    sound.network("random", 0.5, 0, None, fold=3, status="failed", reason="no memory", control=True)
    for row in sound.rows:
        row["flag/collapsed"] = float((row["entry"], row["seed"], row["fold"]) == ("random", 1, 2))
    (line,) = [one for one in trust(board_of(sound.results())) if one.title.startswith("Cells are missing")]
    assert line.sign == "mind"
    assert line.text.startswith("Of 36 cells 1 collapsed, 1 failed and 1 not run.")


@pytest.mark.parametrize(("missed", "found"), [(2, "The dense network has learnt"), (6, "is not shown to have learnt")])
def test_the_dense_network_above_the_probe_and_no_more_than_chance_above(trial, missed, found):
    made = trial(positives=60).entry("dense", 1.0, missed).entry("probe", 1.0, 7 if missed == 6 else 50)
    (line,) = [line for line in trust(board_of(made.results())) if found in line.title]
    assert line.sign == ("ok" if missed == 2 else "mind")
    assert "is above that of a logistic regression" in line.text


def test_a_dense_network_that_was_trained_elsewhere_is_one_under_every_seed(trial):
    made = trial(positives=60).entry("dense", 1.0, 6).entry("lt", 0.5, 6).entry("random", 0.5, 45, control=True)
    lines = {line.title: line for line in trust(board_of(made.results(trained=True, weights="trained:abc")))}
    assert lines["Trained elsewhere"].sign == "mind"
    assert "trained:abc" in lines["Trained elsewhere"].text
    assert lines["3 networks of each entry"].text.startswith("3 seeds at each level, all from one dense network: ")
    assert "--folds" not in lines["One split"].text
    assert "No probe" not in lines
    assert "W0 has not seen the classes" not in lines
    usual = {line.title: line for line in trust(board_of(made.results()))}
    assert usual["3 networks of each entry"].text.startswith("3 seeds at each level: ")
    assert "--folds 5" in usual["One split"].text
    assert "No probe" in usual
