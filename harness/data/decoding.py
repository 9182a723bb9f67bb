"""Decoding image files once to uint8, the same rule for every data set: RGB, upright, resized to a square."""

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from harness.data.dataset import Unreadable
from harness.environment import usable_cores

DECODING = "rgb, exif-upright, square by lanczos, 1"
"""The rule's name, part of the cache's key: change it whenever a pixel changes."""

LARGEST_IMAGE = 50_000_000
_AT_ONCE = 256


@dataclass(frozen=True)
class Conversion:
    """How files become pixels. Images of more than ``max_pixels`` are refused from their header."""

    max_pixels: int = LARGEST_IMAGE


def decode(path: Path, size: int, conversion: Conversion) -> npt.NDArray[np.uint8]:
    """Return one image file as uint8 (3, size, size). Raises ValueError with the reason it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > conversion.max_pixels:
                raise ValueError(f"{image.width}x{image.height} pixels is more than {conversion.max_pixels:,}")
            image.draft("RGB", (2 * size, 2 * size))  # JPEG only: decode at a fraction of the size
            upright = _eight_bits(ImageOps.exif_transpose(image)).convert("RGB")
            square = upright.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except UnidentifiedImageError:
        raise ValueError("not an image in a known format") from None
    except ValueError:
        raise
    except Exception as error:  # a broken file can make a decoder raise anything
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return np.ascontiguousarray(np.asarray(square, dtype=np.uint8).transpose(2, 0, 1))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit greys scaled to 8 bits, which Pillow would clip; refuse ranges that nothing states."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint32) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode} (32 bits) has no stated range: save it as 8 or 16 bits")
    return image


def decoded(paths: Sequence[Path], size: int, conversion: Conversion) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
    """Yield each file decoded, uint8 (3, size, size), or why it cannot be read, in their order."""

    def one(path: Path) -> npt.NDArray[np.uint8] | Unreadable:
        try:
            return decode(path, size, conversion)
        except ValueError as error:
            return Unreadable(str(error))

    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as threads:  # Pillow releases the lock
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
        for start in range(0, len(paths), _AT_ONCE):
            yield from threads.map(one, paths[start : start + _AT_ONCE])
