"""`harness measure`: what a network's file costs, here or on a device that a package goes to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.cell_options import CELL, CellSeedOption, FoldOption, GroupOption, HeldDatasetOption, RatioOption
from harness.cli.held import only_experiment
from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.messages import note, say, show, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    DataDirOption,
    JsonOption,
    QuietOption,
    StoreOption,
    TrackingOption,
    VerboseOption,
)
from harness.errors import DataError, HarnessError, UsageError
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri
from harness.shipping.device.measure_onnx import wrong_name

if TYPE_CHECKING:
    from harness.results.measurement import Measurement
    from harness.shipping.device_results import DeviceResults, Refusal
    from harness.shipping.held_cell import CellName
    from harness.shipping.measurable import Measurable

_HOW = "How it is measured"
_ELSEWHERE = "On another machine"


def measure(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="ONNX files, anybody's, or safetensors of `harness export`."),
    ] = None,
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry", metavar="NAME", rich_help_panel=CELL, help="Entry of a published cell; may be repeated."
        ),
    ] = None,
    density: Annotated[
        list[float] | None,
        typer.Option("--density", metavar="X", rich_help_panel=CELL, help="Its level, in (0, 1]; may be repeated."),
    ] = None,
    seed: CellSeedOption = 0,
    dataset: HeldDatasetOption = None,
    fold: FoldOption = None,
    imbalance: RatioOption = None,
    group: GroupOption = None,
    device: Annotated[
        str,
        typer.Option(metavar="NAME", rich_help_panel=_HOW, help="What this machine is called; default: its processor."),
    ] = "",
    seconds: Annotated[
        float,
        typer.Option(metavar="S", min=0.01, max=600, rich_help_panel=_HOW, help="So long at batch 1, and at 32."),
    ] = 3.0,
    noise_limit: Annotated[
        float,
        typer.Option(metavar="X", min=0.01, max=10, rich_help_panel=_HOW, help="Most (p90 - p10) / median: exit 7."),
    ] = 0.3,
    package: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", rich_help_panel=_ELSEWHERE, help="Measure nothing: write what a device runs."),
    ] = None,
    imported: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", rich_help_panel=_ELSEWHERE, help="The measured.json of a device."),
    ] = None,
    data_dir: DataDirOption = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure what a network costs: bytes, MACs, memory, and time at batch 1 and 32 on one thread."""
    speak(quiet=quiet, verbose=verbose)
    _refuse_odd(files or [], entry or [], density or [], device, package, imported)
    store = store.absolute()
    uri = results_uri(store, tracking_uri) if entry or tracking_uri is not None else None
    tell_places(store=store, mlflow=shown_address(uri) if uri else None)

    from harness.shipping.held_cell import CellName

    named: dict[str, Any] = {"seed": seed, "fold": fold, "imbalance": imbalance, "group": group}
    if uri is not None and entry:
        named["dataset"] = dataset or only_experiment(uri, store)
    cells = [CellName(entry=one, density=level, **named) for one in entry or [] for level in density or []]
    if imported is not None:
        found = _imported(imported, store)
    else:
        networks = _networks(files or [], cells, uri, store, data_dir)
        if package is not None:
            _write(package, networks, store, as_json=as_json)
            return
        found = _measured(networks, device, seconds, noise_limit)
    if not as_json:
        _tell(found)
    published: list[Measurement] = []
    try:
        _publish(found, store, tracking_uri, published)
    finally:  # where MLflow fails, the minutes just measured are not lost
        if as_json:
            _tell_json(found, published)
    if found.refusals:
        raise typer.Exit(3) if found.measurements else refusal_of(found.refusals)


def _refuse_odd(
    files: Sequence[Path],
    entries: Sequence[str],
    densities: Sequence[float],
    device: str,
    package: Path | None,
    imported: Path | None,
) -> None:
    """Raise `UsageError` where nothing, or two things at once, are asked for."""
    faults = []
    if imported is not None and (files or entries or package):
        faults.append("--import reads what a device measured, and takes no files, cells or --package")
    if imported is None and not files and not entries:
        faults.append("nothing to measure: give files, or --entry and --density")
    if bool(entries) != bool(densities):
        faults.append("a cell needs both --entry and --density")
    faults += [f"--density {one:g} is no share of the weights" for one in densities if not 0 < one <= 1]
    faults += [f"--device: {wrong}"] if (wrong := wrong_name(device)) else []
    if faults:
        raise UsageError("; ".join(faults), fix="harness measure --entry lt --density 0.25, or harness measure FILE")


