"""5,000 cells in one run: whatever a cell leaves behind in the command or in its worker would show.

Beside what is asserted it prints, by tenths of the run, the memory and the open files of both and the seconds a cell.
"""

import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan
from harness.progress import Reporter
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.running import run as run_module
from harness.running.run import execute

pytestmark = [pytest.mark.long, pytest.mark.timeout(6 * 3600)]
CELLS = 5000
LEVELS = [1.0, 0.5, 0.25, 0.125]
PARTS = 10
GROWTH = 1.1
"""Of memory, from the second tenth of a run to its last: what is kept of a cell, its status and figures, is 2 kB."""


def memory(pid):
    """Megabytes that a process has in memory for itself: what it shares with its forks is not counted twice."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in told if line.startswith(("Private_Clean", "Private_Dirty"))) / 1024


def files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def soak(folder, cells):
    """Run so many cells on one worker; return of each part of the run the memory, files and seconds a cell."""
    given = {
        "methods": ["random"],
        "seeds": -(-cells // (len(LEVELS) + 2)),  # dense and the probe have one level
        "densities": LEVELS,
        "network": "small-cnn",
        "weights": "kaiming",
        "data": {"name": "isic-sim", "size": 64},
        "training": {"max_steps": 1},
        "jobs": 1,
    }
    plan, _ = build_plan(load_configuration("smoke", None, [], given), Flags("smoke", None, folder))
    tracker = Tracker(default_uri(folder), folder, plan.data.name)
    reporter = Reporter(Console(file=io.StringIO()), quiet=True)
    seen, began = [], [time.monotonic()]

    class Watched(run_module.CellLines):
        def __call__(self, *cell):
            super().__call__(*cell)
            if self.done % (self.total // PARTS) == 0:
                now = time.monotonic()
                worker = max(children(os.getpid()), key=memory)
                own = [(memory(pid), files(pid)) for pid in (os.getpid(), worker)]
                seen.append((*own, (now - began[0]) / (self.total // PARTS)))
                began[0] = now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "CellLines", Watched)
        summary = execute([plan], tracker, reporter, "soak")
    assert not summary.failed
    assert not summary.unpublished
    return seen[:PARTS]


def test_memory_and_open_files_are_flat_over_five_thousand_cells(tmp_path):
    seen = soak(tmp_path / "store", CELLS)
    for *both, seconds in seen:
        told = [
            f"{name} {own[0]:.0f} MB, {own[1]} files" for name, own in zip(("command", "worker"), both, strict=True)
        ]
        print(f"{'; '.join(told)}; {seconds:.3f} s a cell")
    for place in (0, 1):
        (early, open_early), (late, open_late) = seen[1][place], seen[-1][place]
        assert late <= GROWTH * early
        assert open_late <= open_early
