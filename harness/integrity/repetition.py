"""Cells of published runs computed anew from the images on, in a store of their own, and compared bit by bit."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from harness.data.loading import Splits, splits_of
from harness.integrity.recorded_plan import Machine, NotHere, plan_of, require_same_machine
from harness.integrity.recounting import as_told
from harness.integrity.run_check import RunCheck
from harness.integrity.verification import named
from harness.planning.plan import Plan
from harness.progress import Reporter
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.manifest import hashes
from harness.running.executors.executor import Employ, listener
from harness.running.executors.local import Workers
from harness.running.pool import Job, Pool
from harness.running.publication import published_level, run_key
from harness.running.run import prepare


class Chosen(NamedTuple):
    """A published level that is to be computed anew: its run, and its density."""

    check: RunCheck
    density: float

    def __str__(self) -> str:
        return f"{named(self.check.run)} at density {self.density!r}"


@dataclass
class Repetition:
    """What was computed anew: the levels, those that differ with the reason, and the runs that could not be."""

    done: list[Chosen] = field(default_factory=list)
    differences: list[tuple[Chosen, str]] = field(default_factory=list)
    not_here: dict[str, str] = field(default_factory=dict)


Draw = Callable[[Sequence[Chosen], int], list[Chosen]]

_by_chance: Draw = random.SystemRandom().sample


def repeat(
    runs: Sequence[RunCheck],
    share: float,
    machine: Machine,
    reporter: Reporter,
    draw: Draw = _by_chance,
    employ: Employ = Workers,
) -> Repetition:
    """Compute a ``share`` (above 0, at most 1) of the levels anew, at least one, and compare.

    They are drawn among the runs that this machine can repeat, by chance, so that nobody knows beforehand which.
    ``machine.store`` must be empty: what is kept there is what is computed now.
    """
    found = Repetition()
    plans: dict[str, tuple[Plan, Splits]] = {}
    for run in runs:
        try:
            plans[run.run.run_id] = _planned(run, machine, reporter)
        except NotHere as why:
            found.not_here[named(run.run)] = str(why)
    levels = [Chosen(run, one.level.density) for run in runs if run.run.run_id in plans for one in run.levels]
    chosen = draw(levels, math.ceil(share * len(levels))) if levels else []
    for density, runs_of in _by_density(chosen).items():
        for batch in _by_plan(runs_of, plans):
            _compute(batch, density, plans, found, reporter, employ)
    return found


def _planned(run: RunCheck, machine: Machine, reporter: Reporter) -> tuple[Plan, Splits]:
    """Return a run's plan and images, once they are known to be those that it was made from. Raises `NotHere`."""
    plan = plan_of(run.run, machine)
    require_same_machine(plan, machine.hardware)
    plan = prepare(plan, reporter)
    entry = next((one for one in plan.entries if one.text == run.run.tags.get(names.ENTRY)), None)
    seed = run.run.tags.get(names.SEED, "")
    if entry is None or not seed.isdecimal():
        raise NotHere(f"{names.PLAN} does not have its entry, or it does not say its seed")
    splits = splits_of(plan.data, plan.store, int(seed))
    if run_key(plan, entry, int(seed), splits) != run.run.tags.get(names.KEY):
        raise NotHere("its images, its settings or the code of its method or network are not those that are here")
    return plan, splits


def _by_density(chosen: Sequence[Chosen]) -> Mapping[float, list[RunCheck]]:
    found: dict[float, list[RunCheck]] = defaultdict(list)
    for check, density in sorted(chosen, key=lambda one: -one.density):
        found[density].append(check)
    return found


def _by_plan(runs: Sequence[RunCheck], plans: Mapping[str, tuple[Plan, Splits]]) -> Iterator[list[RunCheck]]:
    """Yield the runs that one pool of workers can compute: those of one plan."""
    found: list[tuple[Plan, list[RunCheck]]] = []
    for run in runs:
        plan = plans[run.run.run_id][0]
        same = next((batch for known, batch in found if known == plan), None)
        if same is None:
            found.append((plan, [run]))
        else:
            same.append(run)
    yield from (batch for _, batch in found)


def _compute(
    batch: Sequence[RunCheck],
    density: float,
    plans: Mapping[str, tuple[Plan, Splits]],
    found: Repetition,
    reporter: Reporter,
    employ: Employ,
) -> None:
    whole, _ = plans[batch[0].run.run_id]
    texts = [entry.text for entry in whole.entries]
    plan = replace(whole, densities=(density,))
    jobs = {Job(texts.index(run.run.tags[names.ENTRY]), int(run.run.tags[names.SEED])): run for run in batch}
    with reporter.task(f"Computing {len(jobs)} cells at {100 * density:g} % anew", len(jobs), "cells") as task:
        pool = Pool(plan, listener(plan, reporter), jobs=list(jobs), employ=employ)
        for count, outcome in enumerate(pool.run(), start=1):
            chosen = Chosen(jobs[outcome.job], density)
            splits = plans[chosen.check.run.run_id][1]
            found.done.append(chosen)
            found.differences += [(chosen, what) for what in _otherwise(outcome.records[0], chosen, splits)]
            task.update(count)


def _otherwise(record: CellRecord, chosen: Chosen, splits: Splits) -> Iterator[str]:
    """Yield what a level that was computed anew has otherwise than the published one."""
    published = _published(chosen)
    if published is not None:
        record = replace(record, metrics=as_told(record.metrics, published.metrics))
    anew = published_level(record, splits)
    level = chosen.check.run.manifest.levels[chosen.density]
    if anew.digest != level.digest:
        yield f"computed anew, its figures differ{_first_figure(record, chosen)}"
    told = {name: sha256 for name, sha256 in (level.sha256 or {}).items() if name != names.CELL_FILE}
    for name, sha256 in hashes(anew.files).items():
        if name != names.CELL_FILE and told.get(name) != sha256:  # cell.json holds seconds
            yield f"computed anew, {name} differs"


def _published(chosen: Chosen) -> CellRecord | None:
    return next(one.record for one in chosen.check.levels if one.level.density == chosen.density)


def _first_figure(record: CellRecord, chosen: Chosen) -> str:
    published = _published(chosen)
    if published is None:
        return ""
    if published.status != record.status:
        return f": {record.status} ({record.reason}), published as {published.status}"
    for name, value in record.metrics.items():
        if not name.startswith(names.UNSTEADY) and published.metrics.get(name) != value:
            return f": {name} is {value!r}, published as {published.metrics.get(name)!r}"
    return ""
