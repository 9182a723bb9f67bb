"""`harness run --profile`: where the time went, of this process and of all that it started."""

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.spans import SPANS, Part, Spent, added

WORDS = {
    Part.TRAINING: "training",
    Part.METHODS: "methods' own computing",
    Part.EVALUATION: "evaluation",
    Part.DATA: "data",
    Part.STORE: "store",
    Part.MLFLOW: "MLflow",
    Part.REPORT: "report",
    Part.PLANNING: "planning",
    Part.ESTIMATE: "estimate",
    Part.PROCESSES: "processes, imports",
    Part.WAITING: "waiting",
}
NEEDED = (Part.TRAINING, Part.METHODS)
"""What nobody who compares methods can do without."""


@dataclass(frozen=True)
class Profile:
    """Where the time went until now: of the command, and of its workers and their jobs' processes together."""

    own: Mapping[str, Spent]
    workers: Mapping[str, Spent]

    @classmethod
    def until_now(cls) -> "Profile":
        """Return it once all workers have ended: what no job has told of its children's time is their processes'."""
        own, jobs = SPANS.sums(), SPANS.jobs
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = sum(one.processor for one in jobs.values()) + SPANS.of_children
        rest = max(usage.ru_utime + usage.ru_stime - told, 0.0)
        return cls(own, added(jobs, {Part.PROCESSES: Spent(rest, 0.0)}))

    @property
    def processor(self) -> dict[Part, float]:
        """Seconds of the processor of each part, of all processes."""
        both = added(self.own, self.workers)
        return {part: both.get(part, Spent()).processor for part in Part}

    @property
    def overhead(self) -> float:
        """The share of the processor's seconds that went neither into training nor into a method's own computing."""
        processor = self.processor
        return 1 - sum(processor[part] for part in NEEDED) / sum(processor.values())

    def values(self) -> dict[str, Any]:
        """Return it as JSON values."""
        parts = {
            part.value: {
                "processor_seconds": self.processor[part],
                "seconds": self.own.get(part, Spent()).clock,
                "worker_seconds": self.workers.get(part, Spent()).clock,
            }
            for part in Part
        }
        return {"parts": parts, "overhead": self.overhead}

    def lines(self) -> list[str]:
        """Return it as a table of at most 80 columns."""
        whole = sum(self.processor.values())
        clocks = [sum(one.clock for one in spent.values()) for spent in (self.own, self.workers)]
        return [
            f"{'Where the time went':<24}{'processor, s':>14}{'share':>9}{'command, s':>14}{'workers, s':>14}",
            *(self._line(part, whole) for part in Part),
            f"{'all':<24}{whole:>14.1f}{'':>9}{clocks[0]:>14.1f}{clocks[1]:>14.1f}",
            f"neither training nor a method's own computing: {100 * self.overhead:.1f} % of the processor's time",
        ]

    def _line(self, part: Part, whole: float) -> str:
        clocks = [spent.get(part, Spent()).clock for spent in (self.own, self.workers)]
        processor = self.processor[part]
        share = f"{100 * processor / whole:.1f} %"
        return f"{WORDS[part]:<24}{processor:>14.1f}{share:>9}{clocks[0]:>14.1f}{clocks[1]:>14.1f}"
