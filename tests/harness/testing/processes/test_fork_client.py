"""The processes of checks: whatever becomes of the one who asks, none is left, and no answer goes to another's job."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.children import fork
from harness.errors import MachineError
from harness.methods.magnitude import Magnitude
from harness.pruning import SaliencyPruner
from harness.testing.case.subject import recipe_of, subjects
from harness.testing.checks.registry import CheckOutcome
from harness.testing.processes import fork_client as module
from harness.testing.processes.fork_client import fork_client

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Waits(SaliencyPruner):
    """Leaves the number of its process in a file, and waits."""

    source = "test"
    file: str = ""

    def saliency(self, bench, network):
        Path(self.file).write_text(str(os.getpid()))
        time.sleep(600)


ASKS = """
import sys
sys.path.append(sys.argv[1])
from harness.testing import check_named
from test_fork_client import Waits
check_named("comes_to_its_end")(Waits(file=sys.argv[2]))
"""


@pytest.fixture
def waiting(tmp_path):
    """Return the file that tells the number of the waiting process, and the method that writes it."""
    file = tmp_path / "process"
    return file, recipe_of(subjects(Waits(file=str(file)))[0])


@pytest.fixture
def _interrupts(waiting):
    """Interrupt this process as soon as the method waits."""

    def interrupt(*_):
        raise TimeoutError

    def watch():
        _wait_until(lambda: _written(waiting[0]))
        os.kill(os.getpid(), signal.SIGUSR1)

    usual = signal.signal(signal.SIGUSR1, interrupt)
    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()
    signal.signal(signal.SIGUSR1, usual)


def test_a_job_whose_time_is_up_has_no_exit_code_and_keeps_what_came_out(waiting):
    ended = fork_client().do(["source_is_given", "comes_to_its_end"], waiting[1], 1.0)
    assert ended.code is None
    assert ended.outcomes == {"source_is_given": CheckOutcome("ok")}


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupted_check_leaves_no_process_and_the_next_has_its_own_answer(waiting):
    file, recipe = waiting
    client = fork_client()
    assert os.getpgid(client.server.pid) != os.getpgid(0)  # where Ctrl-C does not reach it
    with pytest.raises(TimeoutError):
        client.do(["comes_to_its_end"], recipe, 60)
    assert client.server.returncode == 0
    assert not client.folder.exists()
    _wait_until(lambda: not _runs(int(file.read_text())))
    ended = fork_client().do(["source_is_given"], recipe, 60)
    assert (ended.code, ended.outcomes) == (0, {"source_is_given": CheckOutcome("ok")})


def test_a_process_that_is_forked_meanwhile_does_not_keep_the_server_alive(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 10)
    client = fork_client()
    client.do(["source_is_given"], recipe_of(subjects(Magnitude())[0]), 60)
    other = fork(lambda: time.sleep(600))
    try:
        client.close()
        assert client.server.returncode == 0
    finally:
        other.end()


def test_a_check_does_not_outlive_its_server_that_is_killed(waiting):
    file, recipe = waiting
    client = fork_client()

    def kill():
        _wait_until(lambda: _written(file))
        client.server.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(MachineError, match="ended with exit code -9"):
        client.do(["comes_to_its_end"], recipe, 60)
    thread.join()
    _wait_until(lambda: not _runs(int(file.read_text())))


def test_a_server_that_still_imports_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "_IMPORTING_S", 0.1)
    client = fork_client()
    client.close()
    assert client.server.returncode == -signal.SIGKILL


def test_a_check_does_not_outlive_who_asked_for_it(waiting, tmp_path):
    file, _ = waiting
    command = [sys.executable, "-P", "-c", ASKS, Path(__file__).parent, file]
    asking = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)})
    _wait_until(lambda: _written(file))
    asking.kill()
    asking.wait()
    _wait_until(lambda: not _runs(int(file.read_text())))


def test_a_server_that_is_gone_is_an_error_of_the_machine_and_the_next_job_has_another(waiting):
    client = fork_client()
    client.server.kill()
    with pytest.raises(MachineError, match="the process that starts checks ended with exit code -9"):
        client.do(["source_is_given"], waiting[1], 60)
    assert fork_client().do(["source_is_given"], waiting[1], 60).code == 0


def _written(file):
    return file.exists() and file.read_text()


def _runs(process):
    """Return whether it is there, and no mere entry of one that ended, which nobody may have waited for."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text() if Path("/proc/self/stat").exists() else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state.rpartition(") ")[2][:1] != "Z"


def _wait_until(condition):
    until = time.monotonic() + 50
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
