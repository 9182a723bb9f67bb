import io
import struct

import numpy as np
import pytest
from PIL import Image

from harness.images.raw_mode import is_deep_colour, is_deep_grey


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_grey_of_few_bits_is_that_grey(png, decode, bits):
    # Pillow scales the pixels of 2 and 4 bits and not the transparent one beside them.
    greys = np.random.default_rng(0).integers(0, 2**bits, (32, 32))
    packed = np.packbits((greys[..., None] >> np.arange(bits)[::-1]) & 1, axis=None).reshape(32, -1)
    path = png("a.png", 32, 32, bits, 0, [row.tobytes() for row in packed], tRNS=struct.pack(">H", 1))
    expected = np.where(greys == 1, 255, greys * (255 // (2**bits - 1)))
    assert np.array_equal(decode(path, 32), np.stack([expected] * 3))


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)])
def test_one_transparent_value_of_16_bits_is_refused(png, decode, colour, channels):
    rows = [b"\xff\xf0" * 32 * channels] * 32
    path = png("a.png", 32, 32, 16, colour, rows, tRNS=b"\0\1" * channels)
    assert decode(path).startswith("16 bits with one transparent value")


def opened(data):
    return Image.open(io.BytesIO(data))


def test_what_holds_16_bits_is_known_from_its_header(saved, png):
    deep = np.zeros((4, 4), np.uint16)
    for name, options in (
        ("a.png", {}),
        ("a.tif", {}),
        ("b.tif", {"compression": "tiff_lzw"}),
        ("a.pgm", {}),
        ("a.jp2", {}),
    ):
        with Image.open(saved(name, deep, **options)) as image:
            assert (is_deep_grey(image), is_deep_colour(image)) == (True, False), name
    for number, (colour, channels) in enumerate([(2, 3), (4, 2), (6, 4)]):
        with Image.open(png(f"{number}.png", 4, 4, 16, colour, [b"\0\1" * 4 * channels] * 4)) as image:
            assert (is_deep_grey(image), is_deep_colour(image)) == (False, True), colour
    with opened(b"P6 1 1 65535\n" + bytes(6)) as image:
        assert (is_deep_grey(image), is_deep_colour(image)) == (False, True)
    for name in ("c.png", "c.jpg", "c.tif", "c.webp", "c.ppm", "c.gif", "c.bmp"):
        for mode in ("L", "RGB"):
            with Image.open(saved(name, Image.new(mode, (4, 4)))) as image:
                assert (is_deep_grey(image), is_deep_colour(image)) == (False, False), name


def test_16_bits_with_zero_as_white_are_refused(saved, decode):
    # Pillow turns 8 bits round and not 16: the picture would be a negative.
    path = saved("a.tif", np.full((8, 8), 60_000, np.uint16))
    assert decode(path, 8).max() > 230
    data = path.read_bytes()
    black_is_zero, white_is_zero = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    assert data.count(black_is_zero) == 1
    path.write_bytes(data.replace(black_is_zero, white_is_zero))
    assert decode(path, 8) == "16 bits with zero as white: save it with zero as black"


def test_inks_in_a_jpeg_are_inverted_as_adobe_marks_them_and_refused_without_the_mark(saved, decode):
    path = saved("a.jpg", Image.new("CMYK", (16, 16), (200, 50, 0, 30)), quality=100)
    expected = [(255 - ink) * (255 - 30) / 255 for ink in (200, 50, 0)]
    assert np.abs(decode(path, 16) - np.array(expected)[:, None, None]).max() <= 2
    data = path.read_bytes()
    start = data.index(b"\xff\xeeAdobe"[:2])
    assert data[start + 4 : start + 9] == b"Adobe"
    path.write_bytes(data[:start] + data[start + 16 :])
    assert decode(path).startswith("four inks without Adobe's mark")
