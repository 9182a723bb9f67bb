"""What a user may set: presets, a TOML file, ``--set`` and flags, merged in this order and checked whole."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from harness.errors import UsageError
from harness.evaluation.terms import Terms
from harness.images.decoding import Conversion
from harness.initial.pretraining_options import Pretraining
from harness.losses.registered import own_schedule, taken_names
from harness.losses.schedule import LossSchedule
from harness.planning.cell_limit import read_cell_limit
from harness.planning.tuning_options import Seed, TuningOptions
from harness.training.schedule import Schedule

_STRICT = ConfigDict(extra="forbid")

MOST_JOBS = 1024

Density = Annotated[StrictFloat, Field(gt=0, le=1)]
Table = dict[str, Any]


Ratio = Literal["natural"] | Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)]


def _each_once(ratios: tuple[Ratio, ...]) -> tuple[Ratio, ...]:
    return tuple(dict.fromkeys(ratios))


def _several(folds: int) -> int | None:
    if folds == 1:
        raise ValueError("should be 0, for none, or at least 2")
    return folds or None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DataOptions:
    """Which data set, at which size, and how it is cut.

    ``split``: validation is drawn by each seed, or "fixed": once, by ``split_seed``, which also draws a test split
    where the set has none. Images of more than ``max_pixels`` are refused. ``folds``: all images are cut into so many
    (0 is none), and each is tested once. ``imbalance``: negatives per positive in training, each a group of results of
    its own.
    """

    name: str = "isic"
    positive: str | None = None
    size: Annotated[StrictInt, Field(ge=63, le=1024)] = 64
    validation_fraction: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.25
    test_fraction: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.25
    split: Literal["seed", "fixed"] = "seed"
    split_seed: Seed = 0
    folds: Annotated[StrictInt, Field(ge=0, le=20), AfterValidator(_several)] | None = None
    imbalance: Annotated[tuple[Ratio, ...], Field(min_length=1), AfterValidator(_each_once)] = ("natural",)
    max_pixels: Annotated[StrictInt, Field(ge=1, le=10**10)] = Conversion().max_pixels


def _valid_limit(text: str) -> str:
    try:
        read_cell_limit(text)
    except UsageError as error:
        raise ValueError(f"{error.message}: {error.fix}") from None
    return text


def _own_names(losses: dict[str, Table]) -> dict[str, Table]:
    if losses and (taken := sorted(losses.keys() & taken_names())):  # results of both would stand under one name
        raise ValueError(f"{', '.join(taken)}: a registered loss has this name")
    if odd := sorted(name for name in losses if not name or name != name.strip() or {*",[]="} & {*name}):
        raise ValueError(f"{', '.join(map(repr, odd))}: such a name cannot be written in an entry, lt[loss=NAME]")
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
    losses: Annotated[dict[str, Table], AfterValidator(_own_names)] = Field(default_factory=dict)
    jobs: Annotated[StrictInt, Field(ge=0, le=MOST_JOBS)] = 0
    cell_limit: Annotated[str, AfterValidator(_valid_limit)] = "1d"
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: DataOptions = DataOptions()
    training: Schedule = Schedule()
    pretraining: Pretraining = Pretraining()
    tuning: TuningOptions = TuningOptions()
    verdict: Terms = Terms()

    @property
    def loss_schedules(self) -> dict[str, LossSchedule]:
        """The losses of the user's own, by name. Raises `UsageError` for one that cannot be read."""
        return {name: own_schedule(name, table) for name, table in self.losses.items()}

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds themselves, each once: one counted twice would make intervals look narrower."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(dict.fromkeys(self.seeds))
