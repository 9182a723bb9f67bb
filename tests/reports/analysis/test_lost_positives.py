"""Positives that most pruned networks miss and most dense ones find, counted image by image and network by network."""

from collections import Counter

import numpy as np
import pytest

from harness.reports.analysis.boards import subjects
from harness.reports.analysis.design import Design
from harness.reports.analysis.lost_positives import countable, lost_positives
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.verdicts import verdicts

FIVE = (0, 1, 2, 3, 4)


def of(made, entry, **facts):
    return [cell for cell in read_outcomes(made.results(**facts)) if cell.entry == entry]


def by_counting(made, entry, fpr=0.3):
    """The ids, by a vote of the networks on each image; no score is tied here."""
    votes, networks = {"dense": Counter(), entry: Counter()}, {}
    for images in made.images:
        first = images.iloc[0]
        if first["split"] != "test" or first["entry"] not in votes:
            continue
        ranked = sorted(images[images["label"] == 0]["score"], reverse=True)
        cut = ranked[round(fpr * len(ranked))]  # so many negatives lie above it
        for _, image in images[images["label"] == 1].iterrows():
            votes[first["entry"]][image["id"]] += image["score"] <= cut
            networks[image["id"]] = networks.get(image["id"], 0) + (first["entry"] == "dense")
    return sorted(
        identity for identity, n in networks.items() if votes[entry][identity] > n / 2 > votes["dense"][identity]
    )


@pytest.fixture
def made(trial):
    def of(folds, seeds=FIVE, missed=20):
        found = trial(folds=folds, positives=40, negatives=50).entry("dense", 1.0, 4, seeds=seeds)
        return found.entry("lt", 0.5, missed, seeds=seeds)

    return of


@pytest.mark.parametrize("fpr", [0.3, 0.1])
@pytest.mark.parametrize(("folds", "seeds"), [(0, FIVE), (0, (*FIVE, 5)), (2, (0, 1, 2)), (3, (0, 1, 2, 3))])
def test_they_are_those_of_counting(made, folds, seeds, fpr):
    trial = made(folds, seeds)
    facts = {"verdict": {"fpr": fpr}}
    found = lost_positives(of(trial, "lt", **facts), of(trial, "dense", **facts))
    assert list(found) == by_counting(trial, "lt", fpr)
    assert found
    assert all(identity.startswith("test") for identity in found)
    assert {identity[4] for identity in found} == ({"0"} if not folds else set("12345"[:folds]))


def test_half_of_the_networks_are_no_majority(trial):
    """Image 0 is missed by all, image 1 by three of six, image 2 by four of six; the dense ones miss image 3."""
    made = trial(positives=10, negatives=10)
    missed = {"dense": {3: 6, 4: 3}, "lt": {0: 6, 1: 3, 2: 4, 3: 6, 4: 6}}
    for name, density in (("dense", 1.0), ("lt", 0.5)):
        for seed in range(6):
            scores = np.r_[np.linspace(2, 3, 10), np.linspace(0, 1, 10)]
            for image, networks in missed[name].items():
                scores[image] = -1 if seed < networks else scores[image]
            made.network(name, density, seed, scores)
    assert lost_positives(of(made, "lt"), of(made, "dense")) == ("test0-000", "test0-002")


def test_of_a_tie_at_the_cut_less_than_half_is_a_miss(trial):
    """The cut calls 3 of 10 negatives; 4 of them, and a positive, have one score, of which 3/4 or 1/4 are called."""
    made = trial(positives=2, negatives=10)
    dense = np.r_[2.0, 2.0, np.linspace(0, 1, 10)]
    for seed in range(5):
        made.network("dense", 1.0, seed, dense)
        for name, above in (("most", 0), ("few", 2)):
            made.network(name, 0.5, seed, np.r_[2.0, 0.5, np.full(above, 1.0), np.full(4, 0.5), np.zeros(6 - above)])
    assert lost_positives(of(made, "most"), of(made, "dense")) == ()
    assert lost_positives(of(made, "few"), of(made, "dense")) == ("test0-001",)


@pytest.mark.parametrize(
    ("parts", "seeds", "enough"),
    [
        ((0,), 4, False),
        ((0,), 5, True),
        ((1, 2, 3, 4, 5), 1, False),
        ((1, 2, 3, 4, 5), 2, False),
        ((1, 2), 3, True),
        ((1, 2, 3, 4, 5), 3, True),
    ],
)
def test_a_majority_needs_five_networks_and_three_that_test_an_image(parts, seeds, enough):
    assert countable(Design(parts, tuple(range(seeds)))) is enough


def test_they_stand_in_the_verdict_where_there_is_one(made):
    for trial, told in ((made(0), True), (made(0, (0, 1, 2, 3)), False), (made(2, (0, 1, 2)), True)):
        results = trial.results()
        (subject,), cells = subjects(results.groups), read_outcomes(results)
        (found,) = verdicts(cells, subject.design(cells))
        assert found.steps[0].lost == (tuple(by_counting(trial, "lt")) if told else None)
    results = made(0).lose("lt", seed=1).results()
    (subject,), cells = subjects(results.groups), read_outcomes(results)
    (found,) = verdicts(cells, subject.design(cells))
    assert found.steps[0].lost is None
