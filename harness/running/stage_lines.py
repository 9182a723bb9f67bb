"""Stages in words, as they end: computed, and in which time, or taken from the store."""

from typing import Any

from harness.progress import Reporter
from harness.running.job_watcher import StageEnd, what_of
from harness.storage.stage import Stage, Watcher


class StageLines(Watcher):
    """Tells of every stage that this process asks for, where details are wanted."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def ended(self, kind: str, inputs: Any, stage: Stage) -> None:
        """Say what became of a stage."""
        what = what_of(kind, inputs) if isinstance(inputs, dict) else ""
        costs = stage.seconds, stage.processor_seconds
        self._reporter.detail(in_words(StageEnd(kind, what, stage.key, 0, *costs, stage.replayed)))


def in_words(end: StageEnd) -> str:
    """Return a stage's kind, what it is about, the beginning of its key, and what became of it."""
    what = end.what.rpartition(".")[2].strip("_") if end.kind == "compute" else end.what
    name = " ".join(part for part in (end.kind, what, end.key[:8]) if part)
    steps = f" and {end.steps:,} steps" if end.steps else ""
    return f"{name}: {'from the store' if end.replayed else f'computed in {end.seconds:.1f} s{steps}'}"
