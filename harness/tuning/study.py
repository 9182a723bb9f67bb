"""A study that many processes work on at once, each trial in the hands of one of them.

Trials are asked for and told one by one, so that liveness is ours: each running trial names the lease of the process
that has it, and whoever comes next fails those whose holder is dead, with the reason, and queues them again.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.randomness import derived_seed
from harness.results.trial_record import LevelResult, TrialRecord
from harness.tuning import choosing
from harness.tuning.metered_store import Spent
from harness.tuning.spaces import rounded
from harness.tuning.stored_trial import CLAIM, COUNTED, OUTCOME, REASON, RETRY_OF, TRIES, StoredTrial, written_outcome
from harness.tuning.studies import NotOursError, StudyDatabase
from harness.tuning.study_definition import Definition

MOST_TRIES = 3
"""Processes that one trial may take with it before it counts as finished without a value."""
BEAT_S = 60.0


@dataclass
class Claimed:
    """A running trial of this process: its number, the values to try, and when it last gave a sign of life."""

    number: int
    values: dict[str, Any]
    beaten: float


class Study:
    """The study of a ``definition``. Methods that change trials may be called by many processes at once."""

    def __init__(self, database: StudyDatabase, definition: Definition) -> None:
        """Open the study, made where there is none. Raises `UsageError` where it is another search."""
        self.definition, self._database = definition, database
        self.live: dict[int, Claimed] = {}
        with database.alone():
            self._stored = database.open(definition)
            self._reap()

    def claim(self, budget: int) -> Claimed | None:
        """Return a new running trial of this process, or None where ``budget`` trials are finished or running.

        The sampler is seeded by how many trials came before, so that one worker draws the same values however often
        it is stopped.
        """
        with self._database.alone():
            self._reap()
            taken = sum(record.counted or record.state == "running" for record in self.records())
            if taken >= budget:
                return None
            try:
                claimed = self._ask(taken)
            except NotOursError:  # another store met it between two of its writes
                return None
        self.live[claimed.number] = claimed
        return claimed

    def _ask(self, taken: int) -> Claimed:
        seed = derived_seed(0, "tuning", self.definition.name, taken) % 2**32
        number, suggested = self._stored.ask(self.definition.space, seed)
        claimed = Claimed(number, self._used(suggested), time.monotonic())
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
        self._stored.write(claimed.number, CLAIM, signed)
        claimed.beaten = time.monotonic()

    def report(self, claimed: Claimed, levels: Sequence[LevelResult], total: int) -> bool:
        """Record the levels so far; return whether the trial is hopeless and should stop.

        Hopeless: after its second level or a later one, among the worst quarter of the trials that got there, of at
        least five complete ones. Under a bound none is. Raises `NotOursError`, as `finish` and `lose` do.
        """
        with self._ours(claimed):
            value = self.definition.objective.so_far(levels, total)
            return self._stored.report(claimed.number, value, len(levels) - 1)

    def finish(self, claimed: Claimed, levels: Sequence[LevelResult], spent: Spent, *, pruned: bool = False) -> None:
        """End a trial with its levels and cost; ``pruned``: it was stopped as hopeless."""
        objective, number = self.definition.objective, claimed.number
        with self._ours(claimed):
            self._stored.write(number, OUTCOME, written_outcome(levels, spent) | {"mean": objective.value(levels)})
            excess = objective.excess(levels)
            if excess is not None:
                self._stored.constrain(number, "fpr", excess)
            if pruned:
                where = f"{100 * levels[-1].density:g} %"
                self._stored.write(number, REASON, f"stopped: among the worst quarter at {where}")
                self._stored.prune(number)
            else:
                self._stored.complete(number, objective.value(levels))
        del self.live[number]

    def lose(self, claimed: Claimed, reason: str, spent: Spent, *, blame: bool = True) -> None:
        """Fail a trial that was cut off and queue its values again; not for ever where the trial is to ``blame``."""
        with self._ours(claimed), self._database.alone():
            self._stored.write(claimed.number, OUTCOME, written_outcome([], spent))
            self._fail(self._stored.trials()[claimed.number], reason, blame=blame)
        del self.live[claimed.number]

    @contextmanager
    def _ours(self, claimed: Claimed) -> Iterator[None]:
        """Let go of a trial that somebody else has ended."""
        try:
            yield
        except NotOursError:
            self.live.pop(claimed.number, None)
            raise

    def records(self) -> list[TrialRecord]:
        """Return all trials in order of number."""
        return [trial.record(self._used, self.definition.objective) for trial in self._stored.trials()]

    def counted(self) -> int:
        """Return how many trials are finished."""
        return sum(record.counted for record in self.records())

    def settled(self, budget: int) -> bool:
        """Return whether the first ``budget`` trials are finished: none with a lower number still runs elsewhere."""
        return choosing.settled(self.records(), budget)

    def importance(self) -> dict[str, float]:
        """Return each parameter's share of the objective's variation, empty where it cannot be said."""
        complete = [record for record in self.records() if record.state == "complete"]
        if len(self.definition.space) < 2 or len({record.value for record in complete}) < 4:
            return {}
        return self._stored.importance()

    def _used(self, suggested: Mapping[str, Any]) -> dict[str, Any]:
        """Return suggested values as they are trained; the default as it is."""
        default = dict(self.definition.default)
        return default if dict(suggested) == default else rounded(self.definition.space, suggested)

    def _reap(self) -> None:
        """Fail every running trial whose process is dead. The caller is alone."""
        for trial in self._stored.trials(running=True):
            if self._database.lease.is_orphan(trial.written.get(CLAIM)) and trial.number not in self.live:
                with contextlib.suppress(NotOursError):  # another store was faster
                    self._fail(trial, "its process was killed", blame=False)

    def let_go(self, reason: str) -> None:
        """Fail and queue again what this process was stopped over: between asking for a trial and having it."""
        token = self._database.lease.token
        with self._database.alone():
            for trial in self._stored.trials(running=True):
                if trial.written.get(CLAIM, {"owner": token})["owner"] == token:
                    self._fail(trial, reason, blame=False)
        self.live.clear()

    def _fail(self, trial: StoredTrial, reason: str, *, blame: bool) -> None:
        tries = int(trial.written.get(TRIES, 1))
        self._stored.write(trial.number, REASON, reason)
        if blame and tries >= MOST_TRIES:
            self._stored.write(trial.number, COUNTED, value=True)
        elif not any(other.written.get(RETRY_OF) == trial.number for other in self._stored.trials()):
            self._stored.queue(trial.suggested or trial.queued, {RETRY_OF: trial.number, TRIES: tries + blame})
        self._stored.fail(trial.number)
