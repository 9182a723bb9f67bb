"""When a job whose stage somebody computes is tried again."""

import pytest

from harness.running import put_back
from harness.running.put_back import MOST_RETRY_S, RETRY_BUSY_S, PutBack


@pytest.fixture
def waiting(monkeypatch):
    """Return an empty queue, and a function that lets time pass and says who is to be tried by then."""
    now = [1000.0]
    monkeypatch.setattr(put_back.time, "monotonic", lambda: now[0])
    made = PutBack()

    def after(seconds):
        now[0] += seconds
        return list(iter(made.next, None))

    return made, after


def test_a_busy_job_is_tried_again_as_soon_as_its_stage_is_there(waiting):
    made, after = waiting
    made.add("job", "key")
    made.freed("another")
    assert after(RETRY_BUSY_S / 2) == []
    made.freed("key")
    assert after(0) == ["job"]
    assert after(1000) == []
    assert not len(made)


def test_otherwise_it_is_tried_ever_more_seldom_but_always_again(waiting):
    made, after = waiting
    waits = []
    for _ in range(9):
        made.add("job", "key")
        waited = RETRY_BUSY_S / 4
        while not after(RETRY_BUSY_S / 4):
            waited += RETRY_BUSY_S / 4
        waits.append(waited)
    assert waits[:4] == [RETRY_BUSY_S * 2**tried for tried in range(4)]
    assert set(waits[6:]) == {MOST_RETRY_S}


def test_who_waits_for_several_stages_is_tried_once_a_time(waiting):
    made, after = waiting
    made.add("job", "a")
    assert after(RETRY_BUSY_S) == ["job"]
    made.add("job", "b")
    made.freed("a")
    made.freed("b")
    assert after(0) == ["job"]
    assert after(1000) == []


def test_the_first_due_is_the_first_tried(waiting):
    made, after = waiting
    for name in "abc":
        made.add(name, name)
    made.freed("c")
    assert after(RETRY_BUSY_S) == ["c", "a", "b"]
