"""Which networks a comparison needs, and which of them are missing, in words."""

import pytest

from harness.reports.analysis.design import Design, by_part, entries_of
from harness.reports.analysis.outcomes import Outcome

TEXTS = dict.fromkeys(("run_id", "group", "method", "loss", "plain", "reason"), "")


def outcome(fold, seed, status="done", entry="lt", collapsed=0.0):
    metrics = {"flag/collapsed": collapsed}
    return Outcome(**TEXTS, entry=entry, status=status, density=0.5, seed=seed, fold=fold, metrics=metrics, layers={})


def whole(design, *but):
    return [outcome(fold, seed) for fold, seed in design.networks if (fold, seed) not in but]


SEEDS, FOLDS = Design((0,), (0, 1, 2)), Design((1, 2, 3), (0, 1))


def test_networks_are_one_a_seed_on_each_test_part():
    assert SEEDS.networks == ((0, 0), (0, 1), (0, 2))
    assert FOLDS.networks == ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1))
    assert (SEEDS.folded, FOLDS.folded) == (False, True)


@pytest.mark.parametrize(
    ("parts", "seeds", "anecdote"),
    [
        ((0,), (0,), True),
        ((0,), (0, 1), True),
        ((0,), (0, 1, 5), False),
        ((1, 2), (0,), True),
        ((1, 2, 3), (0,), False),
    ],
)
def test_fewer_than_three_networks_are_an_anecdote(parts, seeds, anecdote):
    assert Design(parts, seeds).anecdote is anecdote


@pytest.mark.parametrize("design", [SEEDS, FOLDS])
def test_nothing_is_absent_where_every_network_is_done(design):
    assert design.absent(reversed(whole(design))) == []


def test_missing_and_collapsed_seeds_are_named_by_their_cause():
    design = Design((0,), (0, 1, 2, 3, 4))
    found = [outcome(0, 0), outcome(0, 1, collapsed=1.0), outcome(0, 2, "diverged"), outcome(0, 3, "diverged")]
    assert design.absent(found) == ["collapsed in seed 1", "diverged in seeds 2 and 3", "not run in seed 4"]


def test_a_fold_that_is_missing_whole_is_one_and_others_are_named_by_their_seed():
    lost = [(2, 0), (2, 1), (3, 1)]
    assert FOLDS.absent(whole(FOLDS, *lost)) == ["not run in fold 2, seed 1 of fold 3"]
    assert FOLDS.absent([]) == ["not run in folds 1, 2 and 3"]


def test_outcomes_come_by_part_and_seed_whatever_their_order():
    mixed = [outcome(fold, seed) for fold, seed in ((2, 1), (1, 0), (2, 0), (1, 1))]
    assert [[one.network for one in part] for part in by_part(mixed)] == [[(1, 0), (1, 1)], [(2, 0), (2, 1)]]
    assert by_part([]) == []


def test_entries_come_by_name_the_references_first():
    mixed = [outcome(0, seed, entry=name) for name in ("snip", "probe", "lt", "dense") for seed in (1, 0)]
    found = entries_of(mixed)
    assert [*found] == ["dense", "probe", "lt", "snip"]
    assert [one.seed for one in found["lt"]] == [0, 1]
