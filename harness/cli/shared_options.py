"""The options that `run` and `tune` share: one dataclass, and a decorator that gives a verb all of them."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from harness.cli.options import (
    DEFAULT_STORE,
    AllowDuplicatesOption,
    AllowMissingOption,
    CellLimitOption,
    ConfigOption,
    DataDirOption,
    DatasetOption,
    DensitiesOption,
    DryRunOption,
    EstimateOption,
    ExecutorOption,
    FoldsOption,
    ImbalanceOption,
    JobsOption,
    JsonOption,
    LossOption,
    MaxPixelsOption,
    MethodsOption,
    NetworkOption,
    PositiveOption,
    PresetOption,
    QuietOption,
    RayAddressOption,
    RealOnlyOption,
    SetOption,
    SkipBrokenOption,
    StorageOption,
    StoreOption,
    TrackingOption,
    TrainedOption,
    VerboseOption,
    WeightsOption,
)

Verb = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """What both verbs take, in the order of ``--help``. None: was not given."""

    methods: MethodsOption = None
    dataset: DatasetOption = None
    positive: PositiveOption = None
    folds: FoldsOption = None
    imbalance: ImbalanceOption = None
    preset: PresetOption = "quick"
    config: ConfigOption = None
    assign: SetOption = None
    densities: DensitiesOption = None
    loss: LossOption = None
    network: NetworkOption = None
    weights: WeightsOption = None
    trained: TrainedOption = False
    storage: StorageOption = None
    data_dir: DataDirOption = None
    allow_missing: AllowMissingOption = False
    skip_broken: SkipBrokenOption = False
    allow_duplicates: AllowDuplicatesOption = False
    max_pixels: MaxPixelsOption = None
    real_only: RealOnlyOption = False
    store: StoreOption = DEFAULT_STORE
    tracking_uri: TrackingOption = None
    jobs: JobsOption = None
    executor: ExecutorOption = "local"
    ray_address: RayAddressOption = None
    cell_limit: CellLimitOption = None
    dry_run: DryRunOption = False
    estimate: EstimateOption = True
    as_json: JsonOption = False
    quiet: QuietOption = False
    verbose: VerboseOption = False


def with_shared_options(**follows: str) -> Callable[[Verb], Verb]:
    """Make a verb from a function of `SharedOptions` and options of its own, all by keyword.

    ``follows`` names for each of its own the option that it stands after in ``--help``.
    """

    def decorated(function: Verb) -> Verb:
        shared, own = _parameters(SharedOptions), _parameters(function)
        order = list(shared)
        for name, before in follows.items():
            order.insert(order.index(before) + 1, name)

        @functools.wraps(function)
        def verb(**given: object) -> None:
            own_values = {name: given.pop(name) for name in follows}
            function(SharedOptions(**given), **own_values)  # type: ignore[arg-type]

        # typer makes its options from this: every option as if it had been written in the verb itself.
        verb.__dict__["__signature__"] = inspect.Signature([{**shared, **own}[name] for name in order])
        return verb

    return decorated


def _parameters(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)
