"""The process that counts and measures: what it finds arrives, and a method that ends or holds it costs the rest."""

import math
import os
import time

import pytest

from harness.forecast.investigation import Investigation
from harness.forecast.process import Inquiry
from harness.forecast.work import CELL, Cost, EntryWork

COUNTS = [{"train": (16, 32), "validation": (8, 16), "test": (8, 16)}]
TRAIN = Cost("train", "small-cnn")


@pytest.fixture
def started(make_plan):
    """Return a function that begins an inquiry; ended at the end of the test."""
    found = []

    def start(*methods, known=(), counts=COUNTS):
        found.append(Inquiry(make_plan(*methods, network="small-cnn"), counts, known))
        return found[-1]

    yield start
    for one in found:
        one.end()


@pytest.fixture
def _quick(monkeypatch):
    """Nothing is measured: what is measured has no images here."""
    monkeypatch.setattr(Investigation, "_measure", lambda *_: None)


@pytest.mark.usefixtures("_quick")
def test_all_entries_are_counted_for_each_group_of_plans(started):
    larger = [{**COUNTS[0], "train": (32, 64)}]
    found = started(("lt", {}), counts=[*COUNTS, *larger]).hear(60)
    assert found.ended
    assert set(found.work) == {(group, text) for group in (0, 1) for text in ("dense", "lt")}
    steps = [sum(piece.steps for piece in found.work[group, "dense"].pieces) for group in (0, 1)]
    assert steps == [12, 24]


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("does", ["ends", "hangs"])
def test_what_a_method_does_there_costs_what_comes_after_it(started, monkeypatch, does):
    monkeypatch.setattr(
        "harness.methods.magnitude.Magnitude.prune", lambda *_: os._exit(3) if does == "ends" else time.sleep(600)
    )
    inquiry = started(("lt", {}), ("magnitude", {}))
    inquiry._until = math.inf
    while len(inquiry.found.work) < 2:
        inquiry.hear(60 if does == "ends" else 0.1)
    inquiry._until = 0 if does == "hangs" else math.inf  # its time is up
    found = inquiry.hear(60)
    assert found.ended
    assert set(found.work) == {(0, "dense"), (0, "lt")}


def test_a_step_is_timed_and_scoring_and_what_is_known_is_not(make_plan, monkeypatch):
    plan, told = make_plan(("snip", {}), network="small-cnn"), []
    monkeypatch.setattr("harness.forecast.calibration.Calibration.decoding", lambda _: None)
    Investigation(plan, COUNTS, {CELL}, told.append).run()
    rates = {one[1]: one[2] for one in told if one[0] == "rate"}
    assert CELL not in rates
    assert 0 < rates[TRAIN] < 10
    snip = next(cost for cost in rates if cost.kind == "compute")
    assert snip.what.endswith("connection_sensitivity")
    assert [one[0] for one in told].index("basics") > [one[0] for one in told].index("work")


def test_a_computation_that_takes_long_is_given_up(make_plan, monkeypatch):
    plan, told = make_plan(("snip", {}), network="small-cnn"), []
    monkeypatch.setattr("harness.forecast.calibration.Calibration.decoding", lambda _: None)
    monkeypatch.setattr("harness.forecast.calibration.LONGEST_S", 1e-6)
    Investigation(plan, COUNTS, (), told.append).run()
    assert not [one for one in told if one[0] == "rate" and one[1].kind == "compute"]
    assert {one[2] for one in told if one[0] == "work"} == {"dense", "snip"}


def test_on_a_gpu_nothing_is_timed_beforehand(make_plan):
    plan, told = make_plan(("lt", {}), network="small-cnn", device="cuda"), []
    Investigation(plan, COUNTS, (), told.append).run()
    assert not [one for one in told if one[0] == "rate"]
    assert all(isinstance(one[3], EntryWork) and not one[3].unknown for one in told if one[0] == "work")
