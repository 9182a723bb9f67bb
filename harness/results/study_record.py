"""A study as plain values: what `harness tune` writes as study.json, and what the reports read of it.

A field with a default is one that a record may lack; the default is what its absence means. Keys that are none of the
fields, as a newer harness may write, are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.results.names import DENSE
from harness.results.plain_values import made, plain
from harness.results.trial_record import TrialRecord


@dataclass(frozen=True)
class Choices:
    """The values of a parameter that is chosen from a list."""

    choices: tuple[Any, ...]

    @property
    def words(self) -> str:
        """Return them in words: ``layer | global``."""
        return " | ".join(map(str, self.choices))


@dataclass(frozen=True)
class Interval:
    """The values of a number: from ``low`` to ``high``, ``log``arithmically or by ``step`` where there is one."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def ends(self) -> str:
        """Return the ends in words: ``0.2 to 0.8``."""
        return f"{self.low:g} to {self.high:g}"

    @property
    def words(self) -> str:
        """Return it in words: ``0.0005 to 0.2, log``."""
        return self.ends + (", log" if self.log else "") + (f", step {self.step:g}" if self.step else "")


@dataclass(frozen=True, kw_only=True)
class BestTrial:
    """The trial that won. ``feasible``: it kept the bound, or there is none; ``validation_auc`` as a trial's."""

    number: int
    parameters: Mapping[str, Any]
    value: float
    validation_auc: float | None
    feasible: bool = True


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many trials were ``asked`` for, and what became of them; steps and seconds as a trial's.

    ``pruned`` ones are among the ``finished``, ``lost`` ones are not; ``distinct`` counts sets of parameters.
    """

    asked: int
    finished: int
    pruned: int
    lost: int
    distinct: int
    steps: int
    seconds: float
    computed_seconds: float


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """One study: which entry was tuned how, and what was chosen.

    ``setting`` is that of the groups of runs that it speaks of. ``tuned`` is the chosen entry, None where no trial
    gave a network. ``default_number`` is the trial of the ``default`` parameters: 0, or a later one where its process
    was killed. ``edges`` names the best parameters that lie on an edge of their ``space``; ``importance`` is each
    parameter's share of what the values differ by. Trials beyond the budget are listed and choose nothing.
    """

    study: str
    setting: str
    entry: str
    tuned: str | None
    method: str
    objective: Literal["auc", "fnr"]
    fpr_bound: float | None = None
    seeds: tuple[int, ...]
    densities: tuple[float, ...]
    space: Mapping[str, Choices | Interval]
    default: Mapping[str, Any]
    default_number: int | None = 0
    best: BestTrial | None
    edges: tuple[str, ...]
    importance: Mapping[str, float]
    budget: Budget
    trials: tuple[TrialRecord, ...]
    versions: Mapping[str, str]
    command: str

    @property
    def dense(self) -> bool:
        """Whether this is the study of the training schedule, which holds for every method."""
        return self.entry == DENSE

    @property
    def by_auc(self) -> bool:
        """Whether the value is an AUC, to be high, and no FNR, to be low."""
        return self.objective == "auc"

    @property
    def choice(self) -> str:
        """The entry that was chosen; the same for the dense network, and where nothing better was found."""
        return self.tuned or self.entry

    @property
    def counted(self) -> tuple[TrialRecord, ...]:
        """The trials in the budget, by number."""
        return tuple(sorted((trial for trial in self.trials if trial.counted), key=lambda trial: trial.number))

    @property
    def default_trial(self) -> TrialRecord | None:
        """The trial of the default parameters."""
        return self._numbered(self.default_number)

    @property
    def best_trial(self) -> TrialRecord | None:
        """The trial that won, with its levels."""
        return self._numbered(None if self.best is None else self.best.number)

    def _numbered(self, number: int | None) -> TrialRecord | None:
        return next((trial for trial in self.counted if trial.number == number), None)

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """The parameters that the winner has otherwise than the default, as (default, best)."""
        if self.best is None or (self.choice == self.entry and not self.dense):
            return {}
        before, after = self.default, self.best.parameters
        names = dict.fromkeys([*before, *after])
        return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}

    @property
    def kept(self) -> bool:
        """Whether the default won."""
        return self.best is not None and not self.changes

    def to_json(self) -> dict[str, Any]:
        """Return what study.json holds."""
        return plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "StudyRecord":
        """Return the record that `to_json` wrote."""
        return made(
            cls,
            value,
            seeds=tuple(value["seeds"]),
            densities=tuple(value["densities"]),
            space={name: _space(one) for name, one in value["space"].items()},
            best=value["best"] and made(BestTrial, value["best"]),
            edges=tuple(value["edges"]),
            budget=made(Budget, value["budget"]),
            trials=tuple(map(TrialRecord.from_json, value["trials"])),
        )


def _space(value: Mapping[str, Any]) -> Choices | Interval:
    return Choices(tuple(value["choices"])) if "choices" in value else made(Interval, value)
