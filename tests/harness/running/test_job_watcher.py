from itertools import pairwise
from types import SimpleNamespace

from harness.running.channel import Channel, Weight
from harness.running.job_watcher import EVERY_S, JobWatcher, StageEnd, Steps
from harness.storage.stage import Stage


class Line:
    def __init__(self, free=True):
        self.free, self.sent = free, []

    def send(self, message, weight=Weight.RESULT):
        self.sent.append((message, weight))


def test_steps_are_told_at_most_twice_a_second_and_only_where_nobody_must_wait():
    line, now = Line(), [100.0]
    watcher = JobWatcher(line, lambda: now[0])
    watcher.started("train", {"architecture": "tiny"})
    for step in range(1, 1001):
        now[0] += 0.01
        line.free = step < 500 or step > 700
        watcher.stepped(step, 1000)
    told = [message[1].done for message, _ in line.sent[1:]]
    assert len(told) <= 10 / EVERY_S
    assert all(later - sooner >= EVERY_S / 0.01 - 1 for sooner, later in pairwise(told))
    assert not [step for step in told if 500 <= step <= 700]
    assert {weight for _, weight in line.sent} == {Weight.ASIDE}


def test_stages_that_cost_are_told_with_what_they_took_and_the_rest_with_their_cell():
    line, now = Line(), [0.0]
    watcher = JobWatcher(line, lambda: now[0])
    watcher.started("score", {"architecture": "tiny"})
    watcher.ended("score", {}, Stage("s", {}, 9.0, 9.0, replayed=False))
    assert line.sent == []
    watcher.started("train", {"architecture": "tiny"})
    now[0] = 5.0
    watcher.ended("train", {"architecture": "tiny"}, Stage("t", {"steps": 7}, 4.0, 0.0, replayed=False))
    now[0] = 6.0
    watcher.cell_ended()
    begins, ends, cell = (message[1] for message, _ in line.sent)
    assert begins == Steps("train", "tiny", 0, 0)
    assert ends == StageEnd("train", "tiny", "t", 7, 4.0, 0.0, replayed=False)
    assert (cell.kind, cell.key, cell.seconds, cell.replayed) == ("cell", "t", 2.0, False)
    watcher.cell_ended()
    assert line.sent[-1][0][1].replayed


def test_a_pretraining_is_announced_as_a_result_which_gives_it_time():
    line = Line()
    JobWatcher(line).started("pretrain", {"architecture": SimpleNamespace()})
    assert [(message[0], weight) for message, weight in line.sent] == [
        ("pretraining", Weight.RESULT),
        ("steps", Weight.ASIDE),
    ]


def test_a_line_that_nobody_reads_is_not_free():
    ours, theirs = Channel.pair()
    assert ours.free
    ours._end.setblocking(False)
    try:
        while ours.free:
            ours.send("x" * 1000, Weight.ASIDE)
    finally:
        assert not ours.free
        ours.close()
        theirs.close()
