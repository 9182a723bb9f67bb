"""`harness run`: from flags to a plan, and through it."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from harness.cli_options import DEFAULT_STORE, DataDirOption, StoreOption, TrackingOption
from harness.cli_results import write_report
from harness.errors import UsageError
from harness.messages import show, show_end, show_notes

if TYPE_CHECKING:
    from harness.experiment import Summary
    from harness.plan import Plan
    from harness.progress import Reporter


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
    network: Annotated[str | None, typer.Option(help="alexnet-bn, alexnet (the paper's) or mobilenet-v1.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Start of the convolutions: auto, imagenet, simulated, kaiming or a weights file."),
    ] = None,
    data_dir: DataDirOption = None,
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
    from harness.progress import Reporter

    command = Flags(preset, data_folder(data_dir), store, allow_missing=allow_missing, real_only=real_only)
    reporter = Reporter(Console(stderr=True))
    plan, notes = build_plan(options, command, None if dry_run else reporter)
    show_notes(plan, notes)
    if dry_run:
        _show_plan(plan, tracking_uri, as_json=as_json)
        return
    _execute(plan, tracking_uri, reporter, as_json=as_json)


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
        show(json.dumps(plan_values(plan), indent=1, default=str))
        return
    show("\n".join(plan_lines(plan, tracking_uri)))


def _execute(plan: "Plan", tracking_uri: str | None, reporter: "Reporter", *, as_json: bool) -> None:
    from harness.experiment import execute
    from harness.tracking import Tracker, default_uri

    uri = tracking_uri or default_uri(plan.store)
    tracker = Tracker(uri, plan.store, plan.data.name)
    summary = execute(plan, tracker, reporter, shlex.join(["harness", *sys.argv[1:]]))
    page = None
    if not summary.unpublished:
        page = write_report(uri, plan.store, plan.data.name, plan.store / "reports" / plan.data.name, quiet=as_json)
    if as_json:
        show(json.dumps(_summary_values(summary, page), indent=1))
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
