"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_STORE = Path("harness-store")

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="HARNESS_STORE", help="Folder of finished stages, results and reports.")
]
TrackingOption = Annotated[
    str | None, typer.Option("--tracking-uri", help="MLflow server; default: a database in the store.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder that holds <data set>/; default: HARNESS_DATA, then the user cache."),
]
MethodsOption = Annotated[
    str | None, typer.Option("--methods", help="'all', or names, globs and parameters: 'lt,snip[images=128]'.")
]
DatasetOption = Annotated[str | None, typer.Option("--dataset", help="Data set; `harness list datasets` shows all.")]
PresetOption = Annotated[str, typer.Option("--preset", help="Preset; `harness list presets` shows all.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file laid over the preset.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="One configuration key; may be repeated.")
]
DensitiesOption = Annotated[
    str | None,
    typer.Option("--densities", help="Parameters left / all parameters, each in (0, 1]: '1,0.25,0.05'."),
]
LossOption = Annotated[
    str | None,
    typer.Option("--loss", help="Train every method with this loss: plain, blue, black, green, ... (docs/losses.md)."),
]
NetworkOption = Annotated[
    str | None, typer.Option("--network", help="What is pruned; `harness list networks` shows all.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option("--weights", help="Start of the convolutions: auto, imagenet, simulated, kaiming or a weights file."),
]
PositiveOption = Annotated[
    str | None, typer.Option("--positive", metavar="CLASS", help="The class not to miss, of folder:PATH or csv:PATH.")
]
FoldsOption = Annotated[
    int | None, typer.Option("--folds", metavar="K", help="Cut all images into K folds and test each once; 0: none.")
]
ImbalanceOption = Annotated[
    str | None,
    typer.Option("--imbalance", metavar="RATIOS", help="Negatives per positive in training: 'natural,10,20'."),
]
MaxPixelsOption = Annotated[
    int | None, typer.Option("--max-pixels", metavar="N", help="Refuse images of more; default: 50 million.")
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="Go on without images that cannot be read; stamped on every result.")
]
AllowDuplicatesOption = Annotated[
    bool, typer.Option("--allow-duplicates", help="Run though an image is in two splits; stamped on every result.")
]
AllowMissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Run on a partial data set; stamped on every result.")
]
RealOnlyOption = Annotated[
    bool, typer.Option("--real-only", help="Never fall back to simulated images: exit 4 instead.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, max=1024, help="Worker processes; default: one per core.")
]
CellLimitOption = Annotated[
    str | None,
    typer.Option("--cell-limit", metavar="TIME[,MEMORY]", help="Most that a cell may take: 2h or 30m,8GB; default 1d."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan with counts; run nothing.")]
EstimateOption = Annotated[
    bool,
    typer.Option(
        "--estimate/--no-estimate", envvar="HARNESS_ESTIMATE", help="Time a few steps to say how long it takes."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
StorageOption = Annotated[
    str | None,
    typer.Option("--storage", envvar="HARNESS_STORAGE", help="Database of the studies; default: a file in the store."),
]
