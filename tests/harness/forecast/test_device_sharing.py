"""How many processes pay on one device; here processes that compute on the CPU stand for it."""

import contextlib
import time

import pytest
import torch

from harness.forecast import device_sharing, stepping_process
from harness.forecast.device_sharing import Probe, Sharing, measured
from harness.forecast.stepping_process import SteppingProcess

GB = 2**30


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ({}, 1),
        ({1: 100.0}, 1),
        ({1: 100.0, 2: 94.9}, 1),
        ({1: 100.0, 2: 95.0}, 2),
        ({1: 100.0, 2: 180.0, 4: 188.0, 8: 181.0}, 8),
        ({1: 100.0, 2: 180.0, 4: 190.0, 8: 180.0}, 4),
        ({1: 100.0, 2: 90.0, 4: 110.0}, 4),
        ({1: 100.0, 2: 150.0, 4: 140.0}, 2),
    ],
)
def test_as_many_processes_are_chosen_as_do_not_slow_the_device_by_a_twentieth(rates, best):
    assert Sharing(rates).best(8) == best


def test_no_more_processes_than_are_asked_for_or_have_room():
    rates = {1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0}
    assert [Sharing(rates).best(most) for most in (1, 2, 3, 7, 8)] == [1, 2, 2, 4, 8]
    assert Sharing(rates, each=3 * GB, room=30 * GB).best(8) == 8  # four fifths of the room are 24
    assert Sharing(rates, each=4 * GB, room=30 * GB).best(8) == 4


class Made:
    """A process that takes ``rates[number of those that step]`` steps a second with others; the last of four fails."""

    stepping = 0
    made = 0
    free = (70 * GB, 66 * GB, 62 * GB)

    def __init__(self, *_):
        self.number = Made.made
        Made.made += 1

    def ready(self):
        if self.number == 3:
            raise EOFError
        return self.free[self.number]

    def begin(self, seconds):
        Made.stepping += 1

    def stepped(self):
        return stepping_process.Stepped(30, 3.0)

    def end(self):
        Made.made -= 1


@pytest.fixture
def made(monkeypatch):
    Made.made = Made.stepping = 0
    monkeypatch.setattr(device_sharing, "SteppingProcess", Made)


def test_the_rate_is_of_all_together_and_memory_what_the_second_took(made, make_plan):
    with Probe(make_plan(), images=48) as probe:
        assert probe.rate(1) == 10.0
        assert probe.memory == (None, None)
        assert probe.rate(2) == 20.0
        assert probe.memory == (4 * GB, 74 * GB)
        assert probe.rate(4) is None
        assert Made.made == 4
    assert Made.made == 0


def test_images_that_are_not_held_while_measuring_are_added(made, make_plan):
    plan = make_plan()
    images = (3 * GB) // (3 * plan.data.size**2)
    with Probe(plan, images) as probe:
        probe.rate(2)
        each, room = probe.memory
    assert room == 74 * GB
    assert each == pytest.approx(4 * GB + 3 * GB - 2**28, abs=10**4)


def test_measuring_ends_where_more_do_not_pay_or_a_process_fails(made, make_plan, monkeypatch):
    assert measured(make_plan(), 48, 8) == Sharing({1: 10.0, 2: 20.0}, 4 * GB, 74 * GB)
    Made.made = 0
    assert measured(make_plan(), 48, 1) == Sharing({1: 10.0})
    rates = {1: 10.0, 2: 9.4, 4: 99.0}
    monkeypatch.setattr(Probe, "rate", lambda _, count: rates[count])
    assert measured(make_plan(), 48, 8) == Sharing({1: 10.0, 2: 9.4})


@pytest.mark.slow
def test_processes_step_as_long_as_they_are_told(make_plan, monkeypatch):
    """Two that train for real, alone and at once."""
    monkeypatch.setattr(device_sharing, "TIMED_S", 0.3)
    plan = make_plan(device="cpu")
    with Probe(plan, images=48) as probe:
        first, both = probe.rate(1), probe.rate(2)
        assert probe.memory == (None, None)  # which only a GPU tells
    assert first > 0
    assert both > 0


def test_a_process_that_ends_is_an_end_of_file(make_plan, monkeypatch):
    monkeypatch.setattr(stepping_process, "_live", lambda *_: None)
    process = SteppingProcess(make_plan(), 48, None)
    with pytest.raises(EOFError):
        process.ready()
    process._told = 1.0
    with pytest.raises(EOFError):
        process.stepped()
    process.end()


def test_a_process_that_says_nothing_is_given_up(make_plan, monkeypatch):
    monkeypatch.setattr(stepping_process, "_READY_S", 0.2)
    monkeypatch.setattr(stepping_process, "_live", lambda *_: time.sleep(600))
    process = SteppingProcess(make_plan(), 48, None)
    with pytest.raises(EOFError):
        process.ready()
    process.end()
    assert process._child.ended


def test_what_is_timed_is_the_steps_after_the_first_and_the_seconds_asked_for(monkeypatch):
    """A clock that a step moves by a second: 12 steps before the first word, then as many as are told."""
    now, said, orders = [0.0], [], iter([10.0, 5.0])
    monkeypatch.setattr(stepping_process.time, "monotonic", lambda: now[0])

    class Line:
        send = staticmethod(said.append)

        @staticmethod
        def recv():
            now[0] += 100.0  # waiting for the order counts for nothing
            return next(orders)

    told = stepping_process._Told(Line, torch.device("cpu"))
    with contextlib.suppress(StopIteration):
        for done in range(1, 1000):
            now[0] += 1.0
            told.stepped(done, 1000)
    assert said == [None, (10, 10.0), (5, 5.0)]
