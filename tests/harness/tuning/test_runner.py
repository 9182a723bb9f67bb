"""What becomes of trials whose workers are lost; study and workers are made up."""

from collections import deque
from types import SimpleNamespace

import pytest

from harness.running.executors.executor import Message
from harness.tuning.runner import MOST_LOSSES, Runner
from harness.tuning.study import MOST_TRIES, Claimed


class Study:
    """Queues values that were lost again, under the next number, until they are to blame as often as a study allows."""

    def __init__(self, *xs):
        self.definition = SimpleNamespace(name="study")
        self.queued, self.live, self.ended, self.blamed, self.number = deque((x, 1) for x in xs), {}, {}, [], 0

    def claim(self, budget):
        if not self.queued:
            return None
        x, tries = self.queued.popleft()
        claimed = Claimed(self.number, {"x": x}, 0.0)
        self.number += 1
        self.live[claimed.number] = tries
        return claimed

    def lose(self, claimed, reason, spent, *, blame=True):
        tries = self.live.pop(claimed.number)
        self.blamed.append(blame)
        if blame and tries >= MOST_TRIES:
            self.ended[claimed.values["x"]] = reason
        else:
            self.queued.appendleft((claimed.values["x"], tries + blame))

    def finish(self, claimed, levels, spent, *, pruned=False):
        del self.live[claimed.number]
        self.ended[claimed.values["x"]] = "done"

    def settled(self, budget):
        return len(self.ended) == budget

    def counted(self):
        return len(self.ended)

    def beat(self):
        pass

    def let_go(self, reason):
        pass


class Workers:
    """One worker, whose node is lost over the value 2."""

    def __init__(self):
        self.job, self.given = None, []

    def idle(self):
        return iter(() if self.job else (self,))

    def give(self, worker, job):
        self.job = job
        self.given.append(job.x)
        assert len(self.given) < 30, "it goes on for ever"
        return True

    def heard(self):
        job, self.job = self.job, None
        if job is not None:
            yield Message(self, job, *(("lost", "the power went") if job.x == 2 else ("done", None)))


@pytest.fixture
def runner(monkeypatch):
    made = Runner([(None, Study(1, 2, 3))], 3, lambda *_: None)

    def job(trial):
        return SimpleNamespace(study="study", number=trial.claimed.number, x=trial.claimed.values["x"])

    monkeypatch.setattr(made, "_job", job)
    return made


def test_a_trial_that_loses_its_worker_time_and_again_is_to_blame_from_the_third_on(runner):
    workers = Workers()
    runner.run(workers, lambda: None)
    ((_, study),) = runner.pairs
    assert study.ended == {1: "done", 2: "the power went", 3: "done"}
    assert study.blamed == [False] * (MOST_LOSSES - 1) + [True] * MOST_TRIES
    assert workers.given == [1, *[2] * (MOST_LOSSES - 1 + MOST_TRIES), 3]
