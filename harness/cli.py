"""The command line. Nothing heavy is imported before a verb needs it: `harness --help` loads no torch."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console, RenderableType

from harness import __version__
from harness.errors import HarnessError, UsageError
from harness.messages import say, show_end, show_notes

if TYPE_CHECKING:
    from harness.experiment import Summary
    from harness.plan import Plan


app = typer.Typer(
    name="harness",
    help="Pruning methods side by side on imbalanced images: how small before a network misses more positives?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="HARNESS_STORE", help="Folder of finished stages, results and reports.")
]
TrackingOption = Annotated[
    str | None, typer.Option("--tracking-uri", help="MLflow server; default: a database in the store.")
]
DEFAULT_STORE = Path("harness-store")


class Stopped(BaseException):
    """SIGINT or SIGTERM, whose number it carries: stop now; what is finished is kept."""


def _version(show: bool) -> None:
    if show:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Compare pruning methods on imbalanced images: how small before a network misses more positives?"""  # noqa: D400


@app.command()
def run(
    methods: Annotated[
        str | None, typer.Option(help="'all', or names, globs and parameters: 'lt,snip[images=128]'.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set; `harness list datasets` shows all.")] = None,
    preset: Annotated[str, typer.Option(help="Preset; `harness list presets` shows all.")] = "quick",
    config: Annotated[Path | None, typer.Option(help="TOML file laid over the preset.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="One configuration key; may be repeated.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="A number of seeds, or a list: '5' or '0,3,7'.")] = None,
    densities: Annotated[
        str | None, typer.Option(help="Parameters left / all parameters, each in (0, 1]: '1,0.25,0.05'.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Train every method with this loss: plain, blue, black, green, weights-only.")
    ] = None,
    network: Annotated[str | None, typer.Option(help="alexnet-bn or alexnet (the paper's).")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Start of the convolutions: auto, simulated, kaiming or a weights file.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that holds <data set>/; default: HARNESS_DATA, then the user cache.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Run on a partial data set; stamped on every result.")
    ] = False,
    real_only: Annotated[
        bool, typer.Option("--real-only", help="Never fall back to simulated images: exit 4 instead.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan with counts; run nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")] = False,
) -> None:
    """Run methods on a data set, publish to MLflow, write the report. The same command continues a stopped run."""
    from harness.configuration import load_configuration
    from harness.entries import split_list

    flags: dict[str, Any] = {"data": {"name": dataset}} if dataset else {}
    given = {
        "methods": None if methods is None else split_list(methods),
        "densities": None if densities is None else _numbers(densities),
        "seeds": None if seeds is None else _seeds(seeds),
        "loss": loss,
        "network": network,
        "weights": weights,
        "jobs": jobs,
    }
    flags |= {name: value for name, value in given.items() if value is not None}
    options = load_configuration(preset, config, assign or [], flags)

    from harness.data import data_folder
    from harness.plan import Flags, build_plan

    command = Flags(preset, data_folder(data_dir), store, allow_missing=allow_missing, real_only=real_only)
    plan, notes = build_plan(options, command)
    show_notes(plan, notes)
    if dry_run:
        _show_plan(plan, tracking_uri, as_json=as_json)
        return
    _execute(plan, tracking_uri, as_json=as_json)


