"""`harness publish`: what is in MLflow, as a site that keeps its versions."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.completions import datasets
from harness.cli.held import no_results
from harness.cli.loudness import speak, tell_places
from harness.cli.messages import show, show_damage, show_json
from harness.cli.options import DEFAULT_STORE, JsonOption, QuietOption, StoreOption, TrackingOption, VerboseOption
from harness.cli.report import contradiction, results_uri
from harness.errors import MachineError, UsageError
from harness.outgoing.secrets import shown_address


def publish(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the site; made where it is absent.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=datasets,
            help="Only this data set; may be repeated. Default: all.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write all results as a static site; earlier versions stay."""
    from harness.reports.publishing.publish import write_site
    from harness.results.reading import experiments, read

    speak(quiet=quiet, verbose=verbose)
    uri = results_uri(store, tracking_uri)
    tell_places(store=store.absolute(), mlflow=shown_address(uri), site=folder.absolute())
    held = experiments(uri, store.absolute())
    if unknown := [name for name in dataset or () if name not in held]:
        for name in unknown:
            read(uri, store.absolute(), name)  # says so where the experiment was deleted in MLflow
        raise no_results(uri, store.absolute(), unknown)
    found = [read(uri, store.absolute(), name) for name in dict.fromkeys(dataset or held)]
    for one in found:
        show_damage(one)
    if all(one.cells.empty for one in found):
        raise UsageError(f"there are no results in MLflow at {shown_address(uri)}", fix="first: harness run")
    try:
        published = write_site(found, folder.absolute())
    except ValueError as error:
        raise contradiction(uri, error) from error
    except OSError as error:
        raise MachineError(
            f"cannot publish to {folder}: {error.strerror}", fix="check the folder and the disk"
        ) from error
    if as_json:
        show_json(asdict(published))
    else:
        show("\n".join(published.lines()))
    if any(one.damage for one in found):
        raise typer.Exit(3)
