"""What a user may set about tuning; no torch and no Optuna here."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

_NAME_BYTES = 150  # a file system takes 255, and the data set's name stands before it

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


def _part_of_a_name(study: str) -> str:
    if "/" in study or not study.isprintable() or len(study.encode()) > _NAME_BYTES:
        raise ValueError("should be part of a file's name: no slash, no control signs, not too long")
    return study


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class TuningOptions:
    """How entries are tuned."""

    trials: Annotated[StrictInt, Field(ge=1, le=100_000)] = 20
    """Trials of every study, see tuning.md."""
    objective: Literal["auc", "fnr"] = "auc"
    """What tuning optimises on validation."""
    fpr_bound: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.5
    """Bound of the mean FPR at sens95 under the objective `fnr`."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_each_once)] = (1_000_000,)
    """Seeds that tuning trains with; `--params` and `--tune` refuse a run with one of them."""
    study: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_part_of_a_name)] = "tuning"
    """Beginning of the studies' names, and end of the parameter file's; another name starts anew."""
    space: dict[str, dict[str, Range]] = Field(default_factory=dict)
    """Search spaces in the place of the methods' own, see tuning.md."""
