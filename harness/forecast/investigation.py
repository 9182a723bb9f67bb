"""What is counted and measured for a plan, in the order of how much is to be had for little."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from harness import plugins
from harness.forecast.calibration import Calibration
from harness.forecast.counting import Counter
from harness.forecast.dry_bench import NotCounted, drawn
from harness.forecast.work import CELL, TWIN, Cost, EntryWork
from harness.networks.architecture import Architecture
from harness.planning.entries import Entry
from harness.planning.plan import Plan

BUDGET_S = 5.0
"""Of the processor: what is not begun by then is left out."""
OWN_NETWORKS = 6
"""That methods bring along, of which a step is timed."""


class Investigation:
    """Tells, as it finds them: ``work`` of an entry, ``rate`` of a cost, and ``basics`` when the rest is refinement.

    ``counts``: of each group of plans, which differ in their data alone, the images of the splits, (positives,
    negatives) by name; what is ``known`` is not measured. Methods of other distributions come after what is not theirs.
    """

    def __init__(
        self,
        plan: Plan,
        counts: Sequence[Mapping[str, tuple[int, int]]],
        known: Collection[Cost],
        tell: Callable[[tuple[object, ...]], None],
    ) -> None:
        self.plan, self.known, self.tell = plan, {*known}, tell
        self.counters = [Counter(plan, *one["train"]) for one in counts]
        self.counter = self.counters[0]
        self.calibration = Calibration(plan, {name: sum(pair) for name, pair in counts[0].items()}, self._rate)
        self.work: dict[str, EntryWork] = {}
        self._tried: set[Cost] = set()

    def run(self) -> None:
        """Count and measure all there is."""
        began = time.process_time()
        ours = [entry for entry in self.plan.entries if _is_ours(entry.method)]
        self._measure(Cost("train", self.plan.network), lambda: self.calibration.training(self.counter.planned))
        self._count(ours)
        self._measure(CELL, lambda: self.calibration.scoring(self.counter.planned))
        if any(entry.is_quantised for entry in self.plan.entries):
            self._measure(TWIN, lambda: self.calibration.quantising(self.counter.planned))
        self._measure(Cost("decode"), self.calibration.decoding)
        self.tell(("basics",))
        for architecture in list(self.counter.architectures.values())[:OWN_NETWORKS]:
            self._other(architecture)
        self._count(entry for entry in self.plan.entries if entry not in ours)
        for entry in self.plan.entries:
            if time.process_time() - began < BUDGET_S:
                self._computing(entry)

    def _count(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            for group, counter in enumerate(self.counters):
                work = counter.work(entry)
                self.work.setdefault(entry.text, work)
                self.tell(("work", group, entry.text, work))

    def _other(self, architecture: Architecture) -> None:
        cost = Cost("train", str(architecture))
        self._measure(cost, lambda: self.calibration.training(drawn(architecture)))

    def _computing(self, entry: Entry) -> None:
        asked = {piece.cost for piece in self.work[entry.text].pieces if piece.cost.kind == "compute"}
        if new := asked - self._tried - self.known:
            self._tried |= new
            self._measure(next(iter(new)), lambda: self.calibration.computing(self.counter, entry))

    def _measure(self, cost: Cost, measure: Callable[[], None]) -> None:
        if cost in self.known or self.plan.training.device == "cuda":  # whose seconds are not the processor's
            return
        with contextlib.suppress(Exception, NotCounted):
            measure()

    def _rate(self, cost: Cost, seconds: float) -> None:
        if cost not in self.known:
            self.known.add(cost)
            self.tell(("rate", cost, float(seconds)))


def _is_ours(method: str) -> bool:
    plugin = plugins.available(plugins.PRUNERS).get(method)
    return plugin is None or plugin.is_ours
