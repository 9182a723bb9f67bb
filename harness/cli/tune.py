"""`harness tune`: search every method's hyperparameters on validation, with the same number of trials each."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.cli.messages import say, show
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
from harness.cli.shared_plan import command_line, configuration_of, methods_of, numbers_of, planned

if TYPE_CHECKING:
    from harness.planning.configuration import Configuration
    from harness.planning.plan import Plan
    from harness.progress import Reporter
    from harness.tuning.tuner import Tuned


def tune(
    methods: MethodsOption = None,
    dataset: DatasetOption = None,
    trials: Annotated[
        int | None, typer.Option(metavar="N", help="Trials of every study; finished ones count. Default: 20.")
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="auc: mean validation AUC. fnr: FNR at sens95, FPR kept under a bound.")
    ] = None,
    fpr_bound: Annotated[
        float | None, typer.Option(help="Bound of the mean FPR at sens95 for --objective fnr. Default: 0.5.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the best go; default: a file in <store>/tuning.")
    ] = None,
    preset: PresetOption = "quick",
    config: ConfigOption = None,
    assign: SetOption = None,
    densities: DensitiesOption = None,
    loss: LossOption = None,
    network: NetworkOption = None,
    weights: WeightsOption = None,
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
    """Tune every method with the same number of trials, on validation images alone. The same command continues."""
    given = {
        "methods": methods_of(methods),
        "data": {"name": dataset},
        "densities": numbers_of(densities),
        "loss": loss,
        "network": network,
        "weights": weights,
        "jobs": jobs,
        "tuning": {"trials": trials, "objective": objective, "fpr_bound": fpr_bound},
    }
    options = configuration_of(preset, config, assign, given)

    from harness.data.locating import data_folder
    from harness.planning.planner import Flags
    from harness.progress import Reporter

    flags = Flags(preset, data_folder(data_dir), store, allow_missing=allow_missing, real_only=real_only)
    reporter = Reporter(Console(stderr=True))
    plan = planned(options, flags, reporter, dry_run=dry_run)
    if dry_run:
        _show_plan(plan, options, as_json=as_json)
        return
    tuned, file = tune_plan(plan, options, storage, tracking_uri, reporter, output)
    if as_json:
        show(json.dumps({"parameters": str(file), "studies": tuned.records}, indent=1))
    show_tuned(tuned, file, quiet=as_json)
    if tuned.unpublished:
        say(f"{len(tuned.unpublished)} runs are not published to MLflow: run the same command when it answers.", "red")
        raise typer.Exit(3)


def tune_plan(
    plan: "Plan",
    options: "Configuration",
    storage: str | None,
    tracking_uri: str | None,
    reporter: "Reporter",
    output: Path | None = None,
) -> tuple["Tuned", Path]:
    """Tune a plan and write its parameter file; return what was chosen, and the file."""
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.tuning.lease import Lease
    from harness.tuning.parameter_file import refuse_foreign, write_parameters
    from harness.tuning.studies import StudyDatabase
    from harness.tuning.tuner import Tuner

    file = (output or plan.store / "tuning" / f"{plan.data.name}-{options.tuning.study}.toml").absolute()
    refuse_foreign(file)
    tracker = Tracker(tracking_uri or default_uri(plan.store), plan.store, plan.data.name)
    tuner = Tuner(plan, options.tuning, options.loss_schedules, tracker, reporter, command_line())
    for note in tuner.notes:
        say(f"note: {note}", "yellow")
    with Lease(plan.store / "tuning" / "leases") as lease:
        tuned = tuner.run(StudyDatabase(storage, plan.store, lease))
    write_parameters(file, tuned.parameters, command_line(), plan.store / "tuning" / "parameters.lock")
    return tuned, file


def show_tuned(tuned: "Tuned", file: Path, *, quiet: bool = False) -> None:
    """Show what tuning chose; ``quiet``: nothing on stdout."""
    from harness.cli.tuning_summary import chosen_lines, warning_lines

    if not quiet:
        show("\n".join([*chosen_lines(tuned.records), f"Parameters: {file}"]))
    for warning in warning_lines(tuned.records):
        say(f"warning: {warning}", "yellow")


def _show_plan(plan: "Plan", options: "Configuration", *, as_json: bool) -> None:
    from harness.cli.plan_summary import plan_values
    from harness.cli.tuning_summary import tuning_lines, tuning_values

    if as_json:
        show(json.dumps({**plan_values(plan), "tuning": tuning_values(plan, options)}, indent=1, default=str))
        return
    show("\n".join([*tuning_lines(plan, options), "Nothing was run."]))
