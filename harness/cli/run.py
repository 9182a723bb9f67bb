"""`harness run`: from flags to a plan, and through it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.completions import quantisations
from harness.cli.expectation import Estimate, Expectation, asked
from harness.cli.messages import note, say, show, show_end, show_json
from harness.cli.options import OUTPUT, TUNING, WHAT
from harness.cli.profile import Profile
from harness.cli.report import write_report
from harness.cli.shared_options import SharedOptions, with_shared_options
from harness.cli.shared_plan import Planned, command_line, estimated, planned, seeds_of
from harness.cli.tune import show_tuned, tune_plan
from harness.errors import UsageError
from harness.spans import Part, span

if TYPE_CHECKING:
    from harness.planning.plan import Plan
    from harness.running.run import Summary


@with_shared_options(
    seeds="assign",
    quantise="loss",
    params="trained",
    tune="params",
    publish_thumbnails="real_only",
    profile="publish_thumbnails",
)
def run(
    shared: SharedOptions,
    *,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="LIST", rich_help_panel=WHAT, help="A number of seeds, or a list: '5' or '0,3,7'."),
    ] = None,
    quantise: Annotated[
        str | None,
        typer.Option(
            metavar="int8",
            autocompletion=quantisations,
            rich_help_panel=WHAT,
            help="Add to each entry a twin: the same networks in int8, scored as such (docs/quantisation.md).",
        ),
    ] = None,
    params: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=TUNING, help="Tuned parameters, run beside the defaults; of `harness tune`."
        ),
    ] = None,
    tune: Annotated[
        int | None,
        typer.Option(
            metavar="N", rich_help_panel=TUNING, help="First tune every entry with N trials, then run with the best."
        ),
    ] = None,
    publish_thumbnails: Annotated[
        bool,
        typer.Option(
            "--publish-thumbnails",
            rich_help_panel=OUTPUT,
            help="Publish small pictures of the tested positives of your own images.",
        ),
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", rich_help_panel=OUTPUT, help="Say at the end where the time went.")
    ] = False,
) -> None:
    """Run methods on a data set, publish to MLflow, write the report. The same command continues a stopped run."""
    if params is not None and tune is not None:
        raise UsageError("--params and --tune exclude each other", fix="drop --params to tune anew")
    if tune is None:
        shared = _without_studies(shared)
    with span(Part.PLANNING):
        work = planned(shared, {"seeds": seeds_of(seeds), "quantise": quantise, "tuning": {"trials": tune}})
    if params is not None:
        work = replace(work, plans=_with_parameters(work, params))
    if shared.dry_run:
        _show_plan(work, shared, tuned=tune is not None)
        return
    unpublished: list[str] = []
    with work.machines:
        if tune is not None:
            work, unpublished = _tuned(work, shared)
        summary = _execute(work, shared, unpublished, pictures=publish_thumbnails, profile=profile)
    if summary.failed or summary.unpublished or summary.unshared:
        raise typer.Exit(3)


def _without_studies(shared: SharedOptions) -> SharedOptions:
    """Return the options of a run that has no studies; the environment may name their database all the same."""
    if shared.storage not in (None, os.environ.get("HARNESS_STORAGE")):
        raise UsageError("--storage is the studies' database, and a run without --tune has none", fix="add --tune N")
    return replace(shared, storage=None)


def _with_parameters(work: Planned, file: Path) -> "list[Plan]":
    from harness.tuning.parameter_file import apply, read_parameters

    parameters = read_parameters(file)
    applied = [apply(plan, parameters, work.configuration.loss_schedules, str(file)) for plan in work.plans]
    for text in dict.fromkeys(text for _, notes in applied for text in notes):
        note(text)
    return [plan for plan, _ in applied]


def _tuned(work: Planned, shared: SharedOptions) -> tuple[Planned, list[str]]:
    """Tune within each fold and ratio; return the plans with each tuned entry beside its default, and what MLflow did
    not take.
    """
    from harness.tuning.parameter_file import apply

    plans, unpublished = [], []
    for plan in work.plans:
        tuned, file = tune_plan(replace(work, plans=[plan]), shared)
        show_tuned(tuned, file, quiet=True)
        plans.append(apply(plan, tuned.parameters, work.configuration.loss_schedules, str(file))[0])
        unpublished += tuned.unpublished
    return replace(work, plans=plans), unpublished


def _show_plan(work: Planned, shared: SharedOptions, *, tuned: bool) -> None:
    from harness.cli.plan_summary import plan_lines, plan_values

    values = {**plan_values(work.plans), **work.machines.values()}
    lines = plan_lines(work.plans, shared.tracking_uri, work.machines.words)
    estimate = _estimated(work, shared)
    if estimate is not None:
        values["estimate"] = estimate.values()
        lines[-1:-1] = [f"In store    {estimate.held} of {estimate.cells} cells", *estimate.lines]
    if tuned:
        from harness.cli.tuning_summary import tuning_lines, tuning_values

        values["tuning"] = tuning_values(work.plan, work.configuration)
        lines[-1:-1] = tuning_lines(work.plan, work.configuration)
    if shared.as_json:
        show_json(values)
    else:
        show("\n".join(lines))


def _estimated(work: Planned, shared: SharedOptions) -> Estimate | None:
    """Return how long a plan will take."""
    from harness.forecast.process import LIMIT_S, REST_S

    outlook = asked(work.plans, estimate=estimated(work, shared))
    if outlook is None:
        return None
    outlook.inquiry.hear(LIMIT_S, basics=True)
    found = Estimate.of(outlook.forecast(REST_S))
    outlook.inquiry.end()
    return found


def _execute(
    work: Planned, shared: SharedOptions, unpublished: list[str], *, pictures: bool, profile: bool
) -> "Summary":
    with span(Part.ESTIMATE):
        expectation = Expectation(work.plans, work.reporter, asked(work.plans, estimate=estimated(work, shared)))
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.running.run import execute

    plan, quiet = work.plan, shared.as_json
    uri = shared.tracking_uri or default_uri(plan.store)
    report = plan.store / "reports" / plan.data.name
    with span(Part.ESTIMATE):
        expectation.begin(uri, report)
    tracker = Tracker(uri, plan.store, plan.data.name)
    employ = work.machines.employ(plan.jobs)
    summary = execute(work.plans, tracker, work.reporter, command_line(), expectation.read, employ, pictures=pictures)
    expectation.end()
    summary = replace(summary, unpublished=[*unpublished, *summary.unpublished])
    page = None
    if not summary.unpublished:
        with span(Part.REPORT):
            page = write_report(uri, plan.store, plan.data.name, report, quiet=quiet).page
    spent = Profile.until_now() if profile else None
    if shared.as_json:
        asked_for = {"profile": spent.values()} if spent else {}
        show_json({**_summary_values(summary, page), "time": expectation.values(), **asked_for})
    if spent:
        say("\n".join(spent.lines()), "")
    show_end(plan, summary)
    return summary


def _summary_values(summary: "Summary", page: Path | None) -> dict[str, Any]:
    return {
        "report": str(page) if page else None,
        "unpublished": summary.unpublished,
        "unshared": summary.unshared,
        "cells": [
            {
                "entry": one.entry,
                "seed": one.seed,
                "fold": one.cutting.fold,
                "imbalance": one.cutting.imbalance,
                "density": one.record.density,
                "status": one.record.status,
                "reason": one.record.reason,
                "metrics": one.record.metrics,
            }
            for one in summary.cells
        ],
    }
