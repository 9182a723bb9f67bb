"""Decoding image files once to uint8, the same rule for every data set: RGB, upright, resized to a square."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from harness.environment import usable_cores
from harness.errors import DataError
from harness.progress import Progress

DECODING = "rgb, exif-upright, square by lanczos, 1"
"""The rule's name, part of the cache's key: change it whenever a pixel changes."""

LARGEST_IMAGE = 50_000_000
"""Pixels; more are refused from the header, before a decompression bomb fills the memory."""


def decode(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """Return one image file as uint8 (3, size, size). Raises ValueError with the reason it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise ValueError(f"{image.width}x{image.height} pixels is more than {LARGEST_IMAGE:,}")
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


def decode_all(paths: Sequence[Path], size: int, progress: Progress) -> Tensor:
    """Return all images as uint8 (N, 3, size, size), in order.

    Raises `DataError` with every unreadable file at once; nothing is ever substituted for a broken image.
    """
    images = torch.empty(len(paths), 3, size, size, dtype=torch.uint8)
    faults: list[str] = []

    def one(index: int) -> str | None:
        try:
            images[index] = torch.from_numpy(decode(paths[index], size))
        except ValueError as error:
            return f"{paths[index]}: {error}"
        return None

    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as threads:  # Pillow releases the lock
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
        for done, fault in enumerate(threads.map(one, range(len(paths))), start=1):
            if fault:
                faults.append(fault)
            progress(done, len(paths))
    if faults:
        raise DataError(
            f"{len(faults)} of {len(paths)} images cannot be read",
            faults=faults,
            fix="replace these files, or remove them and their labels",
        )
    return images
