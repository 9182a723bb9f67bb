"""The least numbers that would do."""

from dataclasses import replace

import pytest

from harness.power.chances import found, safe
from harness.power.enough import least_positives, least_seeds, question
from harness.power.study import Assumptions, Study

STUDY = Study(positives=248, negatives=992, seeds=3, folds=5, entries=10)
PART = Study(positives=67, negatives=272, seeds=5, entries=3)


def gap(study):
    return found(study, Assumptions(), 0.05)


def nothing_lost(study):
    return safe(study, Assumptions(), 0.3, 0.1).called


@pytest.mark.parametrize("study", [STUDY, PART])
@pytest.mark.parametrize("power", [gap, nothing_lost])
def test_the_least_number_of_positives_is_enough_and_one_less_is_not(study, power):
    least = least_positives(study, power)
    share = study.negatives / study.positives
    for positives, enough in ((least, True), (least - 1, False)):
        assert (power(replace(study, positives=positives, negatives=share * positives)) >= 0.8) is enough


@pytest.mark.parametrize(("study", "power"), [(STUDY, gap), (PART, nothing_lost)])
def test_the_least_number_of_seeds_is_enough_and_one_less_is_not(study, power):
    least = least_seeds(study, power)
    for seeds, enough in ((least, True), (least - 1, False)):
        assert (power(replace(study, seeds=seeds)) >= 0.8) is enough


def test_a_spread_over_seeds_that_no_images_make_up_for_is_said():
    few = replace(PART, seeds=3)
    assert least_positives(few, lambda study: found(study, Assumptions(tau=0.05), 0.05)) is None


def test_too_few_images_for_any_number_of_seeds_are_said():
    assert least_seeds(replace(PART, entries=20), gap) is None


@pytest.mark.parametrize("study", [replace(PART, seeds=2), replace(STUDY, folds=2, seeds=1)])
def test_below_three_networks_no_number_of_images_helps(study):
    assert question(study, nothing_lost)[:2] == (None, None)
    assert question(replace(study, folds=None), nothing_lost).least_seeds >= 3
