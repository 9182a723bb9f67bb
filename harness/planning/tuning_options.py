"""What a user may set about tuning; no torch and no Optuna here."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Seed = Annotated[StrictInt, Field(ge=0, lt=2**31)]


def _finite(number: int | float) -> int | float:
    try:
        finite = math.isfinite(number)
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError("input should be a finite number")
    return number


Number = Annotated[StrictInt | StrictFloat, AfterValidator(_finite)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Range:
    """The values of one parameter: from ``low`` to ``high`` (by ``step``, or ``log``arithmically), or ``choices``."""

    low: Number | None = None
    high: Number | None = None
    step: Number | None = None
    log: StrictBool = False
    choices: tuple[StrictBool | StrictInt | StrictFloat | str, ...] | None = None


def _each_once(seeds: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(seeds))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class TuningOptions:
    """How entries are tuned. ``seeds`` are those that tuning trains with; a run refuses them.

    ``space`` replaces a method's search space: ranges by parameter, by method; ``dense`` is the training schedule's.
    """

    trials: Annotated[StrictInt, Field(ge=1, le=100_000)] = 20
    objective: Literal["auc", "fnr"] = "auc"
    fpr_bound: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.5
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_each_once)] = (1_000_000,)
    study: Annotated[str, Field(min_length=1, max_length=100)] = "tuning"
    space: dict[str, dict[str, Range]] = Field(default_factory=dict)
