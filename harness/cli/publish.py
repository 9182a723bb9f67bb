"""`harness publish`: what is in MLflow, in bundles, or in both, as a site that keeps its versions."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.completions import datasets
from harness.cli.held import no_results
from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.messages import note, say, show, show_damage, show_json
from harness.cli.options import DEFAULT_STORE, JsonOption, QuietOption, StoreOption, TrackingOption, VerboseOption
from harness.cli.report import contradiction
from harness.errors import DataError, MachineError, UsageError
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri

if TYPE_CHECKING:
    from harness.results.reading import Results


def publish(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the site; made where it is absent.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=datasets,
            help="Only this data set; may be repeated. Default: all.",
        ),
    ] = None,
    bundles: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="BUNDLE", help="A bundle, or a folder of them; may be repeated."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write all results as a static site; earlier versions stay."""
    speak(quiet=quiet, verbose=verbose)
    source = context.get_parameter_source("store")  # of typer's own click, or of the one that is installed
    named = getattr(source, "name", "") == "COMMANDLINE" or tracking_uri is not None
    uri = None if bundles and not named else results_uri(store, tracking_uri)
    tell_places(
        store=store.absolute() if uri else None, mlflow=shown_address(uri) if uri else None, site=folder.absolute()
    )
    if bundles:
        found, left_out = _merged(bundles, uri, store.absolute(), dataset)
    else:
        assert uri is not None
        found, left_out = _stored(uri, store.absolute(), dataset), False
    for one in found:
        show_damage(one)
    _write(found, folder, uri, as_json=as_json)
    if left_out or any(one.damage for one in found):
        raise typer.Exit(3)


def _stored(uri: str, store: Path, dataset: list[str] | None) -> "list[Results]":
    """Return what MLflow has of the data sets, all where none is named. Raises `UsageError` where that is nothing."""
    from harness.results.reading import experiments, read

    held = experiments(uri, store)
    if unknown := [name for name in dataset or () if name not in held]:
        for name in unknown:
            read(uri, store, name)  # says so where the experiment was deleted in MLflow
        raise no_results(uri, store, unknown)
    found = [read(uri, store, name) for name in dict.fromkeys(dataset or held)]
    if all(one.cells.empty for one in found):
        raise UsageError(f"there are no results in MLflow at {shown_address(uri)}", fix="first: harness run")
    return found


def _merged(paths: list[Path], uri: str | None, store: Path, dataset: list[str] | None) -> "tuple[list[Results], bool]":
    """Return the results of bundles, and of a store where there is one, and whether any bundle was left out."""
    from harness.submissions.merging import merge
    from harness.submissions.sources import bundles_in, read_bundles, stored_sources

    files = bundles_in(paths)
    with reporter().task("Verifying bundles", len(files), "bundles") as task:
        found = read_bundles(files, task.one_more)
    for what in found.left_out:
        say(f"LEFT OUT: {what}", "bold red")
    sources = found.sources
    for name, source in stored_sources(uri, store).items() if uri else ():
        sources.setdefault(name, []).insert(0, source)
    if unknown := [name for name in dataset or () if name not in sources]:
        raise UsageError(
            f"no results of {', '.join(unknown)} in what is given", fix=f"name one of: {', '.join(sources)}"
        )
    if not sources:
        raise DataError("no bundle could be used", faults=found.left_out, fix="try each: harness verify --bundle FILE")
    merged = [merge(name, sources[name]) for name in dict.fromkeys(dataset or sources)]
    for what in (what for one in merged for what in one.notes):
        note(what)
    return [one.results for one in merged], bool(found.left_out)


def _write(found: "Sequence[Results]", folder: Path, uri: str | None, *, as_json: bool) -> None:
    from harness.reports.publishing.publish import write_site

    try:
        published = write_site(found, folder.absolute())
    except ValueError as error:
        if uri is not None:
            raise contradiction(uri, error) from error
        raise DataError(f"these bundles cannot be shown together: {error}", fix="leave out the one it names") from error
    except OSError as error:
        raise MachineError(
            f"cannot publish to {folder}: {error.strerror}", fix="check the folder and the disk"
        ) from error
    if as_json:
        show_json(asdict(published))
    else:
        show("\n".join(published.lines()))
