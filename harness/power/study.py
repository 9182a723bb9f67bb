"""What a study would be, and what is taken for true about it, before anybody trains."""

from dataclasses import dataclass

BOTH = 0.92
"""Two methods of two seeds correlate nearly as two methods of one seed do, so many times as much: docs/planning.md."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What is taken for true; docs/planning.md sets the defaults beside what was measured.

    ``auc``: of the dense network. ``tau``: standard deviation of a network's true AUC over seeds. ``correlation``: of
    the scores of two methods of a seed, within a class; ``seed_correlation``: of two seeds of a method.
    """

    auc: float = 0.80
    tau: float = 0.013
    correlation: float = 0.60
    seed_correlation: float = 0.65

    @property
    def both(self) -> float:
        """Return the correlation of two methods of two seeds."""
        return BOTH * self.correlation


@dataclass(frozen=True, kw_only=True)
class Study:
    """What would be run: ``seeds`` networks an entry and fold, of ``entries`` besides dense, at ``levels`` levels.

    ``positives`` and ``negatives`` are those of all labelled images with folds, of the test part without.
    """

    positives: float
    negatives: float
    seeds: int
    entries: int
    folds: int | None = None
    levels: int = 1

    @property
    def networks(self) -> int:
        """Return the networks an entry and level."""
        return self.seeds * (self.folds or 1)

    @property
    def comparisons(self) -> int:
        """Return the pairs of entries over all levels."""
        return self.levels * self.entries * (self.entries - 1) // 2
