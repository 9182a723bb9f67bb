"""What is asked of `harness export`, held to what can be, before anything is read: every fault at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.portable.formats import Format

CARDS = (".card.md", ".card.json")
"""What the names of the cards end with, behind the file's own."""

INT8 = "int8"


def checked_form(
    output: Path, to: str | None, only_onnx: Sequence[str], *, density: float, tolerance: float, quantise: str | None
) -> "Format":
    """Return the format to write. Raises `UsageError` with everything that is wrong.

    ``only_onnx`` are the words of what is asked for and written as ONNX alone.
    """
    from harness.portable.formats import Format
    from harness.shipping.export import form_of, refuse_foreign

    faults, form = [*_amounts(density, tolerance, quantise)], None
    try:
        form = form_of(output, to)
        refuse_foreign(output, form, CARDS)
    except UsageError as error:
        faults.append(error)
    if only_onnx and form not in (None, Format.ONNX):
        text = f"{' and '.join(only_onnx)} takes ONNX, not {form}"
        faults.append(UsageError(text, fix="give -o FILE.onnx, or leave it out"))
    if len(faults) > 1:
        listed = [f"{one.message} ({one.fix})" for one in faults]
        raise UsageError("nothing can be exported so", faults=listed, fix="mend each")
    if faults:
        raise faults[0]
    assert form is not None
    return form


def _amounts(density: float, tolerance: float, quantise: str | None) -> Iterator[UsageError]:
    if not 0 < density <= 1:
        yield UsageError(f"--density {density:g} is no share of the weights", fix="give one in (0, 1]")
    if not 0 < tolerance < 1:
        yield UsageError(f"--tolerance {tolerance:g} is no share of an sd", fix="give one in (0, 1)")
    if quantise not in (None, INT8):
        yield UsageError(f"--quantise {quantise!r} is not known", fix=f"write --quantise {INT8}")
