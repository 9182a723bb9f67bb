"""`harness run`: from flags to a plan, and through it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from harness.cli.messages import say, show, show_end
from harness.cli.options import (
    DEFAULT_STORE,
    AllowMissingOption,
    ConfigOption,
    DataDirOption,
    DatasetOption,
    DensitiesOption,
    DryRunOption,
    JobsOption,
    JsonOption,
    LossOption,
    MethodsOption,
    NetworkOption,
    PresetOption,
    RealOnlyOption,
    SetOption,
    StorageOption,
    StoreOption,
    TrackingOption,
    WeightsOption,
)
from harness.cli.report import write_report
from harness.cli.shared_plan import command_line, configuration_of, methods_of, numbers_of, planned, seeds_of
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.planning.configuration import Configuration
    from harness.planning.plan import Plan
    from harness.progress import Reporter
    from harness.running.run import Summary


def run(
    methods: MethodsOption = None,
    dataset: DatasetOption = None,
    preset: PresetOption = "quick",
    config: ConfigOption = None,
    assign: SetOption = None,
    seeds: Annotated[str | None, typer.Option(help="A number of seeds, or a list: '5' or '0,3,7'.")] = None,
    densities: DensitiesOption = None,
    loss: LossOption = None,
    network: NetworkOption = None,
    weights: WeightsOption = None,
    params: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Tuned parameters, run beside the defaults; of `harness tune`.")
    ] = None,
    tune: Annotated[
        int | None, typer.Option(metavar="N", help="First tune every entry with N trials, then run with the best.")
    ] = None,
    storage: StorageOption = None,
    data_dir: DataDirOption = None,
    allow_missing: AllowMissingOption = False,
    real_only: RealOnlyOption = False,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    jobs: JobsOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run methods on a data set, publish to MLflow, write the report. The same command continues a stopped run."""
    if params is not None and tune is not None:
        raise UsageError("--params and --tune exclude each other", fix="drop --params to tune anew")
    given = {
        "methods": methods_of(methods),
        "data": {"name": dataset},
        "densities": numbers_of(densities),
        "seeds": seeds_of(seeds),
        "loss": loss,
        "network": network,
        "weights": weights,
        "jobs": jobs,
        "tuning": {"trials": tune},
    }
    options = configuration_of(preset, config, assign, given)

    from harness.data.locating import data_folder
    from harness.planning.planner import Flags
    from harness.progress import Reporter

    flags = Flags(preset, data_folder(data_dir), store, allow_missing=allow_missing, real_only=real_only)
    reporter = Reporter(Console(stderr=True))
    plan = planned(options, flags, reporter, dry_run=dry_run)
    if params is not None:
        plan = _with_parameters(plan, options, params)
    if dry_run:
        _show_plan(plan, options, tracking_uri, tuned=tune is not None, as_json=as_json)
        return
    unpublished: list[str] = []
    if tune is not None:
        plan, unpublished = _tuned(plan, options, storage, tracking_uri, reporter)
    _execute(plan, tracking_uri, reporter, unpublished, as_json=as_json)


def _with_parameters(plan: "Plan", options: "Configuration", file: Path) -> "Plan":
    from harness.tuning.parameter_file import apply, read_parameters

    plan, notes = apply(plan, read_parameters(file), options.loss_schedules, str(file))
    for note in notes:
        say(f"note: {note}", "yellow")
    return plan


def _tuned(
    plan: "Plan", options: "Configuration", storage: str | None, tracking_uri: str | None, reporter: "Reporter"
) -> tuple["Plan", list[str]]:
    """Tune, and return the plan with each tuned entry beside its default, and what MLflow did not take."""
    from harness.cli.tune import show_tuned, tune_plan
    from harness.tuning.parameter_file import apply

    tuned, file = tune_plan(plan, options, storage, tracking_uri, reporter)
    show_tuned(tuned, file, quiet=True)
    plan, _ = apply(plan, tuned.parameters, options.loss_schedules, str(file))
    return plan, tuned.unpublished


def _show_plan(plan: "Plan", options: "Configuration", tracking_uri: str | None, *, tuned: bool, as_json: bool) -> None:
    from harness.cli.plan_summary import plan_lines, plan_values

    values, lines = plan_values(plan), plan_lines(plan, tracking_uri)
    if tuned:
        from harness.cli.tuning_summary import tuning_lines, tuning_values

        values["tuning"] = tuning_values(plan, options)
        lines[-1:-1] = tuning_lines(plan, options)
    show(json.dumps(values, indent=1, default=str) if as_json else "\n".join(lines))


def _execute(
    plan: "Plan", tracking_uri: str | None, reporter: "Reporter", unpublished: list[str], *, as_json: bool
) -> None:
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.running.run import execute

    uri = tracking_uri or default_uri(plan.store)
    tracker = Tracker(uri, plan.store, plan.data.name)
    summary = execute(plan, tracker, reporter, command_line())
    summary = replace(summary, unpublished=[*unpublished, *summary.unpublished])
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
            for entry, seed, record in summary.cells
        ],
    }
