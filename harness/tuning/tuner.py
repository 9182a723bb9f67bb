"""Tuning from plan to chosen parameters: the schedule on the dense network first, then every entry under it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from harness.data.loading import pool_fingerprint, read_images, training_splits
from harness.forecast.outlook import Outlook
from harness.forecast.trials import TrialsLeft
from harness.losses.schedule import LossSchedule
from harness.planning.plan import Plan, levels_of, setting_of
from harness.planning.tuning_options import TuningOptions
from harness.progress import Reporter, Task
from harness.results.mlflow_tracker import Tracker
from harness.results.names import DENSE, DONE, VALIDATION
from harness.results.outbox import Outbox
from harness.results.published import Publication, UsedData
from harness.results.study_record import StudyRecord
from harness.results.trial_record import TrialRecord
from harness.running.executors.executor import Employ, Executor, Listener, listener
from harness.running.executors.local import Workers
from harness.running.job_lines import JobLines
from harness.running.run import with_images
from harness.running.used_data import used_data
from harness.storage.store import Store
from harness.tuning.choosing import best_of, budgeted
from harness.tuning.parameter_file import Parameters, TunedSchedule, text_of, tuned_on
from harness.tuning.publication import study_begun, study_publication, trial_publication
from harness.tuning.recording import record_study
from harness.tuning.runner import Pair, Runner
from harness.tuning.search import Search, searches, spaces
from harness.tuning.studies import StudyDatabase
from harness.tuning.study import Study
from harness.tuning.trial import TrialJob, run_trial

COUNTING_S = 4.0
"""That tuning waits for its steps to be counted, once the images are read."""


@dataclass(frozen=True)
class Tuned:
    """What tuning chose: the parameters, the record of each study, and the runs that MLflow did not take.

    ``unshared`` counts the stages that the object storage which the store mirrors did not take.
    """

    parameters: Parameters
    records: list[StudyRecord]
    unpublished: list[str]
    unshared: int = 0


class Tuner:
    """Tunes all entries of a plan with equal budgets. Reads training and validation images, never test images.

    Raises `UsageError` with all that cannot be tuned. ``notes`` tell which entries have nothing to tune.
    ``outlook``, of this plan alone, tells how long it will take.
    """

    def __init__(
        self,
        plan: Plan,
        options: TuningOptions,
        losses: Mapping[str, LossSchedule],
        tracker: Tracker,
        reporter: Reporter,
        command: str,
        outlook: Outlook | None = None,
        employ: Employ = Workers,
    ) -> None:
        self.plan, self.options, self.losses, self.employ = plan, options, losses, employ
        self.reporter, self.command, self._outlook = reporter, command, outlook
        self.outbox = Outbox(tracker.publish, partial(reporter.warn, style="bold red"))
        self.spaces, self.notes = spaces(plan, options, losses)
        self._done = 0
        self._left = TrialsLeft()

    def run(self, database: StudyDatabase) -> Tuned:
        """Run or continue every study to its budget. Raises `UsageError` where a study is another search."""
        store = Store(self.plan.store)
        store.reach()
        with self.reporter.task(f"Reading the images of {self.plan.data.name}", 1, "images") as reading:
            self.plan = with_images(self.plan, read_images(self.plan.data, store, reading.update))
        self._left = self._trials_left()
        with (
            self.reporter.task("Tuning", self.options.trials * len(self.spaces), "trials") as task,
            self.employ(self.plan, run_trial, self.plan.jobs, self._listener(task)) as workers,
        ):
            first = self._phase(self.plan, database, workers, task, dense=True)
            frozen = self._frozen(first)
            rest = self._phase(frozen, database, workers, task, dense=False)
        return replace(self._result(frozen, [*first, *rest]), unshared=store.share_waiting())

    def _trials_left(self) -> TrialsLeft:
        """Return who tells how long it will take, from what was counted while the images were read."""
        if self._outlook is None:
            return TrialsLeft()
        work, rates = self._outlook.first(COUNTING_S)
        return TrialsLeft(
            list(self.spaces),
            work,
            rates,
            trials=self.options.trials,
            seeds=len(self.options.seeds),
            workers=self.plan.jobs,
        )

    def _listener(self, task: Task) -> Listener:
        lines = JobLines(task, _job_name, _job_levels)
        lines.look(self._left.seconds_left, self._left)
        return listener(self.plan, self.reporter, lines)

    def _phase(self, plan: Plan, database: StudyDatabase, workers: Executor, task: Task, *, dense: bool) -> list[Pair]:
        wanted = searches(plan, self.options, self.losses, self.spaces, dense=dense)
        pairs = [(search, Study(database, search.definition)) for search in wanted]
        for search, study in pairs:
            if not study.counted():
                self._publish(study_begun(search.definition.name, search.entry))
        before = self._done

        def count() -> None:
            self._done = before + sum(min(study.counted(), self.options.trials) for _, study in pairs)
            for search, study in pairs:
                self._left.counted(search.entry.text, study.counted())
            task.update(self._done)

        def finished(search: Search, study: Study, number: int) -> None:
            count()
            self._tell(search, study.records()[number], task)

        count()

        def waiting() -> None:
            self.reporter.note("Waiting for the last trials, which other processes have in hand")

        Runner(pairs, self.options.trials, finished).run(workers, waiting)
        return pairs

    def _frozen(self, first: list[Pair]) -> Plan:
        """Return the plan under the schedule that is best for the dense network: for all entries the same."""
        plan = self.plan
        for search, study in first:
            counted = budgeted(study.records(), self.options.trials)
            best = best_of(counted, search.definition.objective, search.definition.default)
            if best is not None:
                plan, _ = search.planned(best.parameters)
        return plan

    def _result(self, frozen: Plan, pairs: list[Pair]) -> Tuned:
        setting = setting_of(frozen, pool_fingerprint(frozen.data, frozen.store))
        records = [record_study(search, study, setting, self.command) for search, study in pairs]
        schedule = next((search.definition.space for search, _ in pairs if search.entry.method == DENSE), {})
        parameters = Parameters(
            trials=self.options.trials,
            objective=self._objective(),
            setting=setting,
            densities=self.plan.densities,
            seeds=self.options.seeds,
            tuned_on=tuned_on(self.plan),
            training=TunedSchedule(**{name: getattr(frozen.training, name) for name in schedule}),
            entries={r.entry: r.tuned for r in records if not r.dense and r.tuned},
        )
        entries = {search.entry.text: search.entry for search, _ in pairs}
        for record in records:
            self._publish(study_publication(record, text_of(parameters, self.command)))
            for trial in record.trials:
                self._publish(trial_publication(record.study, entries[record.entry], trial))
        return Tuned(parameters, records, self.outbox.finish())

    def _objective(self) -> str:
        bound = f", mean FPR <= {self.options.fpr_bound:g}" if self.options.objective == "fnr" else ""
        return f"{self.options.objective}{bound}"

    def _tell(self, search: Search, trial: TrialRecord, task: Task) -> None:
        place = f"[{self._done}/{task.total}]" if trial.counted else "[lost]"
        values = ", ".join(f"{name} {value}" for name, value in trial.parameters.items())
        self.reporter.note(f"{place} {search.entry.text} trial {trial.number}, {values}: {outcome(trial, search)}")
        self._publish(trial_publication(search.definition.name, search.entry, trial))

    def _publish(self, publication: Publication) -> None:
        self.outbox.send(replace(publication, data=self._data))

    @cached_property
    def _data(self) -> tuple[UsedData, ...]:
        """What all studies and trials read."""
        splits = training_splits(self.plan.data, self.plan.store, self.options.seeds[0])
        return used_data(self.plan.data.dataset(), zip(("train", VALIDATION), splits, strict=True))


def _job_name(job: TrialJob) -> str:
    return f"{job.entry.text} trial {job.number}"


def _job_levels(job: TrialJob) -> Sequence[float]:
    return levels_of(job.entry, job.plan.densities)


def outcome(trial: TrialRecord, search: Search) -> str:
    """Return in words how a trial ended."""
    if trial.value is None:
        return trial.reason or trial.state
    what = {"auc": "validation AUC", "fnr": "validation FNR"}[search.definition.objective.name]
    text = f"{what} {trial.value:.3f}"
    if trial.feasible is not None:
        text += f", FPR {trial.mean_fpr:.3f}{'' if trial.feasible else ' (over the bound)'}"
    without = sorted({level.status for level in trial.levels if level.status != DONE})
    collapsed = ["collapsed"] if any(level.collapsed for level in trial.levels) else []
    return "; ".join([text, *without, *collapsed, *([trial.reason] if trial.reason else [])])
