"""What a user may set: presets, a TOML file, ``--set`` and flags, merged in this order and checked whole."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt
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
    """Which data set, at which size, and how it is cut."""

    name: str = "isic"
    """The data set: `harness list datasets` shows all; your own images: data.md."""
    positive: str | None = None
    """The class that must not be missed, of `folder:PATH` and `csv:PATH`."""
    size: Annotated[StrictInt, Field(ge=63, le=1024)] = 64
    """Side of the square images in pixels."""
    validation_fraction: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.25
    """Share of each class of the images that are not for testing that becomes the validation split, where its publisher
    gives none (splits.md).
    """
    test_fraction: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.25
    """Share of each class that is tested where the publisher gives no split at all."""
    split: Literal["seed", "fixed"] = "seed"
    """Validation is drawn by each seed of the run, or by `data.split_seed` alone."""
    split_seed: Seed = 0
    """Draws the folds, a test split where there is none, and with `fixed` validation."""
    folds: Annotated[StrictInt, Field(ge=0, le=20), AfterValidator(_several)] | None = None
    """Cuts all labelled images into so many folds and tests each once (splits.md). 0 is none: the publisher's split,
    under a preset that has folds.
    """
    imbalance: Annotated[tuple[Ratio, ...], Field(min_length=1), AfterValidator(_each_once)] = ("natural",)
    """Negatives per positive in training, each a group of results."""
    max_pixels: Annotated[StrictInt, Field(ge=1, le=10**10)] = Conversion().max_pixels
    """Images of more are refused by their header, before they fill the memory."""


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
    """A run, as asked for. The text below a key is its meaning in `harness config` and docs/configuration.md."""

    methods: Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1)] = ("all",)
    """Methods to run: names, patterns such as `structured-*`, texts such as `snip[images=128]`, or tables
    (configuration.md).
    """
    densities: Annotated[tuple[Density, ...], Field(min_length=1)] = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
    """Parameters left / all parameters. 1, the dense network, is always added."""
    seeds: Annotated[StrictInt, Field(ge=1, le=1000)] | Annotated[tuple[Seed, ...], Field(min_length=1)] = 1
    """A number n means the seeds 0 to n - 1. `--seeds 3,` is the seed 3 alone."""
    network: str = "alexnet-bn"
    """What is pruned. `alexnet` is the paper's (2,471,842 parameters); `alexnet-bn` has batch norm after each
    convolution and one linear layer (2,472,514); `efficientnet-lite0` is made for small devices (3,373,570; its
    ImageNet weights are installed with the harness). `torchvision:NAME` is a classifier of torchvision's
    (configuration.md). `harness list networks` names all, those of other distributions too (plugins.md);
    `harness/networks/` has a file for each, with its source and size.
    """
    weights: str = "auto"
    """Where W0's convolutions come from. `imagenet`: for `alexnet` and `alexnet-bn` torchvision's AlexNet weights,
    downloaded once (233 MB), for `efficientnet-lite0` those of an installed package, for `torchvision:NAME` those that
    torchvision names (data.md). `simulated`: pretrained on simulated images. `auto`: `imagenet` where its weights are
    present or can be downloaded, else `simulated`; the first answer is kept for the store. `kaiming`: drawn from the
    seed. A path: a torch file of the network's features, told by their names, else by their order, or of its
    convolutions alone, such as torchvision's AlexNet for these two. The head is always drawn from the seed.
    """
    trained: StrictBool = False
    """`weights` is the file of your own trained network, head included: it is the dense network of every seed, and
    dense training is skipped (own-network.md).
    """
    trained_positive: Literal[0, 1] = 1
    """Which output of your trained network is the positive class, counted from 0; of a single logit, the class that it
    speaks for.
    """
    loss: str | None = None
    """Trains every method with this loss in place of its own, see losses.md. Entries that become the same run once; a
    note says so.
    """
    losses: Annotated[dict[str, Table], AfterValidator(_own_names)] = Field(default_factory=dict)
    """Losses of your own. `kind` names the loss that a table changes, by that loss's parameters: `[losses.mine]`, `kind
    = "focal"`, `focusing = 1.0`. Without `kind`, or with one of the paper's, the keys are `gamma` and `gamma_after`
    (the positives' weight in the first round and in later ones: above 0, at most 1,000,000, or
    `"effective-number(beta)"` with 0 <= beta < 1), `lambda_` (weight of the ranking term, from 0 to 1,000,000) and
    `ranking` (`"all-pairs"`; or `"pointwise"`). See losses.md.
    """
    quantise: Literal["no", "int8"] = "no"
    """`int8` adds to each entry a twin: the same networks, quantised to eight bits and scored as such. One alone is
    written `lt+int8` among the methods (quantisation.md). Tuning leaves twins out.
    """
    jobs: Annotated[StrictInt, Field(ge=0, le=MOST_JOBS)] = 0
    """Worker processes of one thread each. 0 means one per core that the process may use; where the device is CUDA, as
    many for each GPU as are measured to pay (performance.md).
    """
    cell_limit: Annotated[str, AfterValidator(_valid_limit)] = "1d"
    """Most that one cell may take on the clock, and the memory that its process may use: `2h`, `30m,8GB`. A cell that
    takes more has failed, and the rest of its method for that seed. Without a memory the machine's is the limit. No
    result depends on it.
    """
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters for every method that has a field of that name, takes the value and was not given one."""
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
