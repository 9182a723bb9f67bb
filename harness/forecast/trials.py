"""How long tuning will take yet: trials that are left, times what one of its entry takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.forecast.rates import Rates
from harness.forecast.work import CELL, Cost, EntryWork
from harness.results.names import DENSE
from harness.running.executors.executor import JobListener
from harness.running.job_watcher import Steps


class TrialsLeft(JobListener):
    """Hears of trials. ``work`` is an entry's at its defaults: what a trial's values change of it is not known yet.

    The dense network of the other entries is one training for all trials of a seed, and left out; so are trials that
    end early. ``trials`` of each of ``entries``, by ``seeds`` each, on ``workers``; without entries nobody knows.
    """

    def __init__(
        self,
        entries: Sequence[str] = (),
        work: Mapping[str, EntryWork] | None = None,
        rates: Rates | None = None,
        *,
        trials: int = 0,
        seeds: int = 1,
        workers: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work, self._rates, self._clock = work or {}, rates or Rates(), clock
        self._trials, self._seeds, self._workers = trials, seeds, workers
        self._left = dict.fromkeys(entries, trials)
        self._heard: dict[int, tuple[int, float]] = {}

    def counted(self, entry: str, trials: int) -> None:
        """Take in how many trials of an entry are over."""
        if entry in self._left:
            self._left[entry] = max(self._trials - trials, 0)

    def seconds_left(self) -> float | None:
        """Return the seconds until the last trial ends, None where an entry's are not known."""
        each = {entry: self._trial(entry) for entry, left in self._left.items() if left}
        if not self._left or any(seconds is None for seconds in each.values()):
            return None
        return sum((seconds or 0.0) * self._left[entry] for entry, seconds in each.items()) / self._workers

    def _trial(self, entry: str) -> float | None:
        if entry not in self._work or self._work[entry].unknown:
            return None
        first, *others = self._work[entry].levels or [()]
        own = [*(first if entry == DENSE else ()), *(piece for level in others for piece in level)]
        rates = [(self._rates.of(piece.cost), piece.units) for piece in own]
        if any(rate is None for rate, _ in rates):
            return None
        cells = (self._rates.of(CELL) or 0.0) * (1 + len(others))
        return self._seeds * (cells + sum((rate or 0.0) * units for rate, units in rates))

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Learn what steps take."""
        del kind
        if not isinstance(payload, Steps) or payload.kind != "train":
            return
        now = self._clock()
        before, at = self._heard.get(id(job), (0, now))
        if 0 < before < payload.done:
            self._rates.learn(Cost("train", payload.what), payload.done - before, now - at)
        self._heard[id(job)] = payload.done, now

    def ended(self, job: Any, kind: str) -> None:
        """Forget a trial."""
        del kind
        self._heard.pop(id(job), None)
