"""Who may be compared at a level: entries with all their networks, each once."""

import numpy as np
import pytest

from harness.reports.analysis.boards import subjects
from harness.reports.analysis.design import entries_of
from harness.reports.analysis.level_table import level_table
from harness.reports.analysis.outcomes import read_outcomes


def table_of(made, density=0.5, **facts):
    results = made.results(**facts)
    (subject,) = subjects(results.groups)
    cells = read_outcomes(results)
    return level_table(entries_of(one for one in cells if one.density == density), subject.design(cells))


@pytest.fixture
def four(trial):
    made = trial()
    for name in ("a", "b", "c", "d"):
        made.entry(name, 0.5, 12)
    return made


def test_an_entry_without_all_its_networks_or_with_a_collapsed_one_takes_no_part(four):
    four.lose("b", seed=1).lose("c", seed=2).lose("d", seed=0)
    four.network("c", 0.5, 2, four.scored(12, "c", 2), **{"flag/collapsed": 1.0})
    four.network("d", 0.5, 0, None, status="diverged", reason="loss became NaN")
    found = table_of(four)
    assert found.entries == ("a",)
    assert [found.place(name) for name in ("a", "b", "c", "d", "nobody")] == [0, None, None, None, None]
    assert found.networks == 3


def test_an_entry_with_another_ones_networks_is_its_twin(four):
    four.lose("c")
    for seed in (0, 1, 2):
        four.network("c", 0.5, seed, four.scored(12, "a", 0.5, seed, 0))
    found = table_of(four)
    assert found.entries == ("a", "b", "d")
    assert found.twins == {"c": "a"}
    assert (found.place("c"), found.place("d")) == (0, 2)


def test_one_seed_that_differs_makes_no_twin(four):
    four.lose("c")
    for seed in (0, 1, 2):
        four.network("c", 0.5, seed, four.scored(12 + (seed == 2), "a", 0.5, seed, 0))
    assert table_of(four).twins == {}


def test_each_fold_is_a_part_with_its_own_images_and_networks(trial):
    made = trial(folds=2).entry("a", 0.5, 12).entry("b", 0.5, 20)
    found = table_of(made)
    assert [part.scores.shape for part in found.parts] == [(2, 3, 270), (2, 3, 270)]
    assert found.networks == 6
    for fold, part in enumerate(found.parts, 1):
        for place, (name, missed) in enumerate((("a", 12), ("b", 20))):
            for seed in (0, 1, 2):
                assert part.scores[place, seed].tolist() == made.scored(missed, name, 0.5, seed, fold).tolist()
    assert [(1 - part.values).round(6).tolist() for part in found.sensitivities] == [
        [[0.1] * 3, [round(20 / 120, 6)] * 3],
    ] * 2


def test_the_share_of_false_alarms_is_the_terms_own(trial):
    made = trial().entry("a", 0.5, 12)
    for fpr in (0.1, 0.5):
        found = table_of(made, verdict={"fpr": fpr})
        assert found.fpr == fpr
        (part,) = found.parts
        (measured,) = found.sensitivities
        for seed in (0, 1, 2):
            positives, negatives = part.scores[0, seed][part.labels == 1], part.scores[0, seed][part.labels == 0]
            cut = sorted(negatives, reverse=True)[round(fpr * 150)]  # so many negatives lie above it
            assert measured.values[0, seed] == np.mean(positives > cut)


def test_without_every_cut_there_are_no_deployed_errors(four):
    assert table_of(four).deployed is not None
    four.images = [one for one in four.images if one["split"].iloc[0] == "test" or one["run_id"].iloc[0] != "a/0/1"]
    assert table_of(four).deployed is None


def test_deployed_errors_are_counted_at_the_cut_that_validation_fixed(trial):
    made = trial()
    for seed in (0, 1, 2):
        validation = made.scored(30, "validation", seed)
        made.network("a", 0.5, seed, made.scored(12, "test", seed), validation=validation)
    ((missed,), (alarms,)) = table_of(made, verdict={"sensitivity": 0.8}).deployed
    for seed in (0, 1, 2):
        kept = sorted(made.scored(30, "validation", seed)[:120])[-96:]  # 80 of 100 positives
        scores = made.scored(12, "test", seed)
        assert missed.values[0, seed] == np.mean([score < kept[0] for score in scores[:120]])
        assert alarms.values[0, seed] == np.mean([score >= kept[0] for score in scores[120:]])


def test_nothing_makes_an_empty_table(trial):
    found = table_of(trial().entry("a", 1.0, 12))
    assert (found.entries, found.parts, found.networks) == ((), (), 0)


def test_an_entry_whose_networks_are_one_is_known_as_such(four):
    """As a dense network that was trained elsewhere: every figure of it says so, equal figures alone do not."""
    four.lose("b").lose("c")
    for seed in (0, 1, 2):
        four.network("b", 0.5, seed, four.scored(12, "b", 0.5, 0, 0))
        four.network("c", 0.5, seed, np.exp(four.scored(12, "c", 0.5, 0, 0) + seed))  # the same ranks
    found = table_of(four)
    assert found.entries == ("a", "b", "c", "d")
    every = [*found.aucs, *found.sensitivities, *(one for both in found.deployed for one in both)]
    assert {measured.given for measured in every} == {(1,)}
    assert np.ptp(found.aucs[0].values[2]) == 0
