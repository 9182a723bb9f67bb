"""The process that `tests/commands.py` forks commands off: it has all loaded, and forks their worker processes too.

A line of JSON on stdin starts a command and is answered with its process; ``{"wait": process}`` with its exit code.
A command's own process, its workers and its jobs have the command line of this one, whose last word is its folder.
"""

import atexit
import functools
import gc
import json
import multiprocessing
import os
import socket
import sys
from multiprocessing import forkserver

import altair  # noqa: F401
import jinja2  # noqa: F401
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import optuna  # noqa: F401
import pandas as pd  # noqa: F401
import scipy.stats  # noqa: F401
import sklearn.metrics  # noqa: F401
import torch
import torchvision  # noqa: F401
import vl_convert  # noqa: F401

import harness.cli.plan_summary
import harness.data.loading
import harness.planning.configuration_file
import harness.planning.planner
import harness.reports.publishing.report
import harness.running.run
import harness.running.warm_up
from harness.cli.main import main
from harness.running import worker
from harness.running.executors import local


def offer_workers(folder):
    """Fork what forks the workers of all commands: a worker of a command itself would share its locks."""
    listener, address = socket.socket(socket.AF_UNIX), f"{folder}/workers-{os.getpid()}"
    listener.bind(address)
    listener.listen()
    alive, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        forkserver.main(listener.detach(), alive, preload=[])
        os._exit(0)
    server = forkserver._forkserver
    server._forkserver_address, server._forkserver_alive_fd = address, ours
    server.ensure_running = lambda: None  # a command is not its parent
    return child


def serve(errors, code, connection, plan, work):
    """Be a worker whose words, and those of a crash, are in its command's stderr, and run ``code`` first."""
    descriptor = os.open(errors, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(descriptor, number)
    exec(code, {})
    worker.serve(connection, plan, work)


def be(request):
    """Be a command: in its folder, with its own output, and with the code that a test has it run first."""
    os.chdir(request["cwd"])
    if request["apart"]:
        os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    local._CONTEXT = multiprocessing.get_context("forkserver")
    local.serve = functools.partial(serve, request["err"], request["worker_code"])
    sys.argv = ["harness", *request["arguments"]]
    try:
        exec(request["code"], {})
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking down what was imported would cost more than most commands


def answer_requests(workers):
    """Answer until stdin ends; return the request of a command in the process that is to be it."""
    print(workers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            return request
        print(child, flush=True)
    sys.exit()


if __name__ == "__main__":
    harness.running.warm_up.step_without_gradients(torch.nn.Linear(2, 2))
    gc.freeze()
    be(answer_requests(offer_workers(sys.argv[1])))
