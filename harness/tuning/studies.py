"""Optuna's studies in their database: the only module that imports them.

Trials are asked for and told one by one, so that liveness is ours: each running trial names the lease of the process
that has it, and whoever comes next fails those whose holder is dead, with the reason, and queues them again.
"""

import contextlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import MachineError, UsageError
from harness.randomness import derived_seed
from harness.results.trial_record import LevelResult, TrialRecord
from harness.storage.databases import checked_address, create_database, engine_options, shown_address, sqlite_uri
from harness.storage.disk import locked
from harness.tuning.lease import Lease
from harness.tuning.objective import Objective
from harness.tuning.spaces import rounded
from harness.tuning.study_definition import Definition, disagreements
from harness.tuning.trial_record import Spent, budgeted, read_trial

TRIES = 3
"""Processes that one trial may take with it before it counts as finished without a value."""
BEAT_S = 60.0
_DEFINITION = "harness.definition"


@dataclass
class Claimed:
    """A running trial of this process: its number and the values to try."""

    number: int
    values: dict[str, Any]
    trial: optuna.Trial
    beaten: float


class StudyDatabase:
    """One database of studies at ``url``; without one a file in the store. Raises `MachineError` or `UsageError`."""

    def __init__(self, url: str | None, store: Path, lease: Lease) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder = store / "tuning"
        self.url = checked_address(url or sqlite_uri(folder / "studies.db"))
        self.lease, self.lock = lease, folder / "claim.lock"
        self.shown = shown_address(self.url)
        with self.answering():
            create_database(self.url, lambda uri: RDBStorage(uri).engine.dispose())
            self._storage = RDBStorage(self.url, engine_kwargs=engine_options(self.url))

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn every failure of the database into a `MachineError` that names it, without its password."""
        try:
            yield
        except (SQLAlchemyError, ImportError, optuna.exceptions.StorageInternalError) as error:
            cause = error.__cause__ or error
            raise MachineError(
                f"the study database {self.shown} does not answer: {str(cause).strip().splitlines()[0]}",
                fix="check --storage and that its server runs; the same command continues what is finished",
            ) from error
        except RuntimeError as error:  # Optuna's word for a schema of another version
            if "optuna storage upgrade" not in str(error) and "schema" not in str(error):
                raise
            raise MachineError(
                f"the study database {self.shown} is of another Optuna version: {error}",
                fix="run the command that it names, or use another --storage",
            ) from error

    def open(self, definition: Definition) -> "Study":
        """Return the study of that name, made where there is none.

        Raises `UsageError` where it has another space, direction, objective or default, with every difference.
        """
        asked = json.loads(json.dumps(definition.to_json()))
        with self.answering(), locked(self.lock, waiting=lambda: None):
            study = optuna.create_study(
                storage=self._storage,
                study_name=definition.name,
                direction=definition.objective.direction,
                pruner=_pruner(definition.objective),
                load_if_exists=True,
            )
            empty = not study.get_trials(deepcopy=False)
            if empty and _DEFINITION not in study.user_attrs:
                for name, fact in definition.facts.items():
                    study.set_user_attr(name, fact)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    study.set_metric_names([f"validation {definition.objective.name.upper()}"])
                study.set_user_attr(_DEFINITION, asked)
            stored = study.user_attrs.get(_DEFINITION)
            direction = {"direction": study.direction.name.lower()}
            if found := disagreements({**(stored or {}), **direction}, asked):
                raise UsageError(
                    f"study {definition.name!r} in {self.shown} is another search",
                    faults=found,
                    fix="start another study with --set tuning.study=NAME, or search what this one has",
                )
            if empty:
                study.enqueue_trial(dict(definition.default))
            opened = Study(study, definition, self)
            opened.reap()
        return opened


def _pruner(objective: Objective) -> optuna.pruners.BasePruner:
    """Return what stops hopeless trials; none under a bound, of which Optuna's pruners know nothing."""
    if objective.fpr_bound is not None:
        return optuna.pruners.NopPruner()
    return optuna.pruners.PercentilePruner(75.0, n_startup_trials=5, n_warmup_steps=1)


class NotOursError(Exception):
    """Another process took this one for dead and failed its trial, whose values are queued again."""


