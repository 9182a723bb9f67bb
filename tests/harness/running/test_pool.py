"""The queue of jobs, with workers that answer at once; real ones are in the black-box tests."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest

from harness.results.cell_record import CellRecord
from harness.running import finished_jobs, pool, put_back
from harness.running.executors.executor import Listener, Message
from harness.running.job_watcher import StageEnd
from harness.running.pool import Job, Pool

ENTRIES = 3


class Workers:
    """Two workers; ``answers`` gives the kind of what a job ends with, by how often it was given."""

    def __init__(self, _plan, _work, count, _listener):
        self.given, self._hands = [], [None] * count
        Workers.started.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def busy(self):
        return any(job is not None for job in self._hands)

    def idle(self):
        return (place for place, job in enumerate(self._hands) if job is None)

    def give(self, worker, job):
        self._hands[worker] = job
        self.given.append(job)
        return True

    def heard(self):
        for place, job in enumerate(self._hands):
            if job is None:
                continue
            self._hands[place] = None
            kind = Workers.answers(job, self.given.count(job))
            if kind != "died":
                yield Message(place, job, "cell", (0, CellRecord(density=1.0, metrics={"seed": job.seed}), ""))
            if kind == "done":
                yield Message(place, job, "stages", {f"stage {job.seed}"})
            yield Message(place, job, kind, {"died": "killed", "busy": "a stage", "lost": "its node"}.get(kind))


class FinishedJobs:
    def __init__(self, _plan):
        pass

    def find(self, entry, seed):
        return FinishedJobs.held.get((entry.number, seed))

    def keep(self, entry, seed, records, stages):
        FinishedJobs.kept[entry.number, seed] = records, stages


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch):
    monkeypatch.setattr(put_back, "RETRY_BUSY_S", 0.0)
    monkeypatch.setattr(finished_jobs, "FinishedJobs", FinishedJobs)
    Workers.started, Workers.answers = [], lambda _job, _times: "done"
    FinishedJobs.held, FinishedJobs.kept = {}, {}


def plan_of(seeds):
    entries = tuple(SimpleNamespace(method="m", number=number) for number in range(ENTRIES))
    return SimpleNamespace(entries=entries, seeds=tuple(range(seeds)), densities=(1.0, 0.5), jobs=2)


def outcomes(seeds=2, **more):
    return list(Pool(plan_of(seeds), Listener(), employ=Workers, **more).run())


def test_each_job_is_given_once_and_ends_once_in_order():
    found = outcomes()
    assert (
        [one.job for one in found] == Workers.started[0].given == [Job(e, s) for s in range(2) for e in range(ENTRIES)]
    )
    assert [one.records[0].metrics["seed"] for one in found] == [one.job.seed for one in found]


def test_jobs_of_a_busy_stage_wait_until_no_other_is_left():
    Workers.answers = lambda job, times: "busy" if job.entry == 0 and times < 3 else "done"
    found = outcomes()
    given = Workers.started[0].given
    assert Counter(given) == {Job(e, s): 3 if e == 0 else 1 for s in range(2) for e in range(ENTRIES)}
    assert {one.job.entry for one in found[-2:]} == {0}
    assert set(given[:6]) == {one.job for one in found}  # every job was tried before any was tried again


def test_a_busy_job_is_left_alone_for_a_while(monkeypatch):
    monkeypatch.setattr(put_back, "RETRY_BUSY_S", 0.2)
    Workers.answers = lambda job, times: "busy" if job == Job(0, 0) and times == 1 else "done"
    began = time.monotonic()
    assert outcomes(1)[-1].job == Job(0, 0)
    assert time.monotonic() - began >= 0.2


def test_a_job_that_dies_has_failed_cells_and_is_not_kept():
    Workers.answers = lambda job, _times: "died" if job == Job(1, 0) else "done"
    found = {one.job: one.records for one in outcomes(1)}
    assert [(one.status, one.reason) for one in found[Job(1, 0)]] == [("failed", "killed")] * 2
    assert FinishedJobs.kept.keys() == {(0, 0), (2, 0)}
    assert FinishedJobs.kept[0, 0] == (found[Job(0, 0)], {"stage 0"})


def test_what_was_done_before_needs_no_worker_and_is_told_as_any():
    FinishedJobs.held = {
        (e, s): [CellRecord(density=1.0)] for e in range(ENTRIES) for s in range(2) if (e, s) != (1, 1)
    }
    told = []
    found = outcomes(cell=lambda job, *_: told.append(job))
    assert Workers.started[0].given == [Job(1, 1)]
    assert [one.job for one in found][-1] == Job(1, 1)
    assert Counter(told) == Counter(one.job for one in found)
    assert len(found) == 2 * ENTRIES


def test_where_all_was_done_before_no_worker_is_started():
    FinishedJobs.held = {(e, 0): [CellRecord(density=1.0)] for e in range(ENTRIES)}
    assert len(outcomes(1)) == ENTRIES
    assert not Workers.started


def test_nothing_is_kept_of_a_job_that_has_ended():
    """A run may have 100,000 cells, each with its scores and its mask."""
    running = Pool(plan_of(50), Listener(), employ=Workers)
    for _ in running.run():
        assert len(running._records) + len(running._stages) <= 2
    assert not running._records
    assert not running.waiting


def test_who_listened_before_still_hears_of_all():
    heard = []
    jobs = SimpleNamespace(
        began=heard.append, told=lambda *what: heard.append(what), ended=lambda *what: heard.append(what)
    )
    listener = Pool(plan_of(1), Listener(jobs=jobs), employ=Workers)._hearing.jobs
    listener.began(Job(0, 0))
    listener.told(Job(0, 0), "cell", 1)
    listener.ended(Job(0, 0), "done")
    assert heard == [Job(0, 0), (Job(0, 0), "cell", 1), (Job(0, 0), "done")]


def test_what_workers_say_of_a_stage_frees_who_waits_for_it():
    running = Pool(plan_of(1), Listener(), employ=Workers)
    running._put_back.add(Job(0, 0), "key")
    running._hearing.jobs.told(Job(1, 0), "stage", StageEnd("train", "", "key", 1, 1.0, 1.0, replayed=False))
    assert running._put_back._due == {Job(0, 0): 0.0}


def test_a_job_that_loses_its_worker_goes_to_another_but_not_for_ever():
    Workers.answers = lambda job, times: "lost" if job.entry == 0 or (job.entry == 1 and times < 3) else "done"
    found = {one.job: one.records for one in outcomes(1)}
    assert Counter(Workers.started[0].given) == {Job(0, 0): 3, Job(1, 0): 3, Job(2, 0): 1}
    assert "lost its worker 3 times" in found[Job(0, 0)][-1].reason
    assert [one.status for one in found[Job(1, 0)]] == ["done"]


def test_workers_start_once_looking_for_finished_jobs_has_taken_its_time(monkeypatch):
    monkeypatch.setattr(pool, "LOOK_S", -1.0)
    FinishedJobs.held = {(e, 0): [CellRecord(density=1.0)] for e in range(ENTRIES)}
    assert len(outcomes(1)) == ENTRIES
    assert sorted(Workers.started[0].given, key=lambda job: job.entry) == [Job(e, 0) for e in range(ENTRIES)]
