"""What a user may set: presets, a TOML file, ``--set`` and flags, merged in this order and checked whole."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from harness.errors import UsageError
from harness.initial.pretraining_options import Pretraining
from harness.losses.schedules import ALIASES, SCHEDULES, LossSchedule, Ranking, resolve_gamma
from harness.planning.cell_limit import read_cell_limit
from harness.planning.tuning_options import Seed, TuningOptions
from harness.training.schedule import Schedule

_STRICT = ConfigDict(extra="forbid")

MOST_JOBS = 1024

Density = Annotated[StrictFloat, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DataOptions:
    """Which data set, at which size, and how its validation split is cut (the split seed is the plan's)."""

    name: str = "isic"
    size: Annotated[StrictInt, Field(ge=63, le=1024)] = 64
    validation_fraction: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.25
    split_seed: Seed = 0


def _valid_gamma(gamma: float | str) -> float | str:
    try:
        resolve_gamma(gamma, 1, 1)
    except UsageError as error:
        raise ValueError(error.message) from None
    return gamma


Weight = Annotated[StrictFloat, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Gamma = Annotated[Weight | str, AfterValidator(_valid_gamma)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class LossOptions:
    """A loss of the user's own: ``gamma`` in the first round, ``gamma_after`` in later ones, ``lambda_`` always.

    ``ranking`` is the form of the term that ``lambda_`` weighs.
    """

    gamma: Gamma = 1.0
    gamma_after: Gamma = 1.0
    lambda_: Annotated[StrictFloat, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 0.0
    ranking: Ranking = "all-pairs"


def _valid_limit(text: str) -> str:
    try:
        read_cell_limit(text)
    except UsageError as error:
        raise ValueError(f"{error.message}: {error.fix}") from None
    return text


def _own_names(losses: dict[str, LossOptions]) -> dict[str, LossOptions]:
    taken = sorted(losses.keys() & {*SCHEDULES, *ALIASES})
    if taken:  # results of both would stand under one name
        raise ValueError(f"{', '.join(taken)}: a built-in loss has this name")
    return losses


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Configuration:
    """A run, as asked for. ``seeds``: a number of seeds (0, 1, ...) or a list of them."""

    methods: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)] = ("all",)
    densities: Annotated[tuple[Density, ...], Field(min_length=1)] = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
    seeds: Annotated[StrictInt, Field(ge=1, le=1000)] | Annotated[tuple[Seed, ...], Field(min_length=1)] = 1
    network: str = "alexnet-bn"
    weights: str = "auto"
    loss: str | None = None
    losses: Annotated[dict[str, LossOptions], AfterValidator(_own_names)] = Field(default_factory=dict)
    jobs: Annotated[StrictInt, Field(ge=0, le=MOST_JOBS)] = 0
    cell_limit: Annotated[str, AfterValidator(_valid_limit)] = "1d"
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: DataOptions = DataOptions()
    training: Schedule = Schedule()
    pretraining: Pretraining = Pretraining()
    tuning: TuningOptions = TuningOptions()

    @property
    def loss_schedules(self) -> dict[str, LossSchedule]:
        """The losses of the user's own, by name."""
        return {name: LossSchedule(name, **asdict(loss)) for name, loss in self.losses.items()}

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds themselves, each once: one counted twice would make intervals look narrower."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(dict.fromkeys(self.seeds))
