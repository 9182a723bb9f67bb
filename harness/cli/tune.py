"""`harness tune`: search every method's hyperparameters on validation, with the same number of trials each."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.completions import one_of
from harness.cli.expectation import asked
from harness.cli.messages import note, say, show, show_json, tell_unshared
from harness.cli.options import TUNING
from harness.cli.shared_options import SharedOptions, with_shared_options
from harness.cli.shared_plan import Planned, command_line, estimated, planned
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.tuning.tuner import Tuned


@with_shared_options(trials="dataset", objective="trials", fpr_bound="objective", output="fpr_bound")
def tune(
    shared: SharedOptions,
    *,
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N", rich_help_panel=TUNING, help="Trials of every study; finished ones count. Default: 20."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=one_of("auc", "fnr"),
            rich_help_panel=TUNING,
            help="auc: mean validation AUC. fnr: FNR at sens95, FPR kept under a bound.",
        ),
    ] = None,
    fpr_bound: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            rich_help_panel=TUNING,
            help="Bound of the mean FPR at sens95 for --objective fnr. Default: 0.5.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=TUNING, help="Where the best go; default: a file in <store>/tuning."
        ),
    ] = None,
) -> None:
    """Tune every method with the same number of trials, on validation images alone. The same command continues."""
    work = planned(shared, {"tuning": {"trials": trials, "objective": objective, "fpr_bound": fpr_bound}})
    parameter_place(work, output)
    if shared.dry_run:
        _show_plan(work, as_json=shared.as_json)
        return
    if output is not None and len(work.plans) > 1:
        raise UsageError("--output names one file, and each fold and ratio has its own", fix="leave --output out")
    with work.machines:
        found = [tune_plan(replace(work, plans=[plan]), shared, output) for plan in work.plans]
    if shared.as_json:
        values = [
            {"parameters": str(file), "studies": [one.to_json() for one in tuned.records]} for tuned, file in found
        ]
        show_json(values[0] if len(values) == 1 else values)
    for tuned, file in found:
        show_tuned(tuned, file, quiet=shared.as_json)
    if unpublished := sum(len(tuned.unpublished) for tuned, _ in found):
        say(f"{unpublished} runs are not published to MLflow: run the same command when it answers.", "red")
    unshared = found[-1][0].unshared
    tell_unshared(work.plan, unshared)
    if unpublished or unshared:
        raise typer.Exit(3)


def parameter_place(work: Planned, output: Path | None) -> Path:
    """Return where the chosen parameters go. Raises `UsageError` or `MachineError` where they cannot."""
    from harness.tuning.parameter_file import refuse_foreign_file

    plan = work.plan
    words = plan.data.cutting.words.replace(", ", "-").replace(" ", "-")
    name = "-".join(part for part in (plan.data.name, work.configuration.tuning.study, words) if part) + ".toml"
    file = (output or plan.store / "tuning" / name).absolute()
    refuse_foreign_file(file)
    return file


def tune_plan(work: Planned, shared: SharedOptions, output: Path | None = None) -> tuple["Tuned", Path]:
    """Tune a plan and write its parameter file; return what was chosen, and the file."""
    from harness.outgoing.secrets import shown_address
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.tuning.lease import Lease
    from harness.tuning.parameter_file import write_parameters
    from harness.tuning.studies import StudyDatabase
    from harness.tuning.tuner import Tuner

    plan, options = work.plan, work.configuration.tuning
    file = parameter_place(work, output)
    outlook = asked([plan], estimate=estimated(work, shared))
    uri = shared.tracking_uri or default_uri(plan.store)
    work.reporter.note(f"Tuning      {options.trials} trials of each entry; parameters go into {file}")
    work.reporter.note(f"Store       {plan.place}\nMLflow      {shown_address(uri)}")
    tracker = Tracker(uri, plan.store, plan.data.name)
    losses = work.configuration.loss_schedules
    tuner = Tuner(
        plan, options, losses, tracker, work.reporter, command_line(), outlook, work.machines.employ(plan.jobs)
    )
    for text in tuner.notes:
        note(text)
    with Lease(plan.store / "tuning" / "leases") as lease:
        tuned = tuner.run(StudyDatabase(shared.storage, plan.store, lease))
    write_parameters(file, tuned.parameters, command_line(), plan.store / "tuning" / "parameters.lock")
    return tuned, file


def show_tuned(tuned: "Tuned", file: Path, *, quiet: bool = False) -> None:
    """Show what tuning chose; ``quiet``: nothing on stdout."""
    from harness.cli.tuning_summary import chosen_lines, warning_lines

    if not quiet:
        show("\n".join([*chosen_lines(tuned.records), f"Parameters: {file}"]))
    for warning in warning_lines(tuned.records):
        say(f"warning: {warning}", "yellow")


def _show_plan(work: Planned, *, as_json: bool) -> None:
    from harness.cli.plan_summary import plan_values
    from harness.cli.tuning_summary import tuning_lines, tuning_values

    if as_json:
        tuning = tuning_values(work.plan, work.configuration)
        show_json({**plan_values(work.plans), **work.machines.values(), "tuning": tuning})
        return
    show("\n".join([*tuning_lines(work.plan, work.configuration), "Nothing was run."]))