def _networks(
    files: Sequence[Path], cells: "Sequence[CellName]", uri: str | None, store: Path, data_dir: Path | None
) -> "list[Measurable]":
    """Return the networks of all files and cells; all of them are found before one is computed anew."""
    from harness.shipping.measurable import every, of_cell

    found = every(files)
    if not cells:
        return found
    from harness.shipping.held_cell import find_cell
    from harness.shipping.load import machine
    from harness.shipping.replay import replayed

    assert uri is not None
    here = machine(store, data_dir)
    held = [find_cell(one, uri, store) for one in cells]
    with reporter().task("Taking networks from the store", len(held), "networks") as task:
        for one in held:
            found.append(of_cell(replayed(one, here, reporter())))
            task.update(1)
    return found


def _write(folder: Path, networks: "Sequence[Measurable]", store: Path, *, as_json: bool) -> None:
    """Write a package, which the store remembers."""
    from harness.shipping.device_package import SCRIPT, remember, write_package

    manifest = write_package(folder.absolute(), networks, tell=note)
    remember(store, manifest)
    if as_json:
        show_json({"package": folder.absolute(), "networks": [one.file.name for one in networks]})
        return
    number = "1 network" if len(networks) == 1 else f"{len(networks)} networks"
    show(f"{number} in {folder}: copy it to the device, and there")
    show(f"  python3 {SCRIPT} --device 'what it is called'")
    show("then here, with the measured.json that it wrote: harness measure --import measured.json")


def _measured(networks: "Sequence[Measurable]", device: str, seconds: float, noise_limit: float) -> "DeviceResults":
    from harness.shipping.measuring import measured

    with reporter().task("Measuring", None, "networks"):
        return measured(networks, device, seconds, noise_limit)


def _imported(path: Path, store: Path) -> "DeviceResults":
    """Return what a device measured of a package of this store's."""
    from harness.shipping.device_package import remembered
    from harness.shipping.device_results import read_document, results_of

    document = read_document(path)
    return results_of(document, remembered(store, str(document.get("package")), f"{path}"), f"{path}")


def _publish(found: "DeviceResults", store: Path, tracking_uri: str | None, published: "list[Measurement]") -> None:
    """Log what was measured of cells, and add it to ``published``; of files nobody can say whose figures they are."""
    cells = [(one, one.file.cell) for one in found.measurements if one.file.cell is not None]
    if not cells:
        return
    from harness.results.mlflow_tracker import Tracker
    from harness.shipping.measuring import measurement_publication

    uri = results_uri(store, tracking_uri)
    for one, cell in cells:
        Tracker(uri, store, cell.dataset).publish(measurement_publication(one))
        published.append(one)


def _tell(found: "DeviceResults") -> None:
    """Show what was measured, then what was refused where that is not all of it."""
    from harness.cli.measure_text import lines_of

    if found.measurements:
        show("\n".join(line for one in found.measurements for line in lines_of(one)))
        for refused in found.refusals:
            say(f"NOT MEASURED: {refused.name}: {refused.why}", "bold red")


def _tell_json(found: "DeviceResults", published: "Sequence[Measurement]") -> None:
    values = [{**one.to_json(), "published": one in published} for one in found.measurements]
    refused = [{"name": one.name, "why": one.why, "noisy": one.noisy} for one in found.refusals]
    show_json({"measured": values, "refused": refused})


def refusal_of(refusals: "Sequence[Refusal]") -> HarnessError:
    """Return the error where nothing could be measured: exit code 7 where noise is all of it."""
    from harness.shipping.measuring import TooNoisy

    faults = [f"{one.name}: {one.why}" for one in refusals]
    if all(one.noisy for one in refusals):
        fix = "stop what else runs, or raise --noise-limit and --seconds"
        return TooNoisy("this machine is too noisy to measure on", faults=faults, fix=fix)
    return DataError("nothing could be measured", faults=faults, fix="give files that onnxruntime runs")
