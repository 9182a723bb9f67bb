"""How a picture looks, in 256 bits: near duplicates differ in few of them.

pHash of the `imagehash` library: signs of the low frequencies of the grey image. They survive compression, scaling and
another brightness, and not a turn, a mirror or a strong crop.
"""

from collections.abc import Iterable

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE = 16  # frequencies each way; 8, the usual, take different lesions for near duplicates
WORDS = _SIDE**2 // 64
NEAR_RULE = f"imagehash.phash {_SIDE}"
"""The rule's name: part of the key under which what it finds is kept."""


def perceptual_hash(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return the hash of one decoded image, uint8 (3, S, S), shape (4,)."""
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    bits = imagehash.phash(picture, hash_size=_SIDE).hash
    return np.packbits(bits).view(np.uint64)


def perceptual_hashes(images: Iterable[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint64]:
    """Return the hashes of N decoded images, shape (N, 4); 40,000 at 128 px take about half a minute of one core."""
    hashes = [perceptual_hash(image) for image in images]
    return np.stack(hashes) if hashes else np.empty((0, WORDS), dtype=np.uint64)
