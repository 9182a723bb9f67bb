"""When a job whose stage somebody computes is tried again."""

import time
from types import SimpleNamespace

import pytest

from harness.running import pool
from harness.running.executors.executor import Listener, Message
from harness.running.job_watcher import StageEnd
from harness.running.pool import MOST_RETRY_S, RETRY_BUSY_S, Job, Pool

JOB, OTHER = Job(0, 0), Job(1, 0)


class Workers:
    """One that takes whatever it is given, and notes when."""

    def __init__(self, _plan, _work, _count, listener):
        self.listener, self.given = listener, []

    def idle(self):
        return iter(["worker"])

    def give(self, _worker, job):
        self.given.append((time.monotonic(), job))
        return True


@pytest.fixture
def waiting(monkeypatch):
    """Return a pool of one job, and a function that lets time pass and says what was given by then."""
    now = [1000.0]
    monkeypatch.setattr(pool, "Workers", Workers)
    monkeypatch.setattr(pool.time, "monotonic", lambda: now[0])
    made = Pool(SimpleNamespace(jobs=2), Listener(), jobs=[JOB])

    def after(seconds):
        now[0] += seconds
        made._assign()
        given, made.workers.given = [job for _, job in made.workers.given], []
        return given

    assert after(0) == [JOB]
    return made, after


def busy(made, key="key"):
    assert made._receive(Message("worker", JOB, "busy", key)) is None


def ended(made, key):
    made.workers.listener.jobs.told(OTHER, "stage", StageEnd("train", "", key, 1, 1.0, 1.0, replayed=False))


def test_a_busy_job_is_tried_again_as_soon_as_its_stage_is_there(waiting):
    made, after = waiting
    busy(made)
    ended(made, "another")
    assert after(RETRY_BUSY_S / 2) == []
    ended(made, "key")
    assert after(0) == [JOB]


def test_otherwise_it_is_tried_ever_more_seldom_but_always_again(waiting):
    made, after = waiting
    waits = []
    for _ in range(9):
        busy(made)
        waited = 0.0
        while not after(RETRY_BUSY_S / 4):
            waited += RETRY_BUSY_S / 4
        waits.append(waited + RETRY_BUSY_S / 4)
    assert waits[:4] == [RETRY_BUSY_S * 2**tried for tried in range(4)]
    assert set(waits[6:]) == {MOST_RETRY_S}


def test_who_listened_before_still_hears_of_all(monkeypatch):
    heard = []
    jobs = SimpleNamespace(
        began=heard.append, told=lambda *what: heard.append(what), ended=lambda *what: heard.append(what)
    )
    monkeypatch.setattr(pool, "Workers", Workers)
    listener = Pool(SimpleNamespace(jobs=1), Listener(jobs=jobs), jobs=[JOB]).workers.listener.jobs
    listener.began(JOB)
    listener.told(JOB, "cell", 1)
    listener.ended(JOB, "done")
    assert heard == [JOB, (JOB, "cell", 1), (JOB, "done")]
