"""What is lost at a level, against counting in plain loops."""

import itertools

import numpy as np
import pytest

from harness.evaluation.equal_alarms import called, cut_at
from harness.reports.analysis.design import Design
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.lost_by_image import decisive_level, fleiss_kappa, lost_by_image
from harness.reports.analysis.outcomes import read_outcomes

pytestmark = pytest.mark.usefixtures("uncounted")

SEEDS = (0, 1, 2, 3, 4)


def wide(trial, folds=0):
    """Five seeds, or folds of three: two methods, a control and dense, at two levels."""
    seeds = SEEDS if not folds else SEEDS[:3]
    made = trial(folds=folds, positives=24, negatives=30).entry("dense", 1.0, 5, spread=2, seeds=seeds)
    for density in (0.5, 0.25):
        for entry, missed in (("lt", 7), ("snip", 9), ("random", 15)):
            control = entry == "random"
            made.entry(entry, density, missed, spread=3, seeds=seeds, control=control)
    return made


def missing(outcome):
    """The ids of the positives that one network misses."""
    negatives = np.array([s for s, label in zip(outcome.scores, outcome.labels, strict=True) if label == 0])
    cut = cut_at(negatives, 0.3)
    rows = zip(outcome.images, outcome.labels, outcome.scores, strict=True)
    return {identity for identity, label, score in rows if label == 1 and called(np.array([score]), cut)[0] < 0.5}


def by_image(outcomes, entry, density):
    """By positive: how many networks of an entry miss it, and of how many."""
    own = [one for one in outcomes if one.entry == entry and one.density == density]
    found = {}
    for one in own:
        for identity, label in zip(one.images, one.labels, strict=True):
            if label == 1:
                missed, networks = found.get(identity, (0, 0))
                found[identity] = (missed + (identity in missing(one)), networks + 1)
    return found


@pytest.fixture(params=[0, 2], ids=["seeds", "folds"])
def counted(request, trial):
    results = wide(trial, request.param).results()
    (board,) = leaderboard(results)
    return board, read_outcomes(results)


def test_images_are_counted_by_the_majorities_of_entries(counted):
    board, outcomes = counted
    dense = by_image(outcomes, "dense", 1.0)
    assert [level.density for level in board.lost] == [0.5, 0.25]
    for level in board.lost:
        wanted = {}
        for entry in ("lt", "snip"):
            for identity, (missed, networks) in by_image(outcomes, entry, level.density).items():
                if missed > networks / 2:
                    wanted.setdefault(identity, []).append(entry)
        assert level.entries == ("lt", "snip")
        assert {one.identity: [*one.entries] for one in level.images} == wanted
        assert {one.identity: (one.dense_missed, one.dense_networks) for one in level.images} == {
            identity: dense[identity] for identity in wanted
        }
        assert level.positives == len(dense)
        assert 0 < len(level.images) < level.positives


def test_what_the_dense_network_finds_stands_first_and_the_most_missed_first_of_each(counted):
    board, _ = counted
    for level in board.lost:
        keys = [(2 * one.dense_missed >= one.dense_networks, -len(one.entries)) for one in level.images]
        assert keys == sorted(keys)
        assert len({first for first, _ in keys}) == 2


def test_those_that_dense_finds_are_the_lost_ones_of_the_verdicts(counted):
    """Two ways to the same: an entry's lost positives, and its images among those that most dense networks find."""
    board, _ = counted
    for verdict, level in itertools.product(board.verdicts, board.lost):
        if verdict.control:
            continue
        (step,) = (one for one in verdict.steps if one.density == level.density)
        found = {one.identity for one in level.images if one.dense_finds and verdict.entry in one.entries}
        even = {one.identity for one in level.images if 2 * one.dense_missed == one.dense_networks}
        assert set(step.lost) - even == found


def kappa_of_pairs(answers):
    """Fleiss' kappa by all ordered pairs of networks on each image; ``answers`` are lists of booleans."""
    agree = [np.mean([one == other for one, other in itertools.permutations(of_image, 2)]) for of_image in answers]
    share = np.mean([np.mean(of_image) for of_image in answers])
    by_chance = share * share + (1 - share) * (1 - share)
    return (np.mean(agree) - by_chance) / (1 - by_chance)


def test_agreement_is_that_of_all_pairs_of_networks(counted):
    board, outcomes = counted
    for level in board.lost:
        entries = {one.entry: one for one in level.agreements}
        assert [*entries] == ["dense", "lt", "random", "snip"]
        for entry, found in entries.items():
            counts = by_image(outcomes, entry, 1.0 if entry == "dense" else level.density)
            answers = [[True] * missed + [False] * (networks - missed) for missed, networks in counts.values()]
            assert found.kappa == pytest.approx(kappa_of_pairs(answers))
            assert found.missed == pytest.approx(np.mean([np.mean(one) for one in answers]))
            majority = [max(sum(one), len(one) - sum(one)) / len(one) for one in answers]
            assert found.agreement == pytest.approx(np.mean(majority))


def test_kappa_of_a_case_that_is_worked_out_by_hand():
    """Two categories, by hand: 3 networks; one image missed by all, one by none, one by one of them."""
    # A = (1 + 1 + 1/3) / 3 = 7/9; p = 4/9; E = 16/81 + 25/81 = 41/81; (63/81 - 41/81) / (40/81) = 22/40
    assert fleiss_kappa(np.array([3, 0, 1]), np.array([3, 3, 3])) == pytest.approx(0.55)


@pytest.mark.parametrize(("missed", "networks"), [([0, 0], [3, 3]), ([3, 3], [3, 3]), ([1, 0], [1, 1]), ([], [])])
def test_kappa_is_not_defined_where_all_say_the_same_or_one_network_speaks(missed, networks):
    assert fleiss_kappa(np.array(missed, dtype=int), np.array(networks, dtype=int)) is None


def test_entries_that_are_not_whole_are_left_out_and_named(trial):
    (board,) = leaderboard(wide(trial).lose("snip", density=0.25, seed=3).results())
    first, second = board.lost
    assert (first.entries, first.left_out) == (("lt", "snip"), ())
    assert (second.entries, second.left_out) == (("lt",), ("snip",))


@pytest.mark.parametrize(("folds", "seeds"), [(0, (0, 1, 2, 3)), (2, (0, 1))])
def test_too_few_networks_say_nothing(trial, folds, seeds):
    made = trial(folds=folds, positives=24, negatives=30).entry("dense", 1.0, 5, seeds=seeds)
    outcomes = read_outcomes(made.entry("lt", 0.5, 9, seeds=seeds).results())
    parts = tuple(range(1, folds + 1)) if folds else (0,)
    assert lost_by_image(outcomes, Design(parts, seeds)) == ()


def test_nor_does_a_dense_network_that_is_not_whole(trial):
    (board,) = leaderboard(wide(trial).lose("dense", seed=2).results())
    assert board.lost == ()


def test_the_decisive_level_is_the_smallest_with_an_answer(trial):
    made = trial().entry("dense", 1.0, 12)
    for density, missed in ((0.5, 12), (0.25, 60), (0.125, (5, 12, 90))):
        made.entry("lt", density, missed)
    (board,) = leaderboard(made.results())
    assert decisive_level(board.verdicts) == 0.25
    assert decisive_level(()) is None
