"""Options that several verbs share, each under the heading that it has where a verb's options are many."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completions

DEFAULT_STORE = Path("harness-store")

WHAT = "What is run"
CONFIGURATION = "Configuration"
TUNING = "Tuning"
IMAGES = "Images"
PLACES = "Places"
WORK = "Work"
OUTPUT = "Output"
SHOWN = "What is shown"


def _store(place: str) -> Path:
    from harness.storage.mirror import store_folder

    return store_folder(place)


StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        parser=_store,
        metavar="FOLDER",
        envvar="HARNESS_STORE",
        rich_help_panel=PLACES,
        help="Folder of finished stages, results and reports; or s3://BUCKET/PREFIX (docs/object-storage.md).",
    ),
]
TrackingOption = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        rich_help_panel=PLACES,
        help="MLflow server; default: a database in the store.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        rich_help_panel=PLACES,
        help="Folder that holds <data set>/; default: HARNESS_DATA, then the user cache.",
    ),
]
MethodsOption = Annotated[
    str | None,
    typer.Option(
        "--methods",
        metavar="LIST",
        autocompletion=completions.methods,
        rich_help_panel=WHAT,
        help="'all', or names, globs and parameters: 'lt,snip[images=128]'.",
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        autocompletion=completions.datasets,
        rich_help_panel=WHAT,
        help="Data set; `harness list datasets` shows all.",
    ),
]
PresetOption = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        autocompletion=completions.presets,
        rich_help_panel=CONFIGURATION,
        help="Preset; `harness list presets` shows all.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        rich_help_panel=CONFIGURATION,
        help="TOML file laid over the preset; `harness config` writes one.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="A.B=C",
        rich_help_panel=CONFIGURATION,
        help="One configuration key; may be repeated.",
    ),
]
DensitiesOption = Annotated[
    str | None,
    typer.Option(
        "--densities",
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Parameters left / all parameters, each in (0, 1]: '1,0.25,0.05'.",
    ),
]
LossOption = Annotated[
    str | None,
    typer.Option(
        "--loss",
        metavar="NAME",
        autocompletion=completions.losses,
        rich_help_panel=WHAT,
        help="Train every method with this loss: plain, blue, black, green, ... (docs/losses.md).",
    ),
]
NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME",
        autocompletion=completions.networks,
        rich_help_panel=WHAT,
        help="What is pruned; `harness list networks` shows all.",
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="START",
        autocompletion=completions.weights,
        rich_help_panel=WHAT,
        help="Start of the convolutions: auto, imagenet, simulated, kaiming or a weights file.",
    ),
]
TrainedOption = Annotated[
    bool,
    typer.Option(
        "--trained",
        rich_help_panel=WHAT,
        help="--weights is your own trained network, head included: prune it as it is.",
    ),
]
PositiveOption = Annotated[
    str | None,
    typer.Option(
        "--positive",
        metavar="CLASS",
        rich_help_panel=WHAT,
        help="The class not to miss, of folder:PATH or csv:PATH.",
    ),
]
FoldsOption = Annotated[
    int | None,
    typer.Option(
        "--folds",
        metavar="K",
        rich_help_panel=WHAT,
        help="Cut all images into K folds and test each once; 0: none.",
    ),
]
ImbalanceOption = Annotated[
    str | None,
    typer.Option(
        "--imbalance",
        metavar="RATIOS",
        rich_help_panel=WHAT,
        help="Negatives per positive in training: 'natural,10,20'.",
    ),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", metavar="N", rich_help_panel=IMAGES, help="Refuse images of more; default: 50 million."
    ),
]
SkipBrokenOption = Annotated[
    bool,
    typer.Option(
        "--skip-broken",
        rich_help_panel=IMAGES,
        help="Go on without images that cannot be read; stamped on every result.",
    ),
]
AllowDuplicatesOption = Annotated[
    bool,
    typer.Option(
        "--allow-duplicates",
        rich_help_panel=IMAGES,
        help="Run though an image is in two splits; stamped on every result.",
    ),
]
AllowMissingOption = Annotated[
    bool,
    typer.Option("--allow-missing", rich_help_panel=IMAGES, help="Run on a partial data set; stamped on every result."),
]
RealOnlyOption = Annotated[
    bool,
    typer.Option("--real-only", rich_help_panel=IMAGES, help="Never fall back to simulated images: exit 4 instead."),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs", metavar="N", min=1, max=1024, rich_help_panel=WORK, help="Worker processes; default: one per core."
    ),
]
ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="local|ray",
        autocompletion=completions.one_of("local", "ray"),
        rich_help_panel=WORK,
        help="Who computes: processes of this machine, or a Ray cluster.",
    ),
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        rich_help_panel=WORK,
        help="Ray cluster to join, or auto; default: one started here.",
    ),
]
CellLimitOption = Annotated[
    str | None,
    typer.Option(
        "--cell-limit",
        metavar="TIME[,MEMORY]",
        rich_help_panel=WORK,
        help="Most that a cell may take: 2h or 30m,8GB; default 1d.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", rich_help_panel=WORK, help="Show the plan with counts; run nothing.")
]
EstimateOption = Annotated[
    bool,
    typer.Option(
        "--estimate/--no-estimate",
        envvar="HARNESS_ESTIMATE",
        rich_help_panel=WORK,
        help="Time a few steps to say how long it takes.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="JSON on stdout, and nothing else there.")
]
QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Beside the results, say errors and warnings alone."),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        rich_help_panel=OUTPUT,
        help="Say versions, places, and what is computed or kept.",
    ),
]
StorageOption = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="URL",
        envvar="HARNESS_STORAGE",
        rich_help_panel=TUNING,
        help="Database of the studies; default: a file in the store.",
    ),
]
