"""What the cage costs: a process for a job that does nothing, and one comparison of what decides bits."""

from multiprocessing import Pipe
from types import SimpleNamespace

import harness.running.cells  # noqa: F401 - what a worker has loaded
from harness.planning.cell_limit import CellLimit
from harness.running.cage import Cage
from harness.running.job_process import JobProcess, Task, forked


def nothing(_plan, _job, _line):
    pass


def test_a_process_for_a_job_that_does_nothing(benchmark):
    task = Task(SimpleNamespace(cell_limit=CellLimit()), None, nothing)

    def job():
        ours, theirs = Pipe()
        with ours, theirs:
            JobProcess(theirs, task, forked, 100.0).run()
            while (said := ours.recv())[0] == "spent":
                pass
            return said

    assert benchmark(job) == ("done", None)


def test_a_comparison_of_what_decides_bits(benchmark):
    benchmark(Cage().check)
