"""A job's process, heard to its end by the process that started it; the jobs here need no plan and no torch."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from types import SimpleNamespace

import pytest

from harness.errors import MachineError, StoreError
from harness.planning.cell_limit import CellLimit
from harness.running.channel import Weight
from harness.running.job_process import JobProcess, Task, forked, fresh
from harness.spans import Part, span
from harness.storage.store import StageBusy

GB = 10**9


def said(work, job=None, limit_s=30.0, memory=None, start=forked, tell=()):
    """Return all that the parent hears of a job but for how it has spent its time."""
    return [message for message in heard_of(work, job, limit_s, memory, start, tell) if message[0] != "spent"]


def heard_of(work, job=None, limit_s=30.0, memory=None, start=forked, tell=()):
    """Return all that the parent hears of a job."""
    ours, theirs = Pipe()
    for message in tell:
        ours.send(message)
    plan = SimpleNamespace(cell_limit=CellLimit(limit_s, memory))
    process = JobProcess(theirs, Task(plan, job, work), start, limit_s)
    heard = []
    hearing = threading.Thread(target=hear, args=(ours, heard))  # after the fork, which keeps no thread
    hearing.start()
    process.run()
    theirs.close()
    hearing.join()
    return heard


def hear(connection, heard):
    with contextlib.suppress(EOFError):
        while True:
            heard.append(connection.recv())


def works(_, job, line):
    with span(Part.METHODS):
        until = time.process_time() + job
        while time.process_time() < until:
            pass


def test_a_job_tells_last_how_it_has_spent_its_time():
    *_, (kind, spent), last = heard_of(works, 0.1)
    assert (kind, last[0]) == ("spent", "done")
    assert 0.1 <= spent[Part.METHODS].processor < 1
    assert set(spent) == {Part.METHODS, Part.PROCESSES}


def speaks(_, job, line):
    for number in range(job):
        line.send(("cell", "x" * 100_000 * number))


def answers(_, __, line):
    line.send(("level", line.recv() + line.recv()))


def writes(*_):
    print("from Python")
    os.write(2, b"from below\n")


def raises(_, job, __):
    raise job


def ends_in_a_message(_, job, line):
    line.send(("cell", 1))
    os.write(line.fileno(), (100).to_bytes(8, "big") + b"\0" + b"half")
    os.kill(os.getpid(), job)


def leaves_a_child(_, job, line):
    line.send(("cell", os.getpid()))
    if os.fork() == 0:
        time.sleep(600)
    if job is not None:
        os._exit(job)


def sleeps(_, job, line):
    for _ in range(3):
        time.sleep(job)
        line.send(("cell", 0))


def murmurs(_, job, line):
    for _ in range(600):
        time.sleep(job)
        line.send(("steps", None), Weight.ASIDE)


def sleeps_alone(_, job, __):
    os.close(job)  # the end that no worker has
    time.sleep(600)


def writes_without_end(*_):
    print("the beginning")
    for _ in range(200_000):
        print("x" * 50)
    print("the end")


def grows(_, job, __):
    bytearray(job)


class UnspeakableError(Exception):
    def __str__(self):
        raise ValueError


def test_what_a_job_says_and_is_told_is_passed_on_whole_and_in_order():
    assert said(speaks, 4) == [*(("cell", "x" * 100_000 * n) for n in range(4)), ("done", None)]
    assert said(answers, tell=[1, 2]) == [("level", 3), ("done", None)]


def test_a_process_started_fresh_does_a_job_as_well():
    """What a spawned process can import is not in a test's file: `print` is handed plan, job and line."""
    (kind, text), last = said(print, "the job", start=fresh)
    assert (kind, last) == ("output", ("done", None))
    assert "the job" in text


def test_what_a_job_writes_comes_before_its_end_and_not_on_our_own_output(capfd):
    assert said(writes) == [("output", "from Python\nfrom below"), ("done", None)]
    assert capfd.readouterr() == ("", "")


