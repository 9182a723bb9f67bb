"""Runs `harness` for the black-box tests: as a user does, or forked off a process that has the libraries loaded.

Importing torch, MLflow and their like takes five seconds of every command, and these tests give a hundred of them.
"""

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HARNESS = Path(sys.executable).parent / "harness"

# A fork for each line of stdin, which tells folder, arguments and the files for its output; the exit codes to stdout.
WARM = """
import atexit, gc, json, os, sys
import altair, jinja2, mlflow, optuna, pandas, scipy.stats, sklearn.metrics, torch, torchvision, vl_convert
import harness.data.loading, harness.planning.configuration_file, harness.planning.planner, harness.running.run
import harness.cli.plan_summary, harness.reports.publishing.report
from harness.cli.main import main

gc.freeze()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        break
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
else:
    sys.exit()
request = json.loads(line)
os.chdir(request["cwd"])
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, name in ((1, "out"), (2, "err")):
    os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT), number)
sys.argv = ["harness", *request["arguments"]]
try:
    main()
    code = 0
except SystemExit as end:
    code = end.code or 0
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # taking down what was imported would cost more than most commands
"""


def environment(**extra):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "PYTEST", "COV_"))}
    return {**kept, "COLUMNS": "80", "NO_COLOR": "1", "HARNESS_OFFLINE": "1", **extra}


def harness(*arguments, cwd, check=None, fresh=False, **extra):
    """Run a command to its end; in a new interpreter where ``fresh`` or where it needs ``extra`` variables."""
    words = [str(argument) for argument in arguments]
    result = _started(words, cwd, extra) if fresh or extra else _forked(words, cwd)
    if check is not None:
        assert result.returncode == check, f"{result.stdout}\n{result.stderr}"
    assert "Traceback" not in result.stderr, result.stderr
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


def _forked(arguments, cwd):
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        request = {"cwd": str(cwd), "arguments": arguments, "out": str(out), "err": str(err)}
        code = _asked(json.dumps(request))
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def _asked(request):
    server = _server()
    try:
        server.stdin.write(f"{request}\n")
        server.stdin.flush()
        return int(server.stdout.readline())
    except BaseException:  # a test's time was up: the next command must not read this one's exit code
        _server.cache_clear()
        server.kill()
        raise


@functools.cache
def _server():
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", WARM],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, server)
    return server


def _end(server):
    with contextlib.suppress(OSError):
        server.stdin.close()
    server.wait()
    server.stdout.close()