def _numbers(text: str) -> list[float | str]:
    """Return the numbers of a comma-separated list; what is none stays text, for the configuration to refuse."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [float(part) if _is_number(part) else part for part in parts]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _seeds(text: str) -> int | list[int]:
    try:
        seeds = [int(part) for part in text.rstrip(", ").split(",")]
    except ValueError:
        raise UsageError(f"--seeds {text!r} is neither a number nor a list", fix="write 5 or 0,3,7") from None
    return seeds if "," in text else seeds[0]


def _show_plan(plan: "Plan", tracking_uri: str | None, *, as_json: bool) -> None:
    from harness.plan_view import plan_lines, plan_values

    if as_json:
        _show(json.dumps(plan_values(plan), indent=1, default=str))
        return
    _show("\n".join(plan_lines(plan, tracking_uri)))


def _execute(plan: "Plan", tracking_uri: str | None, *, as_json: bool) -> None:
    from harness.experiment import execute
    from harness.progress import Reporter
    from harness.tracking import Tracker, default_uri

    reporter = Reporter(Console(stderr=True))
    uri = tracking_uri or default_uri(plan.store)
    tracker = Tracker(uri, plan.store, plan.data.name)
    summary = execute(plan, tracker, reporter, shlex.join(["harness", *sys.argv[1:]]))
    page = None
    if not summary.unpublished:
        page = _report(uri, plan.store, plan.data.name, plan.store / "reports" / plan.data.name, quiet=as_json)
    if as_json:
        _show(json.dumps(_summary_values(summary, page), indent=1))
    show_end(plan, summary)
    if summary.failed or summary.unpublished:
        raise typer.Exit(3)


def _summary_values(summary: "Summary", page: Path | None) -> dict[str, Any]:
    return {
        "report": str(page) if page else None,
        "unpublished": summary.unpublished,
        "cells": [
            {
                "entry": entry,
                "seed": seed,
                "density": record.density,
                "status": record.status,
                "reason": record.reason,
                "metrics": record.metrics,
            }
            for entry, seed, record in summary.records
        ],
    }


def _report(uri: str, store: Path, experiment: str, folder: Path, *, quiet: bool = False) -> Path:
    from harness.reports.page import write
    from harness.reports.terminal import summary
    from harness.results import read

    results = read(uri, store, experiment)
    if results.cells.empty:
        raise UsageError(
            f"no results of {experiment!r} in MLflow at {uri}", fix=f"first: harness run --dataset {experiment}"
        )
    page = write(results, folder)
    if not quiet:
        _show(summary(results))
        _show(f"Report: {page}")
    return page


@app.command()
def report(
    dataset: Annotated[str, typer.Option(help="Data set whose results are shown.")] = "isic",
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder; default: <store>/reports/<data set>.")] = None,
) -> None:
    """Write the report of all published results of a data set: one offline page and a CSV."""
    from harness.tracking import default_uri

    store = store.absolute()
    if tracking_uri is None and not (store / "mlflow.db").is_file():
        raise UsageError(f"there are no results in {store}", fix="name the store with --store, or a --tracking-uri")
    folder = output or store / "reports" / dataset
    _report(tracking_uri or default_uri(store), store, dataset, folder)


@app.command("list")
def list_(
    what: Annotated[str | None, typer.Argument(help="methods, datasets or presets; default: all three")] = None,
    check: Annotated[bool, typer.Option("--check", help="Import each plugin and show why one fails.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List what is installed, by entry-point metadata alone."""
    from harness.listing import listing, listing_lines

    rows, broken = listing(what, check=check)
    _show(json.dumps(rows, indent=1) if as_json else "\n".join(listing_lines(rows)))
    if broken:
        raise typer.Exit(3)


@app.command()
def data(
    dataset: Annotated[str, typer.Argument(help="Data set; `harness list datasets` shows all.")],
    data_dir: Annotated[Path | None, typer.Option(help="Folder that holds <data set>/.")] = None,
) -> None:
    """Show where a data set is looked for, what is there, and its counts of positives and negatives."""
    from harness.data import data_folder
    from harness.data_view import data_lines

    _show("\n".join(data_lines(dataset, data_folder(data_dir))))


@app.command("store")
def store_(
    store: StoreOption = DEFAULT_STORE,
    shrink_to: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Evict least recently used stages down to a size: 2GB, 500MB.")
    ] = None,
) -> None:
    """Show how large the stage store is, by kind of stage; evict what is not needed."""
    from harness.store_view import evict, usage_lines

    if not (store / "FORMAT").is_file():
        raise UsageError(f"there is no store at {store}", fix="name it with --store or HARNESS_STORE")
    if shrink_to is not None:
        _show(evict(store, shrink_to))
    _show("\n".join(usage_lines(store)))


def _show(what: RenderableType) -> None:
    """Print to stdout; a reader that has gone away (`harness report | head`) is no error."""
    if not isinstance(what, str):
        console = Console()
        with console.capture() as captured:  # rich would turn a closed pipe into exit code 1
            console.print(what, end="")
        what = captured.get().rstrip("\n")
    try:
        typer.echo(what)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def main() -> None:
    """Run the command line; every expected failure ends with its message on stderr and its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app(standalone_mode=True)
    except HarnessError as error:
        _fail(f"error: {error}", error.exit_code)
    except Stopped as stop:
        _fail("Stopped. Every finished stage is kept: the same command continues.", 128 + stop.args[0], "yellow")


def _fail(text: str, code: int, style: str = "red") -> NoReturn:
    say(text, style)
    sys.exit(code)
