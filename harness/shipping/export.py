"""A published network as a file: written, read back by its runtime, scored, and only then left in its place."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError, UsageError
from harness.evaluation.thresholds import DEPLOYED
from harness.portable.formats import Format, content_of, nameplate_in
from harness.portable.network_file import compressed
from harness.portable.quantisation import require_quantiser
from harness.shipping.agreement import Agreement, require_agreement, rescored
from harness.shipping.replay import Replayed
from harness.storage.disk import disk_errors, move, write_through, write_whole


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that agrees with the published scores: its name, format, bytes as they are and by zstd, and its sha256."""

    name: str
    format: Format
    bytes: int
    compressed: int
    sha256: str
    agreement: Agreement


Cards = Callable[[Exported], dict[str, bytes]]
"""What lies beside the file: contents by what their names end with."""


def export(cell: Replayed, form: Format, path: Path, tolerance: float, cards: Cards) -> Exported:
    """Write a cell's network to ``path`` and its cards beside it, once the file's own scores are the published ones.

    Raises `MachineError` where they are not, or what reads and writes the format is not installed.
    """
    content = content_of(cell.shipped, form) if cell.file is None else cell.file
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            write_through(part, content)
            found = rescored(part, form, cell.record, cell.splits, cell.shipped.thresholds[DEPLOYED])
            require_agreement(found, tolerance, path.name)
            exported = Exported(
                name=path.name,
                format=form,
                bytes=len(content),
                compressed=len(compressed(content)),
                sha256=hashlib.sha256(content).hexdigest(),
                agreement=found,
            )
            for end, card in cards(exported).items():  # first, so that no network is without them
                write_whole(path.with_name(f"{path.name}{end}"), card)
            move(part, path)
        finally:
            part.unlink(missing_ok=True)
    return exported


def require_writer(form: Format) -> None:
    """Raise `MachineError` where what writes and runs a format is not installed: before anything is computed."""
    if form == Format.ONNX:
        require_quantiser()


def form_of(path: Path, asked: str | None) -> Format:
    """Return the format that is asked for, or else that the file's name ends with. Raises `UsageError`."""
    end, known = path.suffix.removeprefix("."), [*Format]
    if asked is None and end not in known:
        raise UsageError(f"{path.name} does not say its format", fix=f"say it by --to {', '.join(known)}")
    if asked is not None and end in known and end != asked:
        raise UsageError(f"{path.name} would be no {end} file but {asked}", fix="give the file another name")
    return Format(asked or end)


def refuse_foreign(path: Path, form: Format, ends: tuple[str, ...]) -> None:
    """Raise `UsageError` where a file would be replaced that no export wrote: the network's, or one beside it."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder", fix="name a file in it")
    beside = [one for end in ends if (one := path.with_name(f"{path.name}{end}")).exists()]
    if path.exists():
        try:
            nameplate_in(path, form)
        except DataError as error:
            raise UsageError(f"{path} is there and is no export", fix="name another file, or move it away") from error
    elif beside:
        raise UsageError(f"{beside[0]} is there without its network", fix="name another file, or move it away")
