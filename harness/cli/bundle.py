"""`harness bundle`: all results of a data set as one file, for somebody else's leaderboard."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.completions import datasets
from harness.cli.held import no_results, only_experiment
from harness.cli.messages import show
from harness.cli.options import DEFAULT_STORE, StoreOption, TrackingOption
from harness.errors import UsageError
from harness.results.address import results_uri


def bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as lt-on-isic.zip.")],
    author: Annotated[str, typer.Option("--author", metavar="TEXT", help="Who submits, as the leaderboard shows it.")],
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="NAME",
            autocompletion=datasets,
            help="Data set whose results go in; default: the only one that has any.",
        ),
    ] = None,
    code: Annotated[str, typer.Option("--code", metavar="URL", help="Where the code of your methods is.")] = "",
    masks: Annotated[bool, typer.Option("--masks", help="The masks go in, too; their hashes always do.")] = False,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
) -> None:
    """Write all results of a data set into one file that anybody can verify."""
    uri = results_uri(store, tracking_uri)

    from harness.results import names
    from harness.results.mlflow_tracker import Tracker
    from harness.submissions.bundle_facts import fit_author, fit_code
    from harness.submissions.writing import Submitter, write_bundle

    try:
        by = Submitter(author=fit_author(author), code=fit_code(code))
    except ValueError as error:
        raise UsageError(f"{error}", fix="say it by --author and --code") from error
    dataset = dataset or only_experiment(uri, store.absolute())
    tracker = Tracker(uri, store.absolute(), dataset)
    if not tracker.tags(names.RESULT):
        raise no_results(uri, store.absolute(), [dataset])
    written = write_bundle(tracker, file.absolute(), by, masks=masks)
    show(f"{written.runs:,} runs with {written.levels:,} levels of {dataset}, {written.bytes:,} bytes: {file}")
    show(f"Try it as its readers do: harness verify --bundle {file}")
