"""`harness data`: what there is of each data set, whether it is sound, how it looks, and bringing it here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.check import ANSWERED_NO
from harness.cli.completions import datasets
from harness.cli.help import Verbs, add, example
from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.messages import show, show_finding, show_json
from harness.cli.options import DataDirOption, JsonOption, MaxPixelsOption, PositiveOption, QuietOption, VerboseOption

if TYPE_CHECKING:
    from harness.images.decoding import Conversion


Name = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        autocompletion=datasets,
        help="A name of `harness data list`, or folder:PATH or csv:PATH for your own images.",
    ),
]
SheetOption = Annotated[
    Path | None, typer.Option("--sheet", metavar="FILE.png", help="Also draw some images of each class.")
]


def list_(data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """List all data sets: real or simulated, and how many images are here."""
    from harness.cli.data_list import listed, listing_lines
    from harness.data.locating import data_folder

    rows = listed(data_folder(data_dir))
    if as_json:
        show_json(rows)
    else:
        show("\n".join(listing_lines(rows)))


def show_(
    dataset: Name,
    positive: PositiveOption = None,
    data_dir: DataDirOption = None,
    sheet: SheetOption = None,
    max_pixels: MaxPixelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a data set lies, its counts, sizes and copies; with --sheet, a picture of it."""
    from harness.cli.data_card import card_lines, card_of
    from harness.cli.data_sheet import check_sheet, write_sheet
    from harness.data.asked import asked_for
    from harness.data.locating import data_folder

    if sheet is not None:
        check_sheet(sheet)
    chosen, root = asked_for(dataset, positive).dataset(), data_folder(data_dir)
    card = card_of(chosen, root)
    if sheet is not None:
        write_sheet(sheet, chosen, root, _conversion(max_pixels))
    if as_json:
        show_json({**card.values(), "sheet": None if sheet is None else str(sheet)})
    else:
        show("\n".join([*card_lines(card), *([] if sheet is None else [f"Contact sheet: {sheet}"])]))


def check_(
    dataset: Name,
    positive: PositiveOption = None,
    data_dir: DataDirOption = None,
    max_pixels: MaxPixelsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Decode every image: what cannot be read, what is there twice, what looks alike. Exit code 6: not sound."""
    speak(quiet=quiet, verbose=verbose)
    from harness.data.asked import asked_for, folder_of
    from harness.data.inspection import inspect
    from harness.data.locating import data_folder
    from harness.integrity.data_findings import findings_of

    chosen = asked_for(dataset, positive).dataset()
    tell_places(data_folder=data_folder(data_dir))
    with reporter().task("Decoding", None, "images") as task:
        found = inspect(chosen, folder_of(chosen, data_folder(data_dir)), _conversion(max_pixels), task.update)
    if as_json:
        show_json({"dataset": chosen.name, "version": chosen.version, **found.values()})
    else:
        for finding in findings_of(found, chosen.classes):
            show_finding(finding)
    if not found.is_sound:
        raise typer.Exit(ANSWERED_NO)


def fetch_(
    dataset: Name,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Download a data set; what is there and whole stays."""
    speak(quiet=quiet, verbose=verbose)
    from harness.cli.data_card import card_lines, card_of
    from harness.data.asked import asked_for
    from harness.data.locating import data_folder
    from harness.downloads.fetching import fetch

    telling = reporter()
    chosen, root = asked_for(dataset).dataset(), data_folder(data_dir)
    tell_places(data_folder=root)
    for note in fetch(chosen, root / chosen.name, telling):
        telling.note(note)
    card = card_of(chosen, root)
    if as_json:
        show_json(card.values())
    else:
        show("\n".join(card_lines(card)))


def _conversion(max_pixels: int | None) -> "Conversion":
    from harness.images.decoding import Conversion

    return Conversion() if max_pixels is None else Conversion(max_pixels)


data_verbs = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    help="List, show, check or download data sets.",
    epilog=example("harness data show isic-sim"),
)
add(data_verbs, list_, "harness data list")
add(data_verbs, show_, "harness data show isic-sim --sheet images.png")
add(data_verbs, check_, "harness data check folder:my-images")
add(data_verbs, fetch_, "harness data fetch isic")
