"""Handwritten nines among other digits, from scikit-learn: a toy that is always at hand, for tests and a first look."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.data import Dataset, Sample

_BRIGHTEST = 16  # each value is a count of pixels in a block of 4x4


class Digits(Dataset):
    """1,797 scans of 8x8 pixels, 180 of them a nine, by 13 writers who are not told apart; no split is given.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998, its test part.
    """

    name = "digits-9"
    version = "1"
    classes = ("another digit", "nine")
    licence = "CC-BY-4.0, as UCI's archive gives it; the copy is scikit-learn's"
    thumbnails = True
    citation = (
        "Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,"
        " doi:10.24432/C50P49"
    )

    def samples(self, folder: Path) -> Sequence[Sample]:  # noqa: ARG002
        """Return all labels; an id is the place in scikit-learn's array."""
        _, digits = _arrays()
        return [Sample(id=f"digit-{place:04d}", label=int(digit == 9)) for place, digit in enumerate(digits)]

    def images(self, samples: Sequence[Sample], size: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield ``samples`` enlarged to ``size``, white on black in three equal channels."""
        scans, _ = _arrays()
        for sample in samples:
            scan = Image.fromarray(scans[int(sample.id.removeprefix("digit-"))])
            grey = np.asarray(scan.resize((size, size), Image.Resampling.BICUBIC))
            yield np.repeat(grey[None], 3, axis=0)


def _arrays() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return scans, uint8 (1797, 8, 8) in 0..255, and which digit each is."""
    from sklearn.datasets import load_digits  # takes a second, which lists of data sets do without

    found = load_digits()
    return (found.images * 255 / _BRIGHTEST).round().astype(np.uint8), found.target
