"""Runs the trials of several studies over one set of workers, each study to the same number of them."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.errors import MachineError, UsageError
from harness.planning.plan import levels_of
from harness.results.names import FAILED
from harness.results.trial_record import LevelResult
from harness.running.executors.executor import Executor, Message
from harness.tuning.metered_store import Spent
from harness.tuning.search import Search
from harness.tuning.studies import NotOursError
from harness.tuning.study import Claimed, Study
from harness.tuning.trial import TrialJob

Pair = tuple[Search, Study]

MOST_LOSSES = 3
"""Losses of its worker from which on a trial is to blame for them: what takes its machine away time and again."""
STOPPED = "the command was stopped"


@dataclass
class _InHand:
    """A trial that a worker has: whose it is, its levels so far, what they cost, and whether it was told to stop."""

    search: Search
    study: Study
    claimed: Claimed
    levels: list[LevelResult] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    hopeless: bool = False

    @property
    def total(self) -> int:
        """Number of levels of a whole trial."""
        return len(levels_of(self.search.entry, self.search.plan.densities))


class Runner:
    """Brings every study to ``budget`` finished trials, those of other processes included.

    A worker takes its next trial from the study with the fewest running, then the fewest finished ones: so trials of
    one study follow each other as long as there are as many studies as workers, and each knows those before it.
    """

    def __init__(self, pairs: Sequence[Pair], budget: int, finished: Callable[[Search, Study, int], None]) -> None:
        self.pairs, self.budget, self.finished = pairs, budget, finished
        self._trials: dict[tuple[str, int], _InHand] = {}
        self._waiting_told = False
        self._losses: Counter[tuple[str, str]] = Counter()

    def run(self, workers: Executor, waiting: Callable[[], None]) -> None:
        """Work until every study has its budget; ``waiting`` is told once where others hold the last trials."""
        try:
            while True:
                self._assign(workers)
                if not self._trials:
                    if all(study.settled(self.budget) for _, study in self.pairs):
                        return
                    if not self._waiting_told and any(True for _ in workers.idle()):
                        self._waiting_told = True
                        waiting()
                for message in workers.heard():
                    self._receive(workers, message)
                for _, study in self.pairs:
                    study.beat()
        finally:
            self._let_go()

    def _assign(self, workers: Executor) -> None:
        for worker in workers.idle():
            for search, study in sorted(self.pairs, key=lambda pair: (len(pair[1].live), pair[1].counted())):
                claimed = study.claim(self.budget)
                if claimed is None:
                    continue
                trial = _InHand(search, study, claimed)
                job = self._job(trial)
                if job is None:
                    continue
                self._trials[study.definition.name, claimed.number] = trial
                if not workers.give(worker, job):
                    self._lose(trial, "its worker died before it began", blame=False)
                break

    def _job(self, trial: _InHand) -> TrialJob | None:
        """Return the trial's job; one whose values the method refuses is finished at once, with the reason."""
        search, claimed = trial.search, trial.claimed
        try:
            plan, candidate = search.planned(claimed.values)
        except UsageError as error:
            densities = levels_of(search.entry, search.plan.densities)
            refused = [LevelResult(density=d, status=FAILED, reason=str(error)) for d in densities]
            trial.study.finish(claimed, refused, Spent())
            self.finished(search, trial.study, claimed.number)
            return None
        return TrialJob(plan, candidate.entry, search.options.seeds, trial.study.definition.name, claimed.number)

    def _receive(self, workers: Executor, message: Message) -> None:
        job: TrialJob = message.job
        trial = self._trials.get((job.study, job.number))
        if message.kind == "level":
            goes_on = trial is not None and self._goes_on(trial, *message.payload)
            workers.answer(message.worker, goes_on=goes_on)
        elif trial is None:  # it was lost before its worker was done
            return
        elif message.kind in ("died", "lost"):
            self._lose(trial, message.payload, blame=message.kind == "died" or self._lost_often(trial))
        else:
            self._drop(trial)
            with contextlib.suppress(NotOursError):
                trial.study.finish(trial.claimed, trial.levels, trial.spent, pruned=trial.hopeless)
                self.finished(trial.search, trial.study, trial.claimed.number)

    def _goes_on(self, trial: _InHand, level: LevelResult, spent: Spent) -> bool:
        """Take in a level; return whether the trial is worth its next one."""
        trial.levels.append(level)
        trial.spent = spent
        try:
            hopeless = trial.study.report(trial.claimed, trial.levels, trial.total)
        except NotOursError:
            self._drop(trial)
            return False
        trial.hopeless = hopeless and len(trial.levels) < trial.total
        return not trial.hopeless

    def _lose(self, trial: _InHand, reason: str, *, blame: bool) -> None:
        self._drop(trial)
        with contextlib.suppress(NotOursError):
            trial.study.lose(trial.claimed, reason, trial.spent, blame=blame)
            self.finished(trial.search, trial.study, trial.claimed.number)

    def _lost_often(self, trial: _InHand) -> bool:
        """Count that the machine of a trial's worker was lost; its values are queued again under another number."""
        values = trial.study.definition.name, repr(sorted(trial.claimed.values.items()))
        self._losses[values] += 1
        return self._losses[values] >= MOST_LOSSES

    def _drop(self, trial: _InHand) -> None:
        self._trials.pop((trial.study.definition.name, trial.claimed.number), None)

    def _let_go(self) -> None:
        """Queue again what this process has, when the command is stopped or fails."""
        with contextlib.suppress(MachineError):  # what is left the next start finds and fails
            for trial in list(self._trials.values()):
                with contextlib.suppress(NotOursError):
                    trial.study.lose(trial.claimed, STOPPED, trial.spent, blame=False)
            for _, study in self.pairs:
                study.let_go(STOPPED)
        self._trials.clear()
