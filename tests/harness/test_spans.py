import contextlib
import os
import pickle
import time

import pytest

from harness import spans
from harness.spans import Part, Spans, Spent, added, span


@pytest.fixture
def clock(monkeypatch):
    """A time that stands still but for what is spent: (seconds of the processor, seconds of the clock)."""
    now = [Spent(0.0, 100.0)]

    def spend(processor, clock):
        now[0] = now[0].plus(Spent(processor, clock))

    monkeypatch.setattr(spans, "_now", lambda: now[0])
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    found = Spans()
    monkeypatch.setattr(spans, "SPANS", found)
    return spend, found


def test_what_stands_in_a_part_is_taken_out_of_the_one_around_it(clock):
    spend, found = clock
    spend(1, 2)
    with span(Part.STORE):
        spend(10, 20)
        with span(Part.TRAINING):
            spend(100, 200)
            with span(Part.STORE):
                spend(1000, 2000)
        spend(10, 20)
    spend(1, 2)
    assert found.sums() == {Part.PROCESSES: (2, 4), Part.STORE: (1020, 2040), Part.TRAINING: (100, 200)}


def test_nothing_is_lost_and_nothing_counted_twice_whatever_is_raised(clock):
    spend, found = clock
    for part in Part:
        with contextlib.suppress(KeyboardInterrupt), span(part), span(Part.DATA):
            spend(1, 3)
            raise KeyboardInterrupt
        spend(2, 5)
    sums = found.sums()
    whole = added({"all": Spent()}, {"all": Spent(*map(sum, zip(*sums.values(), strict=True)))})
    assert whole["all"] == (len(Part) * 3, len(Part) * 8)
    assert sums[Part.DATA] == (len(Part), 3 * len(Part))


def test_a_part_that_is_asked_for_while_it_is_open_is_counted_so_far(clock):
    spend, found = clock
    with span(Part.DATA):
        spend(1, 1)
        assert found.sums()[Part.DATA] == (1, 1)
        spend(1, 1)
    assert found.sums()[Part.DATA] == (2, 2)


def test_a_fork_counts_itself_alone():
    told, tell = os.pipe()
    with span(Part.REPORT):
        if (pid := os.fork()) == 0:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
            os.write(tell, pickle.dumps(spans.SPANS.sums()))
            os._exit(0)
        os.waitpid(pid, 0)
    sums = pickle.loads(os.read(told, 1 << 16))
    os.close(told)
    os.close(tell)
    assert set(sums) == {Part.PROCESSES}
    assert sums[Part.PROCESSES].processor >= 0.05


def test_what_jobs_tell_is_added_up(clock):
    _, found = clock
    found.of_jobs({Part.STORE: Spent(1, 2)})
    found.of_jobs({Part.STORE: Spent(1, 2), Part.DATA: Spent(3, 4)})
    assert found.jobs == {Part.STORE: (2, 4), Part.DATA: (3, 4)}
    assert found.sums() == {Part.PROCESSES: (0, 0)}