def test_a_flood_of_output_neither_blocks_nor_grows():
    (kind, text), last = said(writes_without_end)
    assert (kind, last) == ("output", ("done", None))
    assert len(text) <= 16_000
    assert text.endswith("the end")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("wrong"), "ValueError: wrong"),
        (UnspeakableError(), "UnspeakableError, whose text raises ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (MemoryError(), "MemoryError: ; use fewer --jobs, a smaller image size or batch"),
    ],
)
def test_whatever_a_job_raises_is_its_own_with_reason_and_traceback(error, reason):
    ((kind, (found, detail)),) = said(raises, error)
    assert (kind, found) == ("died", reason)
    assert "Traceback" in detail
    assert "in raises" in detail


@pytest.mark.parametrize("error", [StoreError("no space"), MachineError("no head can be drawn")])
def test_an_error_of_the_harness_is_handed_on(error):
    ((kind, found),) = said(raises, error)
    assert (kind, type(found), found.message) == ("error", type(error), error.message)


def test_a_busy_stage_is_no_failure():
    assert said(raises, StageBusy("key")) == [("busy", "key")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_death_in_the_middle_of_a_message_keeps_the_whole_ones(number):
    first, (kind, (reason, detail)) = said(ends_in_a_message, number)
    assert (first, kind) == (("cell", 1), "died")
    assert f"killed by signal {int(number)}" in reason
    assert ("ends_in_a_message" in detail) == (number == signal.SIGSEGV)  # the line that did it


@pytest.mark.parametrize("code", [0, 7, None])
def test_nothing_that_a_job_started_outlives_it(code):
    before = time.monotonic()
    (_, group), (kind, payload) = said(leaves_a_child, code)
    assert kind == ("done" if code is None else "died")
    assert code is None or f"exit code {code} in the middle of the job" in payload[0]
    assert time.monotonic() - before < 10
    assert soon(lambda: not are_running("-g", group))


def test_the_limit_is_for_each_cell_and_names_the_flag():
    assert [kind for kind, _ in said(sleeps, 0.4, limit_s=1.0)] == ["cell"] * 3 + ["done"]
    ((kind, (reason, _)),) = said(sleeps, 30, limit_s=0.5)
    assert kind == "died"
    assert reason == "it took more than 0.5 s: --cell-limit says how much a cell may take"


def test_what_a_job_says_of_its_steps_gives_it_no_more_time():
    *asides, (kind, (reason, _)) = said(murmurs, 0.1, limit_s=1.0)
    assert {kind for kind, _ in asides} == {"steps"}
    assert kind == "died"
    assert reason.startswith("it took more than 1 s")


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts what is mapped on Linux alone")
def test_memory_beyond_the_limit_is_an_error_of_the_job():
    assert said(grows, GB, memory=20 * GB) == [("done", None)]
    ((kind, (reason, _)),) = said(grows, 30 * GB, memory=20 * GB)
    assert (kind, reason.split(":")[0]) == ("died", "MemoryError")


def soon(happens):
    until = time.monotonic() + 10
    while not happens() and time.monotonic() < until:
        time.sleep(0.05)
    return happens()


def are_running(option, number):
    """Return whether a process or a session lives; a zombie, which nobody here waits for, does not."""
    found = subprocess.run(["ps", "-o", "stat=", option, str(number)], capture_output=True, text=True, check=False)
    return {line.strip()[:1] for line in found.stdout.splitlines()} - {"Z"}


def test_a_job_is_out_of_reach_of_its_parents_group():
    (_, group), _ = said(leaves_a_child)
    assert group != os.getpgrp()


def test_a_parent_that_is_gone_ends_the_job():
    ours, theirs = Pipe()
    task = Task(SimpleNamespace(cell_limit=CellLimit()), ours.fileno(), sleeps_alone)
    process = JobProcess(theirs, task, forked, 600.0)
    ours.close()
    with pytest.raises(EOFError):
        process.run()
    assert not are_running("-p", process._child.pid)
    assert isinstance(process._line._end, socket.socket)
    assert process._line.fileno() == -1
