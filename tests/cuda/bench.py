"""What the harness does on a CUDA device: steps a second, workers on one device, whole runs, and the same bits twice.

    python tests/cuda/bench.py DATA_FOLDER OUT_FOLDER [--limit 450] [--only steps,workers,quick,standard]

Prints a JSON object a line as it goes, and keeps all of them in OUT_FOLDER/bench-gpu.json. DATA_FOLDER holds real
images where the harness looks for them (``isic/``); no network is needed. A part that fails is a line with its error,
and costs no other part. ``--limit`` is the seconds for all; ``--device cpu`` tries the script where there is no GPU,
``--small`` on little.
"""

import argparse
import json
import os
import select
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # a worker that is spawned finds the parts there, too
os.environ.update({"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "CUDA_MODULE_LOADING": "LAZY", "OMP_NUM_THREADS": "1"})
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # of MLflow, where there is no git
os.environ.setdefault("HARNESS_OFFLINE", "1")

SHARES = {"steps": 0.3, "workers": 0.15, "quick": 0.3, "standard": 0.25}
"""Of the seconds: a part that needs fewer leaves the rest to those after it."""

GRACE_S = 25.0
"""That a part may take beyond its time before it is ended."""

Line = dict[str, Any]


class Given(NamedTuple):
    """The command line, and when a part has to end, by the monotonic clock."""

    data: Path
    out: Path
    stores: Path
    device: str
    small: bool
    until: float


def steps(given: Given) -> Iterator[Line]:
    """Steps a second of every network, its share of the device's peak, and what limits it."""
    from bench_steps import lines

    yield from lines(given.device, small=given.small, until=given.until)


def workers(given: Given) -> Iterator[Line]:
    """Steps a second of 1, 2, 4 and 8 processes on one device, and the memory that each takes."""
    from bench_workers import lines

    yield from lines(given)


def quick(given: Given) -> Iterator[Line]:
    """The preset quick on real images, as `harness run` does it, twice: seconds, job starts, and the same bits."""
    from bench_runs import quick_lines

    yield from quick_lines(given)


def standard(given: Given) -> Iterator[Line]:
    """The preset standard on real images, fold by fold as far as the time goes, and the bundle of its results."""
    from bench_runs import standard_lines

    yield from standard_lines(given)


PARTS: dict[str, Callable[[Given], Iterator[Line]]] = {one.__name__: one for one in (steps, workers, quick, standard)}


class Record:
    """Prints lines and keeps them in one file, whole at every moment."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, list[Line]()

    def add(self, line: Line) -> None:
        """Print a line and keep it."""
        self.lines.append(line)
        print(json.dumps(line), flush=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.lines, indent=1))
        part.replace(self.path)


def main() -> None:
    """Do each part that is asked for in a process of its own."""
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    record = Record(asked.out / "bench-gpu.json")
    ends = time.monotonic() + asked.limit
    load()
    record.add({"part": "machine", **machine()})
    chosen = asked.only.split(",")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as stores:
        for number, name in enumerate(chosen):
            began = time.monotonic()
            until = began + (ends - began) * SHARES[name] / sum(SHARES[one] for one in chosen[number:])
            apart(name, Given(asked.data, asked.out, Path(stores), asked.device, asked.small, until), record)
            record.add({"part": name, "ended": True, "part_seconds": round(time.monotonic() - began, 1)})


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=float, default=450.0)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    if unknown := {*given.only.split(",")} - {*PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given


def load() -> None:
    """Import what the parts need, once; nothing of it uses CUDA, which the forks for the parts do."""
    import harness.forecast.worker_count
    import harness.planning.planner
    import harness.running.cells
    import harness.running.pool
    import harness.running.warm_up  # noqa: F401


def machine() -> Line:
    """Return what the figures were taken on."""
    import torch

    from harness.cuda import devices, forks_can_use_it
    from harness.environment import environment_class, usable_cores

    device = "cuda" if devices().names else "cpu"
    found = {"environment": environment_class(device), "torch": torch.__version__, "cores": usable_cores()}
    return {**found, "devices": devices().names, "forks_can_use_cuda": forks_can_use_it()}


def apart(name: str, given: Given, record: Record) -> None:
    """Do a part in a fork and record its lines; it is killed some time after it should have ended."""
    from harness.children import fork

    ours, theirs = os.pipe()
    child = fork(lambda: _live(name, given, theirs))
    os.close(theirs)
    latest = given.until + GRACE_S
    try:
        for line in _lines(ours, latest):
            record.add(line)
        if time.monotonic() >= latest:
            record.add({"part": name, "error": "it did not end in time, and was ended"})
    finally:
        child.end()
        os.close(ours)


def _live(name: str, given: Given, end: int) -> None:
    with open(end, "w", encoding="utf-8") as file:

        def tell(line: Line) -> None:
            file.write(json.dumps({"part": name, **line}) + "\n")
            file.flush()

        try:
            for line in PARTS[name](given):
                tell(line)
        except BaseException as error:
            tell({"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()[-3000:]})


def _lines(end: int, latest: float) -> Iterator[Line]:
    """Yield the lines of a part until it ends or is late."""
    held = b""
    while (left := latest - time.monotonic()) > 0:
        if not select.select([end], [], [], left)[0]:
            return
        data = os.read(end, 1 << 16)
        if not data:
            return
        *whole, held = (held + data).split(b"\n")
        yield from (json.loads(one) for one in whole)


if __name__ == "__main__":
    main()
