"""Checks on stopping and going on: replays from the store, kills, early ends, and errors that must come through."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.errors import MachineError
from harness.storage.store import StageBusy
from harness.testing.case.case import LEVELS, Case, blaming, differing, place
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.case.forked import forked, forked_to_its_end
from harness.testing.case.watched_bench import WatchedStore
from harness.testing.checks.registry import rule

MOST_KILLS = 6


@rule(
    "core",
    catches="stages whose inputs never repeat (a time, a draw): a resumed run would train everything again.",
    fix="pass bench.train and bench.compute nothing but what the result depends on",
)
def second_run_replays_from_the_store(case: Case) -> None:
    """Run twice on one store."""
    store = case.fresh_store()
    first = case.run(store=store)
    store.computed.clear()
    second = case.run(store=store)
    if store.computed:
        kinds = ", ".join(sorted(set(store.computed)))
        raise CheckFailed(f"the second run computed {len(store.computed)} stages ({kinds}) again, expected none")
    if apart := differing(first, second, LEVELS):
        raise CheckFailed(f"at density {', '.join(apart)} other bits when replayed, expected the same")


@rule(
    "full",
    catches="state that a kill loses or leaves behind: a resumed run would end with other networks.",
    fix="derive everything from what bench.train and bench.compute return; keep notes nowhere",
)
def killed_and_resumed_gives_the_same_bits(case: Case) -> None:
    """Kill the process by SIGKILL around each stage, go on in another, and compare with a run without a kill."""
    network = case.network

    def whole() -> tuple[list[str], int]:
        store = case.fresh_store()
        return case.run(network, store=store), store.asked

    expected, stages = forked_to_its_end(whole)
    points = sorted({round(1 + part * (stages - 1) / (MOST_KILLS - 1)) for part in range(MOST_KILLS)})
    for point in points:
        for moment in ("before", "after"):
            root = case.fresh_store().root
            forked(partial(_killed, case, network, root, point, moment))
            _, resumed = forked(partial(case.run, network, store=WatchedStore(root)))
            where = f"network {network}, killed {moment} stage {point} of {stages}"
            if resumed is None:
                raise CheckFailed("the second process ended; expected it to go on where the first one was", where)
            if apart := differing(expected, resumed, LEVELS):
                raise CheckFailed(f"at density {', '.join(apart)} other bits than without a kill", where)


def _killed(case: Case, network: str, root: Path, point: int, moment: str) -> None:
    store = WatchedStore(root)

    def kill(number: int) -> None:
        if number == point:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == "before":
        store.before = kill
    else:
        store.after = kill
    case.run(network, store=store)


@rule(
    "core",
    catches="a generator that cannot be closed: the harness stops a method whose network breaks a rule.",
    fix="let GeneratorExit through: no yield in a finally or except block around a yield",
)
def can_be_closed_early(case: Case) -> None:
    """Close after each level."""
    for taken in range(1, len(LEVELS)):
        bench = case.bench()
        where = f"{place(bench, LEVELS)}, closed after {taken}"
        with blaming(where):
            generator = case.pruner.prune(bench, LEVELS)
            for _ in range(taken):
                next(generator)
            generator.close()  # type: ignore[attr-defined]


@rule(
    "core",
    catches="a method that swallows another worker's lock or a full disk, and yields a fallback in their place.",
    fix="catch only what you can name, never BaseException or Exception around the bench's calls",
)
def lets_the_harness_stop_it(case: Case) -> None:
    """Let each stage in turn raise what only the harness may handle."""
    counted = WatchedStore(case.shared)
    case.prune(case.bench(store=counted))
    if not counted.asked:
        raise CheckSkipped("the method uses no stage")
    for error in (StageBusy("check"), MachineError("the disk is full, for a check's sake")):
        for point in range(1, min(counted.asked, MOST_KILLS) + 1):
            _require_raised(case, error, point)


def _require_raised(case: Case, error: BaseException, point: int) -> None:
    store = WatchedStore(case.shared)
    store.before = _raising(point, error)
    bench = case.bench(store=store)
    where, name = f"{place(bench, LEVELS)}, stage {point}", type(error).__name__
    try:
        for _ in case.pruner.prune(bench, LEVELS):
            pass
    except (StageBusy, MachineError):
        return
    except Exception as other:
        raise CheckFailed(f"{name} came out as {type(other).__name__}, expected it as it was", where) from other
    raise CheckFailed(f"{name} was swallowed, expected it to come through", where)


def _raising(point: int, error: BaseException) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == point:
            raise error

    return before
