"""A worker process beside who passes on its words; no cluster is needed for that."""

import pickle
import time

import pytest

from harness.running.executors import host
from harness.running.executors.admission import Admission
from harness.running.executors.host import Host

STRANGER = Admission(code="0", device="cpu", environment="", plugins={}, weights=None, mark=None)


def heard(one):
    """Return (all messages, how it ended)."""
    messages, ended = [], None
    while ended is None:
        _, more, ended = one.hear()
        messages += map(pickle.loads, more)
    return messages, ended


def test_a_worker_that_is_not_admitted_says_why_and_reads_no_plan():
    one = Host([pickle.dumps(STRANGER), b"no pickle at all"], {})
    messages, (code, words) = heard(one)
    ((kind, reason),) = messages
    assert (kind, code, words) == ("refused", 0, "")
    assert reason.startswith("its harness is another one")


def test_a_node_without_the_harness_tells_so(monkeypatch):
    monkeypatch.setattr(host, "WORKER", "harness_that_is_not_there")
    messages, (code, words) = heard(Host([b"", b""], {}))
    assert (messages, code) == ([], 1)
    assert "No module named harness_that_is_not_there" in words


ECHO = """
import os, sys, time
from multiprocessing.connection import Connection
line = Connection(int(sys.argv[1]))
line.send(("order", line.recv_bytes()))
line.send(("variables", {name: value for name, value in os.environ.items() if name in ("RAY_JOB_ID", "MINE")}))
while True:
    line.send(("echo", line.recv()))
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    (tmp_path / "echoing.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("RAY_JOB_ID", "1")
    monkeypatch.setattr(host, "WORKER", "echoing")
    one = Host([b"the order"], {"MINE": "2"})
    yield one
    one.stop()
    if not one._words.closed:
        heard(one)


def test_words_go_both_ways_and_the_clusters_variables_do_not(echo):
    messages = []
    while len(messages) < 2:
        messages += map(pickle.loads, echo.hear()[1])
    assert messages == [("order", b"the order"), ("variables", {"MINE": "2"})]
    echo.tell(pickle.dumps({"job": 1}))
    assert [*map(pickle.loads, echo.hear()[1])] == [("echo", {"job": 1})]


def test_words_that_come_fast_go_together(echo, monkeypatch):
    monkeypatch.setattr(Host, "every_s", 1.0)
    echo.hear()
    for number in range(50):
        echo.tell(pickle.dumps(number))
    answers, found = 0, []
    while len(found) < 50:
        more = [value for kind, value in map(pickle.loads, echo.hear()[1]) if kind == "echo"]
        answers, found = answers + 1, found + more
    assert found == [*range(50)]
    assert answers < 5


def test_a_worker_that_is_stopped_has_ended(echo):
    began = time.monotonic()
    echo.stop()
    assert heard(echo)[1] == (-15, "")
    assert time.monotonic() - began < Host.stop_s
