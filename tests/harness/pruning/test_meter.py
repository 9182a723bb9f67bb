"""What was used, counted once a stage, and how the last training ended."""

import pytest

from harness.pruning.meter import Meter
from harness.storage.stage import Stage


def stage(key, seconds=0.0, processor_seconds=0.0, value=None):
    return Stage(key, value, seconds, processor_seconds, replayed=False)


def training(key, steps=8, kept=(2, 8), outcome="trained", seconds=1.0):
    value = {"steps": steps, "kept_epoch": kept[0], "kept_step": kept[1], "outcome": outcome}
    return stage(key, seconds, 2 * seconds, value)


def costs(meter):
    return meter.seconds, meter.processor_seconds, meter.steps


def last_training(meter):
    return meter.kept_epoch, meter.kept_step, meter.untrained


def test_a_new_meter_has_counted_nothing_and_knows_of_no_training():
    assert costs(Meter()) == (0, 0, 0)
    assert last_training(Meter()) == (None, None, False)


def test_costs_are_the_sums_over_stages():
    meter = Meter()
    meter.count(stage("a", 1.5, 2.5))
    meter.count(stage("b", 0.25, 4.0), steps=7)
    meter.count_training(training("c", steps=5, seconds=3.0))
    assert costs(meter) == (1.5 + 0.25 + 3.0, 2.5 + 4.0 + 6.0, 7 + 5)


def test_a_stage_counts_once_however_often_it_is_used():
    meter = Meter()
    for seconds in (1.0, 9.0):  # what it cost when it was computed is what was read first
        meter.count(stage("a", seconds))
        meter.count_training(training("b", seconds=seconds))
    assert costs(meter) == (2.0, 2.0, 8)


def test_no_stage_but_a_training_tells_what_is_kept():
    meter = Meter()
    meter.count(stage("a"), steps=4)
    assert last_training(meter) == (None, None, False)


def test_the_last_training_tells_what_is_kept_counted_before_or_not():
    meter = Meter()
    meter.count_training(training("a", kept=(2, 8)))
    assert last_training(meter) == (2, 8, False)
    meter.count_training(training("b", steps=0, kept=(0, 0), outcome="dead"))
    assert last_training(meter) == (0, 0, True)
    meter.count_training(training("a", kept=(2, 8)))  # once more, at no cost
    assert last_training(meter) == (2, 8, False)
    assert costs(meter) == (2.0, 4.0, 8)
    meter.count_training(training("c", steps=3, kept=(0, 0), outcome="diverged"))
    assert last_training(meter) == (0, 0, False)


@pytest.fixture
def two():
    """Two meters of a stage of their own and a training that both have used."""
    meters = Meter(), Meter()
    for key, seconds, meter in zip("ab", (0.5, 0.25), meters, strict=True):
        meter.count(stage(key, seconds, seconds))
        meter.count_training(training("both", steps=8))
    return meters


def test_what_two_meters_have_counted_counts_once_together(two):
    one, other = two
    one.add(other)
    assert costs(one) == (0.5 + 0.25 + 1.0, 0.5 + 0.25 + 2.0, 8)
    one.add(other)
    assert costs(one) == (1.75, 2.75, 8)
    one.count(stage("b", 9.0))  # it has been counted: by the other
    assert costs(one) == (1.75, 2.75, 8)


def test_adding_leaves_the_other_meter_as_it_was_and_the_two_apart(two):
    one, other = two
    one.add(other)
    assert costs(other) == (1.25, 2.25, 8)
    one.count(stage("c", 4.0))
    other.count(stage("d", 5.0))
    assert (one.seconds, other.seconds) == (5.75, 6.25)


@pytest.mark.parametrize("outcome", ["trained", "dead"])
def test_adding_leaves_the_last_training_as_it_was(outcome):
    others = {"trained": "dead", "dead": "trained"}
    meter, other = Meter(), Meter()
    other.count_training(training("other", kept=(5, 20), outcome=others[outcome]))
    meter.add(other)
    assert last_training(meter) == (None, None, False)
    meter.count_training(training("own", kept=(3, 12), outcome=outcome))
    meter.add(other)
    assert last_training(meter) == (3, 12, outcome == "dead")


def test_a_meter_added_to_itself_stays_what_it_is(two):
    meter = two[0]
    before = costs(meter), last_training(meter)
    meter.add(meter)
    assert (costs(meter), last_training(meter)) == before
