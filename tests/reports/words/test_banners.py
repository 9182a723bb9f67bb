import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.banners import banners

pytestmark = pytest.mark.usefixtures("uncounted")

ONCE, FEW = "One run is an anecdote", "Few positives"


def shown(results):
    (board,) = leaderboard(results)
    return banners(board)


@pytest.mark.parametrize(
    ("facts", "titles", "loud"),
    [
        ({}, [], []),
        ({"simulated": True}, ["Simulated images"], [False]),
        ({"simulated": True, "fallback_for": "isic"}, ["Not “isic”: simulated images in its place"], [True]),
        (
            {"simulated": True, "w0_saw_classes": True, "pretraining": {"dataset": "spots[seed=3]"}},
            ["Simulated images", "W0 has seen these classes"],
            [False, False],
        ),
        (
            {"simulated": True, "partial": {"train": {"found": 1, "expected": 2}}},
            ["Simulated images", "Partial data"],
            [False, False],
        ),
        ({"trained": True, "weights": "trained:abc"}, ["Trained elsewhere"], [False]),
        ({"caveats": []}, [], []),
        (
            {"caveats": ["Tiles of one photo fall on both sides."], "partial": {"train": {"found": 1, "expected": 2}}},
            ["Partial data", "Mind the images"],
            [False, False],
        ),
    ],
)
def test_the_gravest_comes_first_and_takes_the_numbers_meaning_away(make, facts, titles, loud):
    found = shown(make(**facts))
    assert [one.title for one in found] == [ONCE, FEW, *titles]  # one seed, 30 positives
    assert [one.loud for one in found[2:]] == loud


@pytest.mark.parametrize(
    ("folds", "seeds", "title"),
    [
        (0, (0,), "One run is an anecdote"),
        (0, (0, 1), "Two runs are anecdotes"),
        (2, (0,), "Two runs are anecdotes"),
        (0, (0, 1, 2), None),
        (3, (0,), None),
    ],
)
def test_below_three_networks_there_is_a_banner_and_no_verdict(trial, folds, seeds, title):
    made = trial(folds=folds).entry("dense", 1.0, 12, seeds=seeds).entry("lt", 0.5, 12, seeds=seeds)
    found = shown(made.results())
    assert [one.title for one in found] == ([title] if title else [])
    if title:
        assert f"was trained {'once' if title == ONCE else 'twice'} at each level" in found[0].text
        assert "no verdicts and no ranks" in found[0].text


@pytest.mark.parametrize(
    ("folds", "positives", "text"),
    [
        (0, 99, "99 positives are tested, each of them 1 point of sensitivity"),
        (0, 30, "30 positives are tested, each of them 3.3 points of sensitivity"),
        (3, 30, "90 positives are tested, each of them 1.1 points of sensitivity"),
        (0, 1, "1 positive is tested, each of them 100 points of sensitivity"),
        (0, 100, None),
        (4, 30, None),
    ],
)
def test_few_positives_are_counted_over_all_folds(trial, folds, positives, text):
    made = trial(folds=folds, positives=positives, negatives=40).entry("dense", 1.0, 0)
    found = [one for one in shown(made.results()) if one.title == FEW]
    assert len(found) == (text is not None)
    if text:
        assert found[0].text.startswith(text)


def test_every_caveat_of_the_data_set_is_told(make):
    caveats = ["Tiles of one photo fall on both sides.", "Nobody knows which."]
    banner = shown(make(caveats=caveats))[-1]
    assert banner.text == "Tiles of one photo fall on both sides. Nobody knows which."


def test_missing_images_are_counted_by_split(make):
    partial = {"train": {"found": 806, "expected": 900}, "test": {"found": 3, "expected": 4}}
    banner = shown(make(partial=partial))[-1]
    assert "(train: 806 of 900 images; test: 3 of 4 images)" in banner.text


@pytest.mark.parametrize(("missed", "alarms", "loud"), [(1, 4, False), (14, 20, True)])
def test_a_dense_network_that_is_not_above_the_probe_is_badly_trained(bench, scores, missed, alarms, loud):
    """Loudly where the interval of the difference shows it."""
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(missed=missed, alarms=alarms, seed=seed))
        bench.done("probe", seed, 1.0, scores(seed=seed))
    (board,) = leaderboard(bench.results(simulated=True))
    few, banner, simulated = banners(board)
    assert few.title == FEW
    assert simulated.title == "Simulated images"
    assert (banner.title, banner.loud) == ("Badly trained dense network", loud)
    found = board.probe
    assert f"Its test AUC, {found.dense:.3f}, is not above" in banner.text
    assert f"(probe, {found.probe:.3f}; difference " in banner.text


def test_one_that_is_above_the_probe_is_not(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("probe", 0, 1.0, scores(missed=2))
    assert [one.title for one in shown(bench.results())] == [ONCE, FEW]


@pytest.mark.parametrize("trained", [True, False])
def test_folds_are_advised_where_they_can_be_had(make, trained):
    told = " ".join(one.text for one in shown(make(**({"trained": True} if trained else {}))))
    assert ("--folds" in told) == (not trained)
    assert ("one network under every seed" in told) == trained