class Study:
    """One study. Methods that change trials may be called by many processes at once."""

    def __init__(self, study: optuna.Study, definition: Definition, database: StudyDatabase) -> None:
        self._study, self.definition, self._database = study, definition, database
        self.live: dict[int, Claimed] = {}

    def claim(self, budget: int) -> Claimed | None:
        """Return a new running trial of this process, or None where ``budget`` trials are finished or running.

        The sampler is seeded by how many trials came before, so that one worker draws the same values however often
        it is stopped.
        """
        database = self._database
        with database.answering(), locked(database.lock, waiting=lambda: None):
            self.reap()
            records = self.records()
            taken = sum(record.counted or record.state == "running" for record in records)
            if taken >= budget:
                return None
            self._study.sampler = self._sampler(taken)
            try:
                claimed = self._ask()
            except optuna.exceptions.UpdateFinishedTrialError:  # another store met it between two of its writes
                return None
        self.live[claimed.number] = claimed
        return claimed

    def _ask(self) -> Claimed:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's on values that a person queued in its dashboard
            trial = self._study.ask(dict(self.definition.space))
        claimed = Claimed(trial.number, self._used(trial.params), trial, time.monotonic())
        self._sign(claimed)
        return claimed

    def beat(self) -> None:
        """Give a sign of life for each trial in hand, once a minute."""
        for claimed in list(self.live.values()):
            if time.monotonic() - claimed.beaten >= BEAT_S:
                with contextlib.suppress(NotOursError), self._ours(claimed):
                    self._sign(claimed)

    def _sign(self, claimed: Claimed) -> None:
        """Write who has a trial, what it tries, and that its process lives; one write, since each is a commit."""
        signed = {"owner": self._database.lease.token, "values": claimed.values, "alive": time.time()}
        claimed.trial.set_user_attr("claim", signed)
        claimed.beaten = time.monotonic()

    def report(self, claimed: Claimed, levels: Sequence[LevelResult], total: int) -> bool:
        """Record the levels so far; return whether the trial is hopeless and should stop.

        Hopeless: after its second level or a later one, among the worst quarter of the trials that got there, of at
        least five complete ones. Under a bound none is. Raises `NotOursError`, as `finish` and `lose` do.
        """
        with self._ours(claimed):
            claimed.trial.report(self.definition.objective.so_far(levels, total), len(levels) - 1)
            return claimed.trial.should_prune()

    def finish(self, claimed: Claimed, levels: Sequence[LevelResult], spent: Spent, *, pruned: bool = False) -> None:
        """End a trial with its levels and cost; ``pruned``: it was stopped as hopeless."""
        objective = self.definition.objective
        with self._ours(claimed):
            outcome = {"levels": [level.to_json() for level in levels], "spent": asdict(spent)}
            claimed.trial.set_user_attr("outcome", outcome | {"mean": objective.value(levels)})
            excess = objective.excess(levels)
            if excess is not None:
                claimed.trial.set_constraint("fpr", excess)
            if pruned:
                where = f"{100 * levels[-1].density:g} %"
                claimed.trial.set_user_attr("reason", f"stopped: among the worst quarter at {where}")
                self._study.tell(claimed.trial, state=TrialState.PRUNED)
            else:
                self._study.tell(claimed.trial, objective.value(levels))
        del self.live[claimed.number]

    def lose(self, claimed: Claimed, reason: str, spent: Spent, *, blame: bool = True) -> None:
        """Fail a trial that was cut off and queue its values again; not for ever where the trial is to ``blame``."""
        with self._ours(claimed), locked(self._database.lock, waiting=lambda: None):
            claimed.trial.set_user_attr("outcome", {"levels": [], "spent": asdict(spent)})
            self._fail(self._study.get_trials(deepcopy=False)[claimed.number], reason, blame=blame)
        del self.live[claimed.number]

    @contextmanager
    def _ours(self, claimed: Claimed) -> Iterator[None]:
        """Turn Optuna's word for a trial that somebody else has ended into `NotOursError`, and let go of it."""
        with self._database.answering():
            try:
                yield
            except optuna.exceptions.UpdateFinishedTrialError as error:
                self.live.pop(claimed.number, None)
                raise NotOursError from error

    def records(self) -> list[TrialRecord]:
        """Return all trials in order of number."""
        with self._database.answering():
            trials = self._study.get_trials(deepcopy=False)
        return [read_trial(trial, self._used, self.definition.objective) for trial in trials]

    def counted(self) -> int:
        """Return how many trials are finished."""
        return sum(record.counted for record in self.records())

    def settled(self, budget: int) -> bool:
        """Return whether the first ``budget`` trials are finished: none with a lower number still runs elsewhere."""
        records = self.records()
        first = budgeted(records, budget)
        return len(first) == budget and not any(
            record.state == "running" and record.number < first[-1].number for record in records
        )

    def importance(self) -> dict[str, float]:
        """Return each parameter's share of the objective's variation (fANOVA), empty where it cannot be said."""
        complete = [record for record in self.records() if record.state == "complete"]
        if len(self.definition.space) < 2 or len({record.value for record in complete}) < 4:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with self._database.answering():
            return dict(optuna.importance.get_param_importances(self._study, evaluator=evaluator))

    def _sampler(self, taken: int) -> optuna.samplers.BaseSampler:
        seed = derived_seed(0, "tuning", self.definition.name, taken) % 2**32
        return optuna.samplers.TPESampler(n_startup_trials=5, multivariate=True, seed=seed)

    def _used(self, suggested: Mapping[str, Any]) -> dict[str, Any]:
        """Return suggested values as they are trained; the default as it is."""
        default = dict(self.definition.default)
        return default if dict(suggested) == default else rounded(self.definition.space, suggested)

    def reap(self) -> None:
        """Fail every running trial whose process is dead. The caller holds the lock."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            orphan = self._database.lease.is_orphan(trial.user_attrs.get("claim"))
            if orphan and trial.number not in self.live:
                with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):  # another store was faster
                    self._fail(trial, "its process was killed", blame=False)

    def let_go(self, reason: str) -> None:
        """Fail and queue again what this process was stopped over: between asking for a trial and having it."""
        token = self._database.lease.token
        with self._database.answering(), locked(self._database.lock, waiting=lambda: None):
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.user_attrs.get("claim", {"owner": token})["owner"] == token:
                    self._fail(trial, reason, blame=False)
        self.live.clear()

    def _fail(self, trial: FrozenTrial, reason: str, *, blame: bool) -> None:
        tries = int(trial.user_attrs.get("tries", 1))
        running = optuna.Trial(self._study, trial._trial_id)
        running.set_user_attr("reason", reason)
        if blame and tries >= TRIES:
            running.set_user_attr("counted", value=True)
        elif not any(other.user_attrs.get("retry_of") == trial.number for other in self._study.get_trials(False)):
            values = trial.params or trial.system_attrs.get("fixed_params", {})
            marks = {"retry_of": trial.number, "tries": tries + blame}
            self._study.enqueue_trial(values, user_attrs=marks)
        self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
