"""`harness data`: what is there of a data set, and bringing it here."""

from typing import Annotated

import typer
from rich.console import Console

from harness.cli.messages import show
from harness.cli.options import DataDirOption

data_verbs = typer.Typer(no_args_is_help=True, help="Show a data set's files and counts, or download it.")

Name = Annotated[str, typer.Argument(metavar="DATASET", help="Data set; `harness list datasets` shows all.")]


@data_verbs.command("show")
def show_(dataset: Name, data_dir: DataDirOption = None) -> None:
    """Show where a data set lies, and its counts."""
    from harness.cli.data_card import data_lines
    from harness.data.locating import data_folder

    show("\n".join(data_lines(dataset, data_folder(data_dir))))


@data_verbs.command("fetch")
def fetch_(dataset: Name, data_dir: DataDirOption = None) -> None:
    """Download a data set; what is there and whole stays."""
    from harness.cli.data_card import data_lines
    from harness.data.asked import load_dataset
    from harness.data.locating import data_folder
    from harness.downloads.fetching import fetch
    from harness.progress import Reporter

    reporter = Reporter(Console(stderr=True))
    root = data_folder(data_dir)
    for note in fetch(load_dataset(dataset), root / dataset, reporter):
        reporter.note(note)
    show("\n".join(data_lines(dataset, root)))
