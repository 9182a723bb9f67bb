"""What it costs to plan 100,000 cells: `harness run --dry-run` beside the same of one seed, each a process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

METHODS = "lt,snip,snip-retrain,magnitude,magnitude-layerwise,random,random-layerwise,grasp,synflow,l-obs,exact-obs,cdc"
PLAN = ["run", "--preset", "standard", "--folds", "0", "--dataset", "isic-sim"]
PLAN += ["--methods", f"{METHODS},beta-rank,mobilenet"]
SEEDS, EACH = 1000, 100
"""The cells of a seed: 14 methods with 7 levels each and two references."""


class Cost(NamedTuple):
    seconds: float
    megabytes: float


def planned(seeds: int, folder: Path) -> Cost:
    """Return what the command took of the processor and, at its peak, of the memory."""
    command = [Path(sys.executable).parent / "harness", *PLAN, "--seeds", str(seeds), "--dry-run", "--no-estimate"]
    variables = {**os.environ, "HARNESS_OFFLINE": "1"}
    process = subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert f"Cells       {seeds * EACH}, " in said, said
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def test_planning_many_cells_over_a_few(compare: Any, benchmark: Any, tmp_path: Path, capsys: Any) -> None:
    found: list[Cost] = []

    def many() -> float:
        found.append(planned(SEEDS, tmp_path))
        return found[-1].seconds

    compare("planning 100,000 cells / 100 cells, the command", many, lambda: planned(1, tmp_path).seconds, rounds=3)
    seconds, megabytes = (max(values) for values in zip(*found, strict=True))
    benchmark.extra_info |= {"seconds": seconds, "megabytes": megabytes}
    with capsys.disabled():
        print(f"100,000 cells: at most {seconds:.1f} s of the processor (aim 5), {megabytes:.0f} MB (aim 200)")
