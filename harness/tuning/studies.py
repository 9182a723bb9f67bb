"""Optuna's studies in their database: the only module that imports them.

Here is how each thing is said to Optuna, and its failures in our words; what is said and when, is for
`harness.tuning.study`.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import MachineError, UsageError
from harness.outgoing.secrets import remember, shown_address, without_secrets
from harness.storage.databases import (
    GARBLED,
    checked_address,
    create_database,
    engine_options,
    local_remedy,
    sqlite_uri,
)
from harness.storage.disk import locked
from harness.tuning.candidate import Values
from harness.tuning.lease import Lease
from harness.tuning.objective import Objective
from harness.tuning.spaces import Space
from harness.tuning.stored_trial import StoredTrial
from harness.tuning.study_definition import Definition, disagreements

_DEFINITION = "harness.definition"


class NotOursError(Exception):
    """Another process took this one for dead and failed its trial, whose values are queued again."""


class StudyDatabase:
    """One database of studies at ``url``; without one a file in the store. Raises `MachineError` or `UsageError`."""

    def __init__(self, url: str | None, store: Path, lease: Lease) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder = store / "tuning"
        self.url = checked_address(url or sqlite_uri(folder / "studies.db"))
        remember(self.url)
        self.lease, self._lock = lease, folder / "claim.lock"
        self.shown = shown_address(self.url)
        with self.answering():
            create_database(self.url, lambda uri: RDBStorage(uri).engine.dispose())
            self._storage = RDBStorage(self.url, engine_kwargs=engine_options(self.url))

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn every failure of the database into a `MachineError` that names it, without its password."""
        try:
            yield
        except (SQLAlchemyError, ImportError, optuna.exceptions.StorageInternalError, *GARBLED) as error:
            cause = without_secrets(str(error.__cause__ or error)).strip() or type(error).__name__
            raise MachineError(
                f"the study database {self.shown} does not answer: {cause.splitlines()[0]}",
                fix=local_remedy(self.url, error)
                or "check --storage and that its server runs; the same command continues what is finished",
            ) from error
        except RuntimeError as error:  # Optuna's word for a schema of another version
            if "optuna storage upgrade" not in str(error) and "schema" not in str(error):
                raise
            raise MachineError(
                f"the study database {self.shown} is of another Optuna version: {without_secrets(str(error))}",
                fix="run the command that it names, or use another --storage",
            ) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all other processes of this store from claiming or failing trials for the length of a with block."""
        with locked(self._lock, waiting=lambda: None):
            yield

    def trial_counts(self) -> dict[str, int]:
        """Return the number of trials of each study by its name."""
        with self.answering():
            found = optuna.get_all_study_summaries(self._storage)
        return {study.study_name: study.n_trials for study in found}

    def open(self, definition: Definition) -> "StoredStudy":
        """Return the study of that name, made with its default queued where there is none. The caller is `alone`.

        Raises `UsageError` where it has another space, direction, objective or default, with every difference.
        """
        asked = json.loads(json.dumps(definition.to_json()))
        with self.answering():
            study = optuna.create_study(
                storage=self._storage,
                study_name=definition.name,
                direction=definition.objective.direction,
                pruner=_pruner(definition.objective),
                load_if_exists=True,
            )
            empty = not study.get_trials(deepcopy=False)
            if empty and _DEFINITION not in study.user_attrs:
                _describe(study, definition, asked)
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
        return StoredStudy(study, self)


def _pruner(objective: Objective) -> optuna.pruners.BasePruner:
    """Return what stops hopeless trials; none under a bound, of which Optuna's pruners know nothing."""
    if objective.fpr_bound is not None:
        return optuna.pruners.NopPruner()
    return optuna.pruners.PercentilePruner(75.0, n_startup_trials=5, n_warmup_steps=1)


def _describe(study: optuna.Study, definition: Definition, asked: Mapping[str, Any]) -> None:
    for name, fact in definition.facts.items():
        study.set_user_attr(name, fact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"validation {definition.objective.name.upper()}"])
    study.set_user_attr(_DEFINITION, asked)


class StoredStudy:
    """One study of a database; its trials go by number.

    `write`, `report` and `constrain` raise `NotOursError` where a trial has ended: they come before its end.
    """

    def __init__(self, study: optuna.Study, database: StudyDatabase) -> None:
        self._study, self._database = study, database
        self._asked: dict[int, optuna.Trial] = {}

    def trials(self, *, running: bool = False) -> list[StoredTrial]:
        """Return all trials by number, or the running ones."""
        with self._database.answering():
            states = (TrialState.RUNNING,) if running else None
            return [_stored(trial) for trial in self._study.get_trials(deepcopy=False, states=states)]

    def ask(self, space: Space, seed: int) -> tuple[int, dict[str, Any]]:
        """Begin a trial, by a sampler of that ``seed``; return its number and the values that it suggests."""
        self._study.sampler = optuna.samplers.TPESampler(n_startup_trials=5, multivariate=True, seed=seed)
        with self._changing(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's on values that a person queued in its dashboard
            trial = self._study.ask(dict(space))
        self._asked[trial.number] = trial
        return trial.number, trial.params

    def queue(self, values: Values, written: Mapping[str, Any]) -> None:
        """Let a trial to come have these values."""
        with self._database.answering():
            self._study.enqueue_trial(dict(values), user_attrs=dict(written))

    def write(self, number: int, name: str, value: Any) -> None:
        """Write one thing beside a trial (`harness.tuning.stored_trial`)."""
        with self._changing():
            self._trial(number).set_user_attr(name, value)

    def report(self, number: int, value: float, step: int) -> bool:
        """Tell the value of a trial after a step from 0; return whether it is hopeless by Optuna's pruner."""
        with self._changing():
            self._trial(number).report(value, step)
            return self._trial(number).should_prune()

    def constrain(self, number: int, name: str, excess: float) -> None:
        """Tell by how much a trial is over a bound (<= 0: it is kept)."""
        with self._changing():
            self._trial(number).set_constraint(name, excess)

    def complete(self, number: int, value: float) -> None:
        """End a trial with its value."""
        with self._changing():
            self._study.tell(self._trial(number), value)

    def prune(self, number: int) -> None:
        """End a trial that was stopped as hopeless."""
        with self._changing():
            self._study.tell(self._trial(number), state=TrialState.PRUNED)

    def fail(self, number: int) -> None:
        """End a trial without a value; one that has ended stays as it is."""
        with self._changing():
            self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True)

    def importance(self) -> dict[str, float]:
        """Return each parameter's share of the values' variation (fANOVA)."""
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with self._database.answering():
            return dict(optuna.importance.get_param_importances(self._study, evaluator=evaluator))

    def _trial(self, number: int) -> optuna.Trial:
        """Return a trial to change, whoever began it."""
        asked = self._asked.get(number)
        if asked is not None:
            return asked
        return optuna.Trial(self._study, self._study.get_trials(deepcopy=False)[number]._trial_id)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._database.answering():
            try:
                yield
            except optuna.exceptions.UpdateFinishedTrialError as error:
                raise NotOursError from error


def _stored(trial: FrozenTrial) -> StoredTrial:
    state = trial.state.name.lower()
    return StoredTrial(
        number=trial.number,
        state="failed" if state == "fail" else state,
        value=trial.value,
        suggested=trial.params,
        queued=trial.system_attrs.get("fixed_params", {}),
        constraints=trial.constraints,
        written=trial.user_attrs,
    )
