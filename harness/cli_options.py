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
