import io
from types import SimpleNamespace

from rich.console import Console

from harness.progress import Reporter
from harness.running.executors.executor import JobListener
from harness.running.job_lines import MOST, SHARE, JobLines
from harness.running.job_watcher import StageEnd, Steps

LEVELS = (1.0, 0.25)


def lines():
    reporter = Reporter(Console(file=io.StringIO()))
    return JobLines(reporter.task("x", 1, "cells").__enter__(), lambda job: f"lt seed {job}", lambda _: LEVELS)


def test_a_line_says_level_and_step():
    told = lines()
    told.began(3)
    assert told.lines() == ["lt seed 3 at 100 %"]
    told.told(3, "steps", Steps("train", "alexnet", 7, 150))
    assert told.lines() == ["lt seed 3 at 100 %: training, step 7 of 150"]
    told.told(3, "stage", StageEnd("train", "alexnet", "k", 150, 1.0, 1.0, replayed=False))
    assert told.lines() == ["lt seed 3 at 100 %"]
    told.told(3, "cell", None)
    told.told(3, "steps", Steps("compute", "methods.l_obs.inverse_hessians", 0, 0))
    assert told.lines() == ["lt seed 3 at 25 %: inverse hessians"]
    told.told(3, "cell", None)
    told.told(3, "steps", Steps("pretrain", "alexnet", 5, 20))
    assert told.lines() == ["lt seed 3: pretraining alexnet, step 5 of 20"]
    told.ended(3, "done")
    assert told.lines() == []


def test_many_workers_are_a_few_lines():
    told = lines()
    for job in range(MOST + 5):
        told.began(job)
    assert len(told.lines()) == MOST
    assert told.lines()[-1] == "and 6 more workers"


def test_a_job_that_cannot_be_hashed_has_a_line():
    told = lines()
    job = {"a": 1}
    told.began(job)
    told.ended(job, "died")
    assert told.lines() == []


def test_what_is_left_is_shown_from_the_beginning_and_asked_for_once_a_second():
    now, asked, shown = [0.0], [], []
    task = SimpleNamespace(within=lambda left, _: shown.append(left))

    def left():
        asked.append(now[0])
        return 60.0 - now[0]

    told = JobLines(task, str, lambda _: LEVELS, lambda: now[0])
    told.look(left, JobListener())
    assert shown == [60.0]
    for tenth in range(1, 26):
        now[0] = tenth / 10
        told.told("lt", "steps", Steps("train", "alexnet", tenth, 150))
    assert asked == [0.0, 1.0, 2.0]
    assert shown[-1] == 58.0


def test_another_hears_of_the_same_jobs():
    heard = []
    other = SimpleNamespace(
        **{name: lambda *said, n=name: heard.append((n, *said)) for name in ("began", "told", "ended")}
    )
    told = lines()
    told.look(lambda: None, other)
    told.began(1)
    told.told(1, "cell", "payload")
    told.ended(1, "busy")
    assert heard == [("began", 1), ("told", 1, "cell", "payload"), ("ended", 1, "busy")]


def test_adding_up_what_is_left_takes_its_share_of_the_time_and_no_more():
    now, asked = [0.0], []

    def left():
        asked.append(now[0])
        now[0] += 2.0
        return 60.0

    task = SimpleNamespace(within=lambda *_: None)
    told = JobLines(task, str, lambda _: LEVELS, lambda: now[0])
    told.look(left, JobListener())
    while now[0] < 1000.0:
        now[0] += 0.25
        told.show()
    assert 0.9 * SHARE <= 2.0 * len(asked) / now[0] <= 1.2 * SHARE
