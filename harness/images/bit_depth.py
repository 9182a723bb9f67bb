"""How many of their 16 bits the images of a set use: cameras of 12 bits write files of 16 and state it nowhere.

One scale for the whole set, found from all its files, so that no image's brightness depends on its own range.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.images.image_file import UnreadableFileError, opened
from harness.images.pillow_session import listening
from harness.images.raw_mode import is_deep_colour, is_deep_grey

_DEPTHS = (8, 10, 12, 14, 16)
_DARK = 16  # a 16th of white: 16 of 256 grey levels would be left
_NEARLY_ALL = 0.99


class ValueRange(NamedTuple):
    """What one file holds; for 16 bits also its highest value, and one that 99 in 100 of its values do not exceed."""

    kind: Literal["unreadable", "8 bits", "16 bits, grey", "16 bits, colour"]
    highest: int = 0
    usual: int = 0


@dataclass(frozen=True)
class BitDepth:
    """What the images of a set hold: how many have 16 bits a value (``deep``), and how many have fewer (``shallow``).

    ``highest`` is the highest of all 16-bit values; ``usual`` is the median of these images' `ValueRange.usual`. All
    are JSON values, and all that the scale depends on.
    """

    deep: int = 0
    shallow: int = 0
    highest: int = 0
    usual: int = 0

    @classmethod
    def of(cls, ranges: Iterable[ValueRange]) -> "BitDepth":
        """Return that of a set whose files hold ``ranges``; unreadable ones do not count."""
        shallow, deep = 0, []
        for one in ranges:
            shallow += one.kind == "8 bits"
            if one.kind.startswith("16 bits"):
                deep.append(one)
        highest = max((one.highest for one in deep), default=0)
        return cls(len(deep), shallow, highest, int(np.median([one.usual for one in deep])) if deep else 0)

    @property
    def bits(self) -> int:
        """The fewest of 8, 10, 12, 14 and 16 bits that hold every value."""
        return next(bits for bits in _DEPTHS if self.highest < 1 << bits)

    @property
    def white(self) -> int:
        """The value that becomes 255."""
        return (1 << self.bits) - 1

    def fault(self, *, colour: bool) -> str | None:
        """Return why no image of 16 bits, in grey or in colour, can be read beside the others; None: they can."""
        remedy = "save the set with 8 bits a value, on one scale of your choice"
        if self.usual * _DARK < self.white:
            return (
                f"16 bits a value, on a scale that leaves half of the {self.deep} such images of the set nearly black:"
                f" 99 in 100 values are at most {self.usual:,}, the highest of all is {self.highest:,}; {remedy}"
            )
        if self.bits < 16 and self.shallow:
            return (
                f"values of {self.bits} bits, by their range, among {self.shallow} images of 8, and nothing says how"
                f" bright they are to each other; {remedy}"
            )
        if self.bits < 16 and colour:
            return f"16 bits a channel, of which the set uses {self.bits}, and only the upper 8 can be read; {remedy}"
        return None

    @property
    def note(self) -> str | None:
        """What a user should know of the scale; None where no image has 16 bits."""
        if not self.deep:
            return None
        beside = f", beside {self.shallow} images of 8 bits: do they come from one source?" if self.shallow else ""
        return (
            f"{self.deep} images hold 16 bits a value, the highest {self.highest:,}: read as {self.bits} bits,"
            f" {self.white:,} as white{beside}"
        )


def value_range(path: Path, max_pixels: int) -> ValueRange:
    """Return what a file holds: its header is read, and its pixels too where they have 16 bits.

    A JPEG has 8 and is not looked into. Within a `pillow_session`.
    """
    try:
        if _begins_as_jpeg(path):
            return ValueRange("8 bits")
        with listening() as heard, opened(path, max_pixels, heard) as image:
            colour = is_deep_colour(image)
            if not (colour or is_deep_grey(image)):
                return ValueRange("8 bits")
            values = np.asarray(image)
    except UnreadableFileError:  # told when it is decoded
        return ValueRange("unreadable")
    if not colour:
        return ValueRange("16 bits, grey", *_highest_and_usual(values.astype(np.uint16)))
    colours = values[..., :-1] if image.mode in ("LA", "RGBA") else values
    upper = _highest_and_usual(colours)  # bytes, of values that may be anything below
    return ValueRange("16 bits, colour", *(256 * byte + 255 for byte in upper))


def _highest_and_usual(values: npt.NDArray[np.unsignedinteger[Any]]) -> tuple[int, int]:
    place = int(_NEARLY_ALL * (values.size - 1))
    return int(values.max()), int(np.partition(values.ravel(), place)[place])


def _begins_as_jpeg(path: Path) -> bool:
    """Return whether the first bytes are a JPEG's; of what is no file nothing is read, it may be a pipe."""
    with contextlib.suppress(OSError):
        if path.is_file():
            with open(path, "rb") as file:
                return file.read(3) == b"\xff\xd8\xff"
    return False
