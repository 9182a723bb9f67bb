"""Decoding image files once to uint8, the same rule for every data set: RGB, upright, resized to a square."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from harness.environment import usable_cores
from harness.images.bit_depth import BitDepth, value_range
from harness.images.colour import as_rgb
from harness.images.image_file import UnreadableFileError, opened
from harness.images.image_notes import ImageNotes
from harness.images.pillow_session import listening, pillow_session
from harness.images.raw_mode import is_deep_colour, is_deep_grey, mend
from harness.images.unreadable import Unreadable

DECODING = "rgb, exif-upright, square by lanczos, 1"
"""The rule's name, part of the cache's key: change it whenever a pixel changes."""

_AT_ONCE = 8  # images for each thread in one batch
_LARGE = 16_000_000  # pixels; of such images one is decoded at a time, whatever the number of threads
_one_large = threading.Lock()

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Conversion:
    """What a user may choose of the rule. ``max_pixels``: images of more, by their header, are not decoded."""

    key_name: ClassVar[str] = ""
    max_pixels: int = 50_000_000


class _Decoded(NamedTuple):
    image: npt.NDArray[np.uint8] | Unreadable
    warnings: list[str]


def decoded(
    paths: Sequence[Path],
    size: int,
    conversion: Conversion,
    depth: BitDepth | None = None,
    notes: ImageNotes | None = None,
) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
    """Yield each file's image, (3, size, size), or why there is none, in order; a few are held at a time.

    ``paths`` are those of a whole set: the scale of 16-bit values, ``depth``, is found from all of them where it is not
    given. ``notes`` gets what the decoders warn of. Raises `MachineError` where memory or disk fails, which is no
    file's fault.
    """
    scale = bit_depth(paths, conversion) if depth is None else depth
    for path, one in zip(paths, _in_threads(partial(_decode, size, conversion, scale), paths), strict=True):
        if notes is not None:
            notes.add(path, one.warnings)
        yield one.image


def bit_depth(paths: Sequence[Path], conversion: Conversion) -> BitDepth:
    """Return how many bits the images of a set use, from all of its files: those of 16 bits are decoded for it."""
    return BitDepth.of(_in_threads(lambda path: value_range(path, conversion.max_pixels), paths))


def _in_threads(work: Callable[[Path], _Result], paths: Sequence[Path]) -> Iterator[_Result]:
    """Yield the results in order, a batch at a time; Pillow releases the lock while it works."""
    cores = usable_cores()
    with ThreadPoolExecutor(cores) as threads:
        for start in range(0, len(paths), _AT_ONCE * cores):
            with pillow_session():  # none is open while the caller has its turn
                results = list(threads.map(work, paths[start : start + _AT_ONCE * cores]))
            yield from results


def _decode(size: int, conversion: Conversion, depth: BitDepth, path: Path) -> _Decoded:
    with listening() as heard:
        try:
            with opened(path, conversion.max_pixels, heard) as image:
                square = _square(image, size, depth)
        except UnreadableFileError as error:
            return _Decoded(Unreadable(str(error)), heard.warnings)
        return _Decoded(square, heard.warnings)


def _square(image: ImageFile, size: int, depth: BitDepth) -> npt.NDArray[np.uint8]:
    """Return an opened image as uint8 (3, size, size). Raises `UnreadableFileError` where no rule says how."""
    deep_colour = is_deep_colour(image)
    if (deep_colour or is_deep_grey(image)) and (fault := depth.fault(colour=deep_colour)):
        raise UnreadableFileError(fault)
    mend(image)
    image.draft("RGB", (2 * size, 2 * size))  # JPEG only: decode at a fraction of the size
    with _one_large if image.width * image.height > _LARGE else nullcontext():
        ImageOps.exif_transpose(image, in_place=True)
        square = as_rgb(image, depth.white).resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(square, dtype=np.uint8).transpose(2, 0, 1))
