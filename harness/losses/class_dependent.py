"""The paper's losses: weighted cross-entropy plus lambda times a ranking term, by round.

Source: Entezari & Saukh 2020, equations (1)-(3) and Sec. III-C.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import AfterValidator, Field, StrictFloat
from torch import Tensor

from harness.errors import UsageError
from harness.losses.effective_numbers import effective_number_gamma
from harness.losses.loss import Loss, weighted_cross_entropy
from harness.losses.ranking_terms import all_pairs_squared_hinge, pointwise_squared_hinge
from harness.losses.schedule import LossSchedule


@dataclass(frozen=True)
class ClassDependentLoss(Loss):
    """``gamma`` weighs the positives (negatives weigh 1), ``lambda_`` the ranking term: all pairs."""

    key_name: ClassVar[str] = ""
    gamma: float = 1.0
    lambda_: float = 0.0

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        loss = weighted_cross_entropy(logits, labels, self.gamma)
        if self.lambda_:
            loss = loss + self.lambda_ * self._ranking(logits[:, 1] - logits[:, 0], labels)
        return loss

    def _ranking(self, scores: Tensor, labels: Tensor) -> Tensor:
        return all_pairs_squared_hinge(scores, labels)


@dataclass(frozen=True)
class PointwiseLoss(ClassDependentLoss):
    """The same with the pointwise hinge for its ranking term.

    A class of its own: one more field in the other would make every stored training another one.
    """

    key_name: ClassVar[str] = ""
    ranking: Literal["pointwise"] = "pointwise"

    def _ranking(self, scores: Tensor, labels: Tensor) -> Tensor:
        return pointwise_squared_hinge(scores, labels)


def _valid_gamma(gamma: float | str) -> float | str:
    try:
        resolve_gamma(gamma, 1, 1)
    except UsageError as error:
        raise ValueError(error.message) from None
    return gamma


GammaRule = Annotated[
    Annotated[StrictFloat, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | str, AfterValidator(_valid_gamma)
]
"""A number, or ``effective-number(beta)``, resolved with the training split's counts."""

Ranking = Literal["all-pairs", "pointwise"]
"""The form of the ranking term, see docs/losses.md."""

_NOTHING = {"gamma": 1.0, "lambda": 0.0}
"""What an entry may say of these losses, and the value at which it does nothing."""


@dataclass(frozen=True)
class ClassDependent(LossSchedule):
    """``gamma`` in the first round, ``gamma_after`` in the later ones; ``lambda_`` weighs the ``ranking`` in all.

    An entry says it shorter: ``gamma`` and ``lambda``, each only where the loss has it.
    """

    key_name: ClassVar[str] = ""
    source = "Entezari & Saukh 2020, equations (1)-(3), Sec. III-C"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "gamma": FloatDistribution(1.0, 20.0, log=True),
        "lambda": FloatDistribution(0.1, 20.0, log=True),
    }

    gamma: GammaRule = 1.0
    gamma_after: GammaRule = 1.0
    lambda_: Annotated[StrictFloat, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 0.0
    ranking: Ranking = "all-pairs"

    def resolve(self, round: int, positives: int, negatives: int) -> ClassDependentLoss:
        """Return the loss of pruning ``round`` (0 = dense) for a training split with these counts.

        Without a ranking term its form does not matter: the same loss, and the same training.
        """
        gamma = self.gamma if round == 0 else self.gamma_after
        kind = PointwiseLoss if self.ranking == "pointwise" and self.lambda_ else ClassDependentLoss
        return kind(resolve_gamma(gamma, positives, negatives), float(self.lambda_))

    @property
    def parameters(self) -> dict[str, float]:
        """``gamma`` and ``lambda``, each only where the loss has it.

        ``gamma`` is the positives' weight in those rounds where it is not 1. A rule that gives gamma by counts, and two
        weights that differ, are no single number.
        """
        gammas = {gamma for gamma in (self.gamma, self.gamma_after) if gamma != 1}
        found = {"lambda": float(self.lambda_)} if self.lambda_ else {}
        if len(gammas) == 1 and not isinstance(gamma := gammas.pop(), str):
            found["gamma"] = float(gamma)
        return found

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """Return the values of parameters that the loss of this name usually has; one at which it does nothing too."""
        return {name: self.parameters.get(name, _NOTHING[name]) for name in names}

    def with_parameters(self, given: Mapping[str, Any]) -> Self:
        """Return the loss with other numbers for its `parameters`; they may be given as text.

        Raises `UsageError` with every one that the loss does not have, and every value out of range.
        """
        faults = [f"{name!r}: the loss does not have it" for name in given if name not in self.parameters]
        numbers = {name: _number(value) for name, value in given.items()}
        faults += [
            f"{name} = {given[name]} is not a finite number {'> 0' if name == 'gamma' else '>= 0'}"
            for name, value in numbers.items()
            if not (math.isfinite(value) and (value > 0 or (value == 0 and name == "lambda")))
        ]
        if faults:
            has = ", ".join(self.parameters) or "none"
            raise UsageError(
                f"loss {self.name!r} got wrong parameters", faults=faults, fix=f"its parameters are: {has}"
            )
        gamma = numbers.get("gamma")
        first, later = (weight if gamma is None or weight == 1 else gamma for weight in (self.gamma, self.gamma_after))
        return replace(self, gamma=first, gamma_after=later, lambda_=numbers.get("lambda", self.lambda_))

    def called(self, name: str, kind: str) -> Self:
        """Return the loss under a ``name``: its fields say all that it is, so it needs no ``kind``."""
        return super().called(name, "" if type(self) is ClassDependent else kind)


def _number(value: Any) -> float:
    """Return a number, NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def resolve_gamma(gamma: float | str, positives: int, negatives: int) -> float:
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


PLAIN = ClassDependent()
BLUE = ClassDependent(lambda_=5.0)
BLACK = ClassDependent(gamma_after=5.0, lambda_=5.0)
GREEN = ClassDependent(gamma=10.0, gamma_after=10.0, lambda_=5.0)
"""The paper's scenarios (Sec. III-C); plain is its red line."""

WEIGHTS_ONLY = ClassDependent(gamma=5.0, gamma_after=5.0)
"""A control: black's later weight, without the ranking term."""

BLUE_POINTWISE, BLACK_POINTWISE, GREEN_POINTWISE = (replace(one, ranking="pointwise") for one in (BLUE, BLACK, GREEN))
"""The scenarios with the other ranking term."""
