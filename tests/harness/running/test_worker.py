"""A worker that is told to end."""

import subprocess
import sys

IMPORTING = """
import os, signal
from multiprocessing import Pipe
from types import SimpleNamespace
from harness.running import worker

class Told:
    def __set_name__(self, owner, name):  # what is raised here comes out as another exception
        os.kill(os.getpid(), signal.SIGTERM)

def make_ready(plan):
    class Owner:
        field = Told()

worker.make_ready = make_ready
worker.serve(Pipe()[0], SimpleNamespace(training=SimpleNamespace(device="cpu")), None)
"""


def test_one_that_still_imports_ends_without_a_word():
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "")
