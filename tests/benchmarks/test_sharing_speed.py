"""What the stage store saves: the paper's methods at seven levels, and a sweep that is finished given again.

In seconds of the processor, of cells alone: without starting processes, MLflow and the report. Each side begins with
the images in the store and nothing else.
"""

import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from harness.data.loading import read_images
from harness.planning.entries import Entry
from harness.planning.plan import Plan, levels_of
from harness.running.cells import cells, score_test
from harness.storage.store import Store

LEVELS = [2.0**-power for power in range(7)]
PAPER = ["lt", "class-dependent-lt[scenario=blue]", "class-dependent-lt", "class-dependent-lt[scenario=green]", "snip"]


def ran(plan: Plan, entry: Entry, densities: Sequence[float], store: Store) -> int:
    """Run an entry at some levels, tested; return how many cells are done."""
    found = [score_test(plan, cell, store) for cell in cells(plan, entry, 0, densities, store)]
    assert all(record.status == "done" for record in found), [record.reason for record in found]
    return len(found)


def of_the_paper(plan: Plan) -> list[Entry]:
    return [entry for entry in plan.entries if entry.method in ("lt", "class-dependent-lt", "snip")]


def test_shared_over_independent_cells(compare: Any, plan_of: Any, small_set: Path, tmp_path: Path) -> None:
    data = {"name": f"folder:{small_set}", "positive": "sick"}
    small = ["training.max_steps=6", "training.batch_size=16"]
    plan = plan_of(*small, methods=PAPER, data=data, densities=LEVELS, parameters={"rate": 0.5})
    read_images(plan.data, Store(plan.store))
    numbers = count()

    def store() -> Store:
        return Store(tmp_path / f"store {next(numbers)}")

    def shared() -> float:
        start, one = time.process_time(), store()
        assert sum(ran(plan, entry, LEVELS, one) for entry in of_the_paper(plan)) == 5 * 7
        return time.process_time() - start

    def independent() -> float:
        start = time.process_time()
        for entry in of_the_paper(plan):
            for density in LEVELS:
                ran(plan, entry, [density], store())
        return time.process_time() - start

    name = "paper's methods at seven levels, shared / independent cells"
    compare(name, shared, independent, rounds=2, aim=0.30, warm=False)


def test_finished_sweep_over_the_first(compare: Any, plan_of: Any, tmp_path: Path) -> None:
    plan = plan_of(methods=["magnitude"], data={"name": "isic-sim"})
    read_images(plan.data, Store(plan.store))
    numbers = count()

    def sweep(store: Store) -> float:
        start = time.process_time()
        for entry in plan.entries:
            ran(plan, entry, levels_of(entry, plan.densities), store)
        return time.process_time() - start

    last = [tmp_path / "none"]

    def first() -> float:
        last[0] = tmp_path / f"store {next(numbers)}"
        return sweep(Store(last[0]))

    name = "a finished sweep again / the first, small-cnn, preset quick"
    compare(name, lambda: sweep(Store(last[0])), first, rounds=1, aim=0.02, warm=False)
