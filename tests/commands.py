"""Runs `harness` for the black-box tests: as a user does, or forked off a process that has the libraries loaded.

Importing torch, MLflow and their like takes five seconds of every command and of each of its workers, and these tests
give hundreds of them.
"""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HARNESS = Path(sys.executable).parent / "harness"


def environment(**extra):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "PYTEST", "COV_"))}
    return {**kept, "COLUMNS": "80", "NO_COLOR": "1", "HARNESS_OFFLINE": "1", "HARNESS_ESTIMATE": "0", **extra}


def harness(*arguments, cwd, check=None, fresh=False, path=None, code="", **extra):
    """Run a command to its end, in a new interpreter where ``fresh``; ``extra`` are variables of its environment.

    ``path``: a folder whose distributions are installed for a command that needs no new interpreter; their tracebacks
    may be shown. ``code``: what it runs first.
    """
    words = [str(argument) for argument in arguments]
    result = _started(words, cwd, extra) if fresh else _forked(words, cwd, path, code, extra)
    if check is not None:
        assert result.returncode == check, f"{result.stdout}\n{result.stderr}"
    assert path or "Traceback" not in result.stderr, result.stderr
    return result


def _started(arguments, cwd, extra):
    return subprocess.run(
        [HARNESS, *arguments],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def _forked(arguments, cwd, path, first, extra):
    installs = f"import os, sys; sys.path.insert(0, {str(path)!r}); os.environ['PYTHONPATH'] = {str(path)!r}\n"
    code = installs if path else ""
    variables = ({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"} if path else {}) | extra
    sets = f"import os; os.environ.update({variables!r})\n"
    return start(*arguments, cwd=cwd, apart=False, code=code + sets + first, worker_code=code).result()


@dataclass
class Running:
    """A command that was started; ``pid`` is its own process, workers and jobs are others."""

    arguments: list[str]
    pid: int
    output: Path

    @property
    def ended(self):
        return self.pid not in processes()

    def result(self):
        """Wait for its end and return what `subprocess.run` would; to be called once."""
        code = _asked({"wait": self.pid})
        out, err = ((self.output / name).read_text(errors="replace") for name in ("out", "err"))
        shutil.rmtree(self.output)
        return subprocess.CompletedProcess(self.arguments, code, out, err)


def start(*arguments, cwd, apart=True, code="", worker_code=""):
    """Start a command that is forked off, ``apart``: in a session of its own; it, and each worker, runs code first."""
    words, output = [str(argument) for argument in arguments], Path(tempfile.mkdtemp(dir=folder()))
    for name in ("out", "err"):  # also of a command that is killed before it begins
        (output / name).touch()
    request = {"cwd": str(cwd), "arguments": words, "apart": apart, "code": code, "worker_code": worker_code}
    pid = _asked({**request, "out": str(output / "out"), "err": str(output / "err")})
    return Running(words, pid, output)


def python(code, cwd):
    """Start code in a process of its own, forked off one that has the libraries loaded."""
    return start(cwd=cwd, code=f"{code}\nraise SystemExit")


def processes():
    """Return the parent of each process of the commands that were started and of their workers, by process."""
    return {pid: parent for pid, (parent, _) in _processes().items()}


def processor_seconds():
    """Return what the processes of the commands that run now have used, those included that they waited for."""
    return sum(seconds for _, seconds in _processes().values())


def _processes():
    """Return (parent, processor seconds) by process."""
    server, workers = _server()
    every = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    found = {int(path.name): _facts(path, server.args[-1]) for path in every}
    return {pid: facts for pid, facts in found.items() if facts is not None and pid not in (server.pid, workers)}


def workers_and_jobs():
    """Return the worker processes of all commands, and those of their jobs."""
    found, (_, forker) = processes(), _server()
    workers = [pid for pid, parent in found.items() if parent == forker]
    return workers, [pid for pid, parent in found.items() if parent in workers]


def kill(*pids):
    """SIGKILL processes, which may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _facts(path, word):
    """Return (parent, processor seconds) of a process that lives and has the word in its command line."""
    try:
        if word not in (path / "cmdline").read_text().split("\0"):
            return None
        state, parent, *numbers = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else (int(parent), sum(map(int, numbers[9:13])) / os.sysconf("SC_CLK_TCK"))


def _asked(request):
    server, _ = _server()
    try:
        server.stdin.write(f"{json.dumps(request)}\n")
        server.stdin.flush()
        return int(server.stdout.readline())
    except BaseException:  # a test's time was up: the next command must not read this one's answer
        _server.cache_clear()
        server.kill()
        raise


@functools.cache
def _server():
    """Return the process that forks commands, and that which forks their workers."""
    server = subprocess.Popen(
        [sys.executable, "-P", Path(__file__).with_name("warm_server.py"), folder()],
        env=environment(OMP_NUM_THREADS="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, server)
    return server, int(server.stdout.readline())


@functools.cache
def folder():
    """Return where the server and the commands keep what they write; its name tells their processes from others."""
    made = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, made)
    return made


def _end(server):
    with contextlib.suppress(OSError):
        server.stdin.close()
    server.wait()
    server.stdout.close()
