"""Pictures made by the tests, and one file decoded as a set of its own."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from harness.images.decoding import Conversion, decoded
from harness.images.unreadable import Unreadable
from harness.storage.store import Store


@pytest.fixture
def photograph():
    """Return a function that draws one: random, but smooth, so that JPEG and resizing keep it recognisable."""

    def draw(size=64, seed=0, channels=3):
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, channels)).astype(np.uint8)
        planes = [
            Image.fromarray(coarse[..., k]).resize((size, size), Image.Resampling.BICUBIC) for k in range(channels)
        ]
        return np.stack([np.asarray(plane) for plane in planes], -1)

    return draw


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves a picture, an array or an image of Pillow's, and gives its path."""

    def save(name, picture, **options):
        (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.fixture
def png(tmp_path):
    """Return a function that writes a PNG as given: header, rows of bytes as they are stored, chunks before them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def write(name, width, height, bits, colour, rows, **chunks):
        before = b"".join(chunk(kind.encode(), data) for kind, data in chunks.items())
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
        data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + header + before + data + chunk(b"IEND", b""))
        return tmp_path / name

    return write


@pytest.fixture
def decode():
    """Return a function that decodes one file as a set of its own: an array, or why there is none."""

    def one(path, size=64, **changes):
        (image,) = decoded([path], size, Conversion(**changes))
        return image.reason if isinstance(image, Unreadable) else image

    return one


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")
