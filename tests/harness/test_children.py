import os
import signal
import subprocess
import sys
import time

import pytest

from harness.children import apart, fork

PARENT = """
import os, signal, sys, time
from harness import children
sys.platform = sys.argv[1]
child = children.fork(lambda: [sys.argv[2] and os.kill(os.getpid(), signal.SIGSTOP), time.sleep(600)])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("platform", "stopped"),
    [
        (sys.platform, ""),
        ("another", ""),
        pytest.param(sys.platform, "stopped", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux's")),
    ],
)
def test_a_child_ends_with_its_parent_even_where_that_is_killed(platform, stopped):
    command = [sys.executable, "-P", "-c", PARENT, platform, stopped]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    time.sleep(0.2)
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while is_running(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process):
    """Return whether a process lives; a zombie, which nobody here waits for, does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] not in ("", "Z")


def raises():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    raise ValueError


@pytest.mark.parametrize(
    ("live", "code"), [(lambda: None, 0), (raises, 1), (lambda: os._exit(7), 7), (lambda: os.kill(os.getpid(), 9), -9)]
)
def test_how_a_child_ended(live, code):
    child = fork(live)
    while not child.ended:
        time.sleep(0.01)
    assert (child.code, child.end()) == (code, code)


def test_a_child_is_ended_at_once_whatever_it_ignores():
    child = fork(lambda: [signal.signal(signal.SIGTERM, signal.SIG_IGN), time.sleep(600)])
    assert child.end() == -signal.SIGKILL
    assert not is_running(child.pid)


def test_a_child_has_a_session_of_its_own():
    child = fork(lambda: time.sleep(600))
    until = time.monotonic() + 10
    while os.getsid(child.pid) != child.pid and time.monotonic() < until:
        time.sleep(0.01)
    assert os.getsid(child.pid) == child.pid
    child.end()


def test_a_fork_that_answers_nothing_is_no_answer():
    assert apart(lambda: os._exit(3)) is None
    assert apart(lambda: ["x" * 100_000]) == ["x" * 100_000]
