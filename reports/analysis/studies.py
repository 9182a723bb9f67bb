"""The records of `harness tune` as plain values: one `Study` per entry that was tuned."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DENSE = "dense"


@dataclass(frozen=True)
class Trial:
    """One set of parameters that was tried; ``value`` is NaN where it has none.

    ``feasible`` is False where the bound on the false alarms was broken. ``network`` says that a level gave a network,
    ``whole`` that every level did.
    """

    number: int
    state: str
    value: float
    feasible: bool
    parameters: Mapping[str, Any]
    network: bool
    whole: bool


@dataclass(frozen=True)
class Study:
    """One record, as it was written, and what the reports read in it."""

    record: Mapping[str, Any]

    @property
    def entry(self) -> str:
        """Return the entry that was tuned, under its defaults' name."""
        return str(self.record["entry"])

    @property
    def tuned(self) -> str:
        """Return the entry that was chosen; the same for the dense network, and where nothing better was found."""
        return str(self.record["tuned"] or self.entry)

    @property
    def dense(self) -> bool:
        """Say whether this is the study of the training schedule, which holds for every method."""
        return self.entry == DENSE

    @property
    def by_auc(self) -> bool:
        """Say whether the value is an AUC, to be high, and no FNR, to be low."""
        return bool(self.record["objective"] == "auc")

    @property
    def bound(self) -> float | None:
        """Return the bound on the FPR, None where there is none."""
        found = self.record.get("fpr_bound")
        return None if found is None else float(found)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds that tuning saw."""
        return tuple(int(seed) for seed in self.record["seeds"])

    @property
    def densities(self) -> tuple[float, ...]:
        """Return the levels whose mean is the value, densest first."""
        return tuple(sorted((float(density) for density in self.record["densities"]), reverse=True))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return the trials in the order of their numbers, without any that the budget leaves out."""
        counted = (_trial(trial) for trial in self.record["trials"] if trial.get("counted", True))
        return tuple(sorted(counted, key=lambda trial: trial.number))

    @property
    def default(self) -> Trial | None:
        """Return the trial of the defaults: number 0, or the one that repeated it after its process was killed."""
        number = self.record.get("default_number", 0)
        return next((trial for trial in self.trials if trial.number == number), None)

    @property
    def best(self) -> Trial | None:
        """Return the trial that won, None where none gave a network."""
        found = self.record["best"]
        if found is None:
            return None
        same = [trial for trial in self.trials if trial.number == int(found["number"])]
        return Trial(
            number=int(found["number"]),
            state="complete",
            value=_number(found["value"]),
            feasible=found.get("feasible") is not False,
            parameters=found["parameters"],
            network=True,
            whole=all(trial.whole for trial in same),
        )

    @property
    def kept(self) -> bool:
        """Say whether the default won."""
        return self.best is not None and not self.changes

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Return the parameters that the winner has otherwise than the default, as (default, best)."""
        if self.best is None or (self.tuned == self.entry and not self.dense):
            return {}
        before, after = self.record["default"], self.best.parameters
        names = dict.fromkeys([*before, *after])
        return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def studies_of(records: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> tuple[Study, ...]:
    """Return the studies of the group with these ``facts``, that of the dense network first.

    ``records`` are the oldest first; of studies that ask the same of one entry the newest counts.
    """
    found = (Study(record) for record in records if record["setting"] == facts.get("setting"))
    newest = {(one.entry, one.by_auc, one.bound, one.densities): one for one in found}
    return tuple(sorted(newest.values(), key=lambda one: (not one.dense, one.entry, str(one.record["study"]))))


def _trial(record: Mapping[str, Any]) -> Trial:
    levels = record["levels"]
    return Trial(
        number=int(record["number"]),
        state=str(record["state"]),
        value=_number(record["value"]),
        feasible=record["feasible"] is not False,
        parameters=record["parameters"],
        network=not levels or any(level["status"] == "done" for level in levels),
        whole=all(level["status"] == "done" for level in levels),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
