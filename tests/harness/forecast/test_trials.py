from types import SimpleNamespace

import pytest

from harness.forecast.rates import Rates
from harness.forecast.trials import TrialsLeft
from harness.forecast.work import CELL, Cost, EntryWork, Piece
from harness.running.job_watcher import Steps

TRAIN = Cost("train", "tiny")
DENSE = Piece("dense", TRAIN, 100.0, 100)
WORK = {"dense": EntryWork(((DENSE,),)), "lt": EntryWork(((DENSE,), (Piece("lt1", TRAIN, 80.0, 80),)))}


def left(clock=lambda: 0.0, work=WORK, rates=None):
    known = {TRAIN: 0.1, CELL: 1.0} if rates is None else rates
    return TrialsLeft(["dense", "lt"], work, Rates(known), trials=10, seeds=3, workers=2, clock=clock)


def test_trials_that_are_left_times_what_one_takes():
    found = left()
    dense, lt = 3 * (10.0 + 1.0), 3 * (8.0 + 2.0)  # the dense network is there when lt is tuned
    assert found.seconds_left() == pytest.approx(10 * (dense + lt) / 2)
    found.counted("dense", 10)
    found.counted("lt", 4)
    found.counted("another", 4)
    assert found.seconds_left() == pytest.approx(6 * lt / 2)
    found.counted("lt", 12)
    assert found.seconds_left() == 0


def test_what_is_not_known_is_not_told():
    assert left(work={"dense": WORK["dense"]}).seconds_left() is None
    assert left(work={**WORK, "lt": EntryWork(unknown="it fails")}).seconds_left() is None
    assert left(rates={CELL: 1.0}).seconds_left() is None
    assert TrialsLeft().seconds_left() is None


def test_steps_are_learned_as_they_are_told():
    job, now = SimpleNamespace(), iter([0.0, 1.0, 5.0]).__next__
    found = left(clock=now)
    for done in (0, 4, 44):
        found.told(job, "steps", Steps("train", "tiny", done, 100))
    found.counted("dense", 10)
    slower = (2 + 4) / (2 + 4)
    step = (20 * 0.1 * slower + 4.0) / (20 + 40)
    assert found.seconds_left() == pytest.approx(10 * 3 * (80 * step + 2) / 2)
