"""`harness report` and `harness publish`: what is in MLflow, as pages."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_options import DEFAULT_STORE, StoreOption, TrackingOption
from harness.databases import shown_address
from harness.errors import DataError, MachineError, UsageError
from harness.messages import show


def report(
    dataset: Annotated[str, typer.Option(help="Data set whose results are shown.")] = "isic",
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder; default: <store>/reports/<data set>.")] = None,
) -> None:
    """Write the report of a data set: one offline page, CSV and JSON."""
    from harness.reports.errors import CannotPublish
    from harness.reports.ownership import refuse_foreign_report

    uri, store = _results_uri(store, tracking_uri), store.absolute()
    if output is not None:
        try:
            refuse_foreign_report(output)
        except CannotPublish as error:
            raise UsageError(str(error), fix=error.fix) from error
    write_report(uri, store, dataset, output or store / "reports" / dataset)


def write_report(uri: str, store: Path, experiment: str, folder: Path, *, quiet: bool = False) -> Path:
    """Write the report of one experiment's results, show its table unless ``quiet``, and return the page's path."""
    from harness.reports.page import write
    from harness.reports.terminal import summary
    from harness.results import read

    results = read(uri, store, experiment)
    if results.cells.empty:
        raise UsageError(
            f"no results of {experiment!r} in MLflow at {shown_address(uri)}",
            fix=f"first: harness run --dataset {experiment}",
        )
    try:
        page, table = write(results, folder), summary(results)
    except ValueError as error:
        raise _contradiction(uri, error) from error
    except OSError as error:
        raise MachineError(f"cannot write {folder}: {error.strerror}", fix="check the folder and the disk") from error
    if not quiet:
        show(table)
        show(f"Report: {page}")
    return page


def publish(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the site; made where it is absent.")],
    dataset: Annotated[
        list[str] | None, typer.Option(help="Only this data set; may be repeated. Default: all.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
) -> None:
    """Write all results as a static site; earlier versions stay."""
    from harness.reports.publish import CannotPublish
    from harness.reports.publish import publish as write_site
    from harness.results import experiments, read

    uri = _results_uri(store, tracking_uri)
    held = experiments(uri, store.absolute())
    if unknown := [name for name in dataset or () if name not in held]:
        raise UsageError(
            f"no results of {', '.join(unknown)} in MLflow at {shown_address(uri)}",
            fix=f"name one of: {', '.join(held)}" if held else "first: harness run",
        )
    found = [read(uri, store.absolute(), name) for name in dict.fromkeys(dataset or held)]
    if all(one.cells.empty for one in found):
        raise UsageError(f"there are no results in MLflow at {shown_address(uri)}", fix="first: harness run")
    try:
        published = write_site(found, folder.absolute())
    except CannotPublish as error:
        raise UsageError(str(error), fix=error.fix) from error
    except ValueError as error:
        raise _contradiction(uri, error) from error
    except OSError as error:
        raise MachineError(
            f"cannot publish to {folder}: {error.strerror}", fix="check the folder and the disk"
        ) from error
    show("\n".join(published.lines()))


def _contradiction(uri: str, error: ValueError) -> DataError:
    """Return the error for results that do not fit together, as after artifacts were deleted by hand."""
    return DataError(
        f"the results in MLflow at {shown_address(uri)} cannot be shown: {error}", fix="delete the runs concerned there"
    )


def _results_uri(store: Path, tracking_uri: str | None) -> str:
    """Return the address to read results from; a store without a database is refused, not made."""
    from harness.tracking import default_uri

    store = store.absolute()
    if tracking_uri is None and not (store / "mlflow.db").is_file():
        raise UsageError(f"there are no results in {store}", fix="name the store with --store, or a --tracking-uri")
    return tracking_uri or default_uri(store)
