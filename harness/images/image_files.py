"""What is known of image files without decoding them: their width and height, and which are the same byte for byte."""

import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from harness.environment import usable_cores
from harness.images.duplicates import Group, equal
from harness.storage.disk import sha256_of


class Size(NamedTuple):
    """Width and height in pixels, as the file's header says."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class SizeRange(NamedTuple):
    """The image of the fewest pixels, that in the middle, the lower one of two, and that of the most."""

    least: Size
    median: Size
    most: Size

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least} pixels, all"
        return f"{self.least} to {self.most} pixels, median {self.median}"


def size_range(paths: Sequence[Path]) -> SizeRange | None:
    """Return the sizes of image files; those without a header that can be read are left out, None: all are."""
    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as threads:
        warnings.simplefilter("ignore")  # of each file `harness data check` tells
        sizes = [size for size in threads.map(_size, paths) if size is not None]
    if not sizes:
        return None
    sizes.sort(key=lambda size: (size.width * size.height, size))
    return SizeRange(sizes[0], sizes[(len(sizes) - 1) // 2], sizes[-1])


def _size(path: Path) -> Size | None:
    if not path.is_file():  # a pipe would wait for ever
        return None
    try:
        with Image.open(path) as image:
            return Size(*image.size)
    except Exception:  # a broken file can make a decoder raise anything
        return None


def same_files(paths: Sequence[Path]) -> list[Group]:
    """Return the groups of files with the same bytes; only those with as many bytes as another are read."""
    counts = [path.stat().st_size if path.is_file() else None for path in paths]
    common = {size for size, number in Counter(counts).items() if number > 1 and size is not None}
    with ThreadPoolExecutor(usable_cores()) as threads:
        asked = [place for place, count in enumerate(counts) if count in common]
        digests = dict(zip(asked, threads.map(sha256_of, [paths[place] for place in asked]), strict=True))
    return equal([digests.get(place) for place in range(len(paths))])
