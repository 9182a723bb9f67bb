"""`harness report`: what is in MLflow, as one page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from harness.cli.completions import datasets
from harness.cli.held import no_results, only_experiment
from harness.cli.loudness import speak, tell_places
from harness.cli.messages import show, show_damage, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    PLACES,
    SHOWN,
    JsonOption,
    QuietOption,
    StoreOption,
    TrackingOption,
    VerboseOption,
)
from harness.errors import DataError, MachineError
from harness.outgoing.secrets import shown_address
from harness.reports.export.formats import FigureFormat, TableFormat
from harness.results.address import results_uri

if TYPE_CHECKING:
    from harness.results.reading import Results


def report(
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=datasets,
            rich_help_panel=SHOWN,
            help="Data set whose results are shown; default: the only one that has any.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", rich_help_panel=PLACES, help="Default: <store>/reports/<data set>."),
    ] = None,
    compare_groups: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            rich_help_panel=SHOWN,
            help="Two groups whose training schedules differ, side by side; no page is written.",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0.001,
            max=0.5,
            rich_help_panel=SHOWN,
            help="AUC within which two groups count as equivalent.",
        ),
    ] = 0.05,
    figures: Annotated[
        list[FigureFormat] | None,
        typer.Option(rich_help_panel=SHOWN, help="Every figure as files for a paper, too; may be repeated."),
    ] = None,
    tables: Annotated[
        list[TableFormat] | None,
        typer.Option(rich_help_panel=SHOWN, help="Every table as files for a paper, too; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write the report of a data set: one offline page, CSV and JSON."""
    speak(quiet=quiet, verbose=verbose)
    from harness.reports.publishing.foreign_files import refuse_foreign_report

    uri, store = results_uri(store, tracking_uri), store.absolute()
    tell_places(store=store, mlflow=shown_address(uri))
    dataset = dataset or only_experiment(uri, store)
    if compare_groups is not None:
        show_groups(uri, store, dataset, compare_groups, margin, as_json=as_json)
        return
    if output is not None:
        refuse_foreign_report(output)
    folder = output or store / "reports" / dataset
    written = write_report(uri, store, dataset, folder, ForPapers(figures or (), tables or ()), quiet=as_json)
    if as_json:
        show_json(json.loads((written.page.parent / "results.json").read_text("utf-8")))
    if written.damaged:
        raise typer.Exit(3)


class ForPapers(NamedTuple):
    """As what the figures and the tables of a report are written beside it."""

    figures: Sequence[FigureFormat] = ()
    tables: Sequence[TableFormat] = ()


class Written(NamedTuple):
    """A report: its page, and whether a file of the results that it shows is damaged."""

    page: Path
    damaged: bool


def show_groups(
    uri: str, store: Path, experiment: str, groups: tuple[str, str], margin: float, *, as_json: bool
) -> None:
    """Print two groups of one experiment side by side."""
    from harness.reports.analysis.group_comparison import compare_groups
    from harness.reports.export.group_values import group_values
    from harness.reports.terminal_groups import side_by_side

    try:
        found = compare_groups(results_shown(uri, store, experiment), *groups, margin)
    except ValueError as error:
        raise contradiction(uri, error) from error
    if as_json:
        show_json(group_values(found))
    else:
        show(side_by_side(found))


def write_report(
    uri: str, store: Path, experiment: str, folder: Path, papers: ForPapers | None = None, *, quiet: bool = False
) -> Written:
    """Write the report of one experiment's results, and show its table unless ``quiet``."""
    from harness.reports.publishing.paper_files import write_paper_files
    from harness.reports.publishing.report import write
    from harness.reports.terminal import summary

    results = results_shown(uri, store, experiment)
    try:
        page, table = write(results, folder), summary(results)
        more = write_paper_files(results, folder, *(papers or ForPapers()))
    except ValueError as error:
        raise contradiction(uri, error) from error
    except OSError as error:
        raise MachineError(f"cannot write {folder}: {error.strerror}", fix="check the folder and the disk") from error
    if not quiet:
        show(table)
        for line in [f"Report: {page}", *map(str, more)]:
            show(line)
    return Written(page, bool(results.damage))


def results_shown(uri: str, store: Path, experiment: str) -> "Results":
    """Return the results of one experiment, and name what is damaged. Raises `UsageError` where there are none."""
    from harness.results.reading import read

    results = read(uri, store, experiment)
    show_damage(results)
    if results.cells.empty:
        raise no_results(uri, store, [experiment])
    return results


def contradiction(uri: str, error: ValueError) -> DataError:
    """Return the error for results that do not fit together, as after artifacts were deleted by hand."""
    return DataError(
        f"the results in MLflow at {shown_address(uri)} cannot be shown: {error}", fix="delete the runs concerned there"
    )
