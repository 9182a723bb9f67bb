"""Families of tests: p-values adjusted, and entries that are not distinguished from the best."""

from collections.abc import Mapping, Sequence

from harness.evaluation.auc import compare_aucs, delong
from harness.evaluation.metrics import ImageScores, Labels


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: <= alpha exactly where Holm (1979) rejects."""
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for done, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - done) * p_values[index]))
        adjusted[index] = running
    return adjusted


def not_distinguished(labels: Labels, entries: Mapping[str, ImageScores], alpha: float = 0.05) -> list[str]:
    """Return, best mean AUC first, the best entry and all that are not distinguished from it after Holm.

    ``entries`` holds scores (S, N) by name: the same seeds, the same images.
    """
    means = {name: float(delong(labels, scores)[0].mean()) for name, scores in entries.items()}
    ordered = sorted(means, key=lambda name: -means[name])
    if not ordered:
        return []
    best, *rest = ordered
    adjusted = holm([compare_aucs(labels, entries[best], entries[name]) for name in rest])
    return [best, *(name for name, p_value in zip(rest, adjusted, strict=True) if p_value > alpha)]
