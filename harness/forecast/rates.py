"""Seconds a unit of each kind of work: as measured beforehand, then as this run goes."""

from collections.abc import Mapping

from harness.forecast.work import Cost

_WEIGHT: Mapping[str, float] = {"train": 20.0, "pretrain": 20.0, "decode": 50.0}
"""Units that what was known before counts as, beside those of this run: a second or two of work."""

_SURE_S = 2.0
"""Of trainings, after which their seconds tell how busy the machine is."""


class Rates:
    """What a unit of each `Cost` takes. ``before``: what was measured or took place earlier."""

    def __init__(self, before: Mapping[Cost, float] | None = None) -> None:
        self.before = dict(before or {})
        self._seen: dict[Cost, tuple[float, float]] = {}

    @property
    def known(self) -> set[Cost]:
        """The costs that something is known of."""
        return {*self.before, *self._seen}

    def learn(self, cost: Cost, units: float, seconds: float) -> None:
        """Take in that so many units took so many seconds now."""
        before = self._seen.get(cost, (0.0, 0.0))
        self._seen[cost] = before[0] + units, before[1] + seconds

    def of(self, cost: Cost) -> float | None:
        """Return the seconds a unit, None where nothing is known of its kind.

        A network whose steps nobody has timed is taken to be like the others that are trained; a pretraining's steps
        are like its network's.
        """
        found = self._known(cost)
        if found is None and cost.kind == "pretrain":
            return self.of(Cost("train", cost.what))
        if found is None and cost.kind == "train":
            others = [rate for one in self.known if one.kind == "train" and (rate := self._known(one))]
            return sum(others) / len(others) if others else None
        return found

    def _known(self, cost: Cost) -> float | None:
        units, seconds = self._seen.get(cost, (0.0, 0.0))
        before = self.before.get(cost)
        if before is None:
            return seconds / units if units else None
        weight = _WEIGHT.get(cost.kind, 1.0)
        return (before * self._slower * weight + seconds) / (weight + units)

    @property
    def _slower(self) -> float:
        """How many times as long as before trainings take now: where others compute here, all else does, too."""
        found = [(self.before[cost] * units, seconds) for cost, (units, seconds) in self._timed if cost in self.before]
        return (_SURE_S + sum(now for _, now in found)) / (_SURE_S + sum(before for before, _ in found))

    @property
    def _timed(self) -> list[tuple[Cost, tuple[float, float]]]:
        return [(cost, seen) for cost, seen in self._seen.items() if cost.kind == "train"]
