"""Loss schedules by name: which class weight and ranking weight each pruning round trains with. No torch here.

Source: Entezari & Saukh 2020, Sec. III-C.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.losses.loss import Loss


def effective_number_gamma(beta: float, positives: int, negatives: int) -> float:
    """Return the positives' weight by effective numbers of samples, scaled so that negatives weigh 1.

    gamma_c = (1 - beta) / (1 - beta^n_c), beta in [0, 1). Source: Cui et al. 2019, equation (2); the paper, Sec. II.
    """
    if beta == 0:
        return 1.0
    log_beta = math.log(beta)
    return math.expm1(negatives * log_beta) / math.expm1(positives * log_beta)


WEIGHTS = {"gamma": 1.0, "lambda": 0.0}
"""A loss's own numbers by name, and what each is where it does nothing."""

GammaRule = float | str
"""A number, or ``effective-number(beta)``, resolved with the training split's counts."""

Ranking = Literal["all-pairs", "pointwise"]
"""The form of the ranking term, see docs/losses.md."""


@dataclass(frozen=True)
class LossSchedule:
    """A loss that depends on the pruning round: ``gamma`` in the first round, ``gamma_after`` in the later ones.

    ``lambda_`` weighs the ranking term in all rounds, ``ranking`` is its form.
    """

    key_name: ClassVar[str] = ""
    name: str
    gamma: GammaRule = 1.0
    gamma_after: GammaRule = 1.0
    lambda_: float = 0.0
    ranking: Ranking = "all-pairs"

    def resolve(self, round: int, positives: int, negatives: int) -> "Loss":
        """Return the loss of pruning ``round`` (0 = dense) for a training split with these counts.

        Without a ranking term its form does not matter: the same loss, and the same training.
        """
        from harness.losses.loss import Loss, PointwiseLoss  # bring torch, which reading a configuration does not need

        gamma = self.gamma if round == 0 else self.gamma_after
        kind = PointwiseLoss if self.ranking == "pointwise" and self.lambda_ else Loss
        return kind(resolve_gamma(gamma, positives, negatives), float(self.lambda_))

    @property
    def weights(self) -> dict[str, float]:
        """The schedule's own numbers by name: ``gamma`` and ``lambda``, each only where the loss has it.

        ``gamma`` is the positives' weight in those rounds where it is not 1. A rule that gives gamma by counts, and two
        weights that differ, are no single number.
        """
        gammas = {gamma for gamma in (self.gamma, self.gamma_after) if gamma != 1}
        found = {"lambda": float(self.lambda_)} if self.lambda_ else {}
        if len(gammas) == 1 and not isinstance(gamma := gammas.pop(), str):
            found["gamma"] = float(gamma)
        return found

    def with_weights(self, given: Mapping[str, float]) -> "LossSchedule":
        """Return the schedule with other numbers for its `weights`.

        Raises `UsageError` with every one that the loss does not have, and every value out of range.
        """
        faults = [f"{name!r}: the loss does not have it" for name in given if name not in self.weights]
        faults += [
            f"{name} = {value:g} is not a finite number {'> 0' if name == 'gamma' else '>= 0'}"
            for name, value in given.items()
            if not (math.isfinite(value) and (value > 0 or (value == 0 and name == "lambda")))
        ]
        if faults:
            has = ", ".join(self.weights) or "none"
            raise UsageError(f"loss {self.name!r} got wrong weights", faults=faults, fix=f"its weights are: {has}")
        gamma = given.get("gamma")
        first, later = (weight if gamma is None or weight == 1 else gamma for weight in (self.gamma, self.gamma_after))
        return replace(self, gamma=first, gamma_after=later, lambda_=given.get("lambda", self.lambda_))


def resolve_gamma(gamma: GammaRule, positives: int, negatives: int) -> float:
    """Return gamma as a number. Raises `UsageError` for a text that is not ``effective-number(beta)``."""
    if not isinstance(gamma, str):
        return float(gamma)
    head, _, rest = gamma.partition("(")
    try:
        beta = float(rest.removesuffix(")"))
    except ValueError:
        beta = math.nan
    if head != "effective-number" or not rest.endswith(")") or not 0 <= beta < 1:
        raise UsageError(
            f"loss weight gamma = {gamma!r} is neither a number nor effective-number(beta) with 0 <= beta < 1",
            fix="write for example gamma = 5 or gamma = 'effective-number(0.9999)'",
        )
    return effective_number_gamma(beta, positives, negatives)


_SCENARIOS = (
    LossSchedule("blue", 1.0, 1.0, 5.0),
    LossSchedule("black", 1.0, 5.0, 5.0),
    LossSchedule("green", 10.0, 10.0, 5.0),
)

SCHEDULES: dict[str, LossSchedule] = {
    schedule.name: schedule
    for schedule in (
        LossSchedule("plain"),
        *_SCENARIOS,
        LossSchedule("weights-only", 5.0, 5.0, 0.0),
        *(replace(one, name=f"{one.name}-pointwise", ranking="pointwise") for one in _SCENARIOS),
    )
}
"""The paper's scenarios (Sec. III-C), a control, and the scenarios with the other ranking term.

``plain`` is the paper's red line.
"""

ALIASES = {"class-dependent": "black"}


def schedule_named(name: str, own: Mapping[str, LossSchedule] | None = None) -> LossSchedule:
    """Return a loss schedule by name, one of ``own`` before the built-in ones.

    Raises `UsageError` naming the nearest one.
    """
    schedules = {**SCHEDULES, **(own or {})}
    resolved = ALIASES.get(name, name)
    if resolved not in schedules:
        known = [*schedules, *ALIASES]
        raise UsageError(f"unknown loss {name!r}{nearest(name, known)}", fix=f"use one of: {', '.join(known)}")
    return schedules[resolved]
