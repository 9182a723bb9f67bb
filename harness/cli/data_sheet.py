"""`harness data show --sheet`: the contact sheet of a data set, written whole or not at all."""

import io
from pathlib import Path

from harness.data.asked import folder_of
from harness.data.contact_sheet import contact_sheet
from harness.data.dataset import Dataset
from harness.data.labelled import labelled
from harness.errors import UsageError
from harness.images.decoding import Conversion
from harness.storage.disk import disk_errors, write_whole


def check_sheet(path: Path) -> None:
    """Refuse a place where no picture could be written, before an image is decoded. Raises `UsageError`."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"--sheet {path}: a contact sheet is a PNG", fix="write a name that ends in .png")
    with disk_errors(path):
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"--sheet {path}: no file can be there", fix="name a file in a folder that there is")


def write_sheet(path: Path, dataset: Dataset, root: Path, conversion: Conversion) -> None:
    """Draw the contact sheet of a data set; ``root`` is the data folder."""
    samples = labelled(dataset, folder_of(dataset, root))
    drawn = io.BytesIO()
    contact_sheet(dataset, samples, conversion).save(drawn, "PNG", optimize=True)
    with disk_errors(path):
        write_whole(path.absolute(), drawn.getvalue())
