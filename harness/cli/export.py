"""`harness export`: a network of the leaderboard as a file, checked by what will run it, its card beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.cell_options import (
    CellSeedOption,
    DensityOption,
    EntryOption,
    FoldOption,
    GroupOption,
    HeldDatasetOption,
    RatioOption,
)
from harness.cli.completions import one_of, quantisations
from harness.cli.export_checked import CARDS, checked_form
from harness.cli.held import only_experiment
from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.messages import note, show, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    OUTPUT,
    PLACES,
    DataDirOption,
    JsonOption,
    QuietOption,
    StoreOption,
    TrackingOption,
    VerboseOption,
)
from harness.cli.report import contradiction
from harness.cli.shared_plan import command_line
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri
from harness.results.names import is_twin

if TYPE_CHECKING:
    from harness.portable.formats import Format
    from harness.results.mlflow_tracker import Tracker
    from harness.shipping.held_cell import HeldCell

TOLERANCE = 1e-3
"""Of the sd of the network's scores: a thousandth of what tells its images apart."""


def export(
    entry: EntryOption,
    density: DensityOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", rich_help_panel=PLACES, help="The file to write.")
    ],
    seed: CellSeedOption = 0,
    dataset: HeldDatasetOption = None,
    fold: FoldOption = None,
    imbalance: RatioOption = None,
    group: GroupOption = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            autocompletion=one_of("safetensors", "onnx", "pt2"),
            rich_help_panel=OUTPUT,
            help="safetensors, onnx or pt2; default: what FILE ends with.",
        ),
    ] = None,
    quantise: Annotated[
        str | None,
        typer.Option(
            "--quantise",
            metavar="int8",
            autocompletion=quantisations,
            rich_help_panel=OUTPUT,
            help="Write the network in int8, quantised now; ONNX alone.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="X",
            rich_help_panel=OUTPUT,
            help="Most that a score of the file may differ, in sd of the network's scores.",
        ),
    ] = TOLERANCE,
    log_model: Annotated[
        bool,
        typer.Option(
            "--log-model", rich_help_panel=OUTPUT, help="Also log an ONNX file as a model in its MLflow run, once."
        ),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a network of the leaderboard to a file, hold the file against its published scores, and write its card."""
    speak(quiet=quiet, verbose=verbose)
    only_onnx = {"--log-model": log_model, "--quantise": quantise, f"{entry}, in int8,": is_twin(entry)}
    form = checked_form(
        output,
        to,
        [words for words, asked in only_onnx.items() if asked],
        density=density,
        tolerance=tolerance,
        quantise=quantise,
    )
    uri, store = results_uri(store, tracking_uri), store.absolute()
    tell_places(store=store, mlflow=shown_address(uri))

    from harness.results.mlflow_tracker import Tracker
    from harness.shipping.export import require_writer
    from harness.shipping.held_cell import CellName, find_cell

    require_writer(form)
    asked = CellName(
        dataset=dataset or only_experiment(uri, store),
        entry=entry,
        density=density,
        seed=seed,
        fold=fold,
        imbalance=imbalance,
        group=group,
    )
    held = find_cell(asked, uri, store)
    tracker = Tracker(uri, store, held.name.dataset)
    card, logged = _written(
        held, form, output, tolerance, tracker, data_dir, log_model=log_model, quantise=bool(quantise)
    )
    if as_json:
        show_json(card)
    else:
        _show(card, output)
    if log_model:
        note("logged as a model to MLflow" if logged else "MLflow has this very file as a model already")


def _written(
    held: "HeldCell",
    form: "Format",
    output: Path,
    tolerance: float,
    tracker: "Tracker",
    data_dir: Path | None,
    *,
    log_model: bool,
    quantise: bool,
) -> tuple[dict[str, Any], bool]:
    """Write the file and its cards; return the card, and whether a model was logged."""
    from harness.shipping.card import card
    from harness.shipping.card_text import markdown
    from harness.shipping.export import Exported, export
    from harness.shipping.load import machine
    from harness.shipping.logged_model import log_exported
    from harness.shipping.replay import replayed, twin_of

    found: dict[str, Any] = {}
    telling = reporter()
    cell = replayed(held, machine(tracker.store, data_dir), telling)
    if quantise:
        cell = twin_of(held, cell)
    board = _board(held, cell.entry.text, tracker)
    with telling.task("Exporting", 1, "networks"):

        def cards(exported: Exported) -> dict[str, bytes]:
            found.update(card(held, cell, exported, board, command_line()))
            text = json.dumps(found, indent=1, allow_nan=False)
            return dict(zip(CARDS, (markdown(found).encode(), text.encode()), strict=True))

        exported = export(cell, form, output, tolerance, cards)
    beside = [output.with_name(f"{output.name}{end}") for end in CARDS]
    return found, log_model and log_exported(tracker, held, cell, exported, output, beside)


def _board(held: "HeldCell", entry: str, tracker: "Tracker") -> dict[str, Any] | None:
    """Return what the leaderboard says of a cell's entry at its level."""
    from harness.reports.export.entry_facts import entry_facts
    from harness.results.reading import read

    try:
        results = read(tracker.uri, tracker.store, tracker.experiment)
        return entry_facts(results, held.group, entry, held.level.density)
    except ValueError as error:
        raise contradiction(tracker.uri, error) from error


def _show(card: Mapping[str, Any], output: Path) -> None:
    file, board = card["file"], card["leaderboard"]
    agreed = file["agreement"]
    show(f"{output}: {file['bytes']:,} bytes, {file['compressed']:,} by zstd; sha256 {file['sha256'][:16]}...")
    published = "the published ones" if board else "those that its card counts"
    changed = "1 image changes sides" if agreed["changed"] == 1 else f"{agreed['changed']:,} images change sides"
    show(
        f"By {agreed['runtime']} its scores of {agreed['images']:,} images are {published} to"
        f" {agreed['largest'] / agreed['sd']:.1e} sd; {changed} at the operating cut."
    )
    if board:
        show(f"Answer at this level: {board['answer']}: {board['why']}")
    show(f"Card: {output}{CARDS[0]}")
    for limit in card["limits"][:1]:
        note(limit)
    if card["missing"]:
        note(f"the card does not say: {', '.join(card['missing'])}")
