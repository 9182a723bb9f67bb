"""Damage that Pillow passes over; `test_spoiled_images` holds every format to it at random."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from harness.images.damage import jpeg_damage, png_damage


@pytest.fixture
def jpeg(photograph):
    """Return a function that gives the bytes of a JPEG of the size of a small photograph."""

    def make(size=256, mode="RGB", **options):
        picture = np.clip(photograph(size) + np.random.default_rng(0).normal(0, 8, (size, size, 3)), 0, 255)
        stream = io.BytesIO()
        Image.fromarray(picture.astype(np.uint8)).convert(mode).save(stream, "JPEG", **options)
        return stream.getvalue()

    return make


def damage(data, **options):
    return jpeg_damage(io.BytesIO(data), **{"four_inks": False} | options)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 8}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_sound_jpeg_has_none(jpeg, mode, options):
    assert damage(jpeg(mode=mode, **options), four_inks=mode == "CMYK") is None


@pytest.mark.parametrize(
    ("options", "of_40"), [({}, 39), ({"restart_marker_blocks": 8}, 39), ({"progressive": True}, 10)]
)
def test_200_zeroed_bytes_in_a_jpeg_are_found(jpeg, options, of_40):
    # In a progressive one nearly half are not: its last scans fall into step again.
    whole, found, passed_by_pillow = jpeg(**options), 0, 0
    for place in np.linspace(len(whole) // 4, len(whole) - 400, 40).astype(int):
        spoiled = whole[:place] + bytes(200) + whole[place + 200 :]
        found += damage(spoiled) is not None
        with contextlib.suppress(OSError), Image.open(io.BytesIO(spoiled)) as image:
            image.load()
            passed_by_pillow += 1
    assert passed_by_pillow >= 39  # or there is nothing to do
    assert found >= of_40


def test_a_byte_or_two_before_the_end_is_how_some_cameras_write(jpeg):
    whole = jpeg()
    assert damage(whole[:-2] + b"\x00\x11" + whole[-2:]) is None
    assert "extraneous" in damage(whole[:-2] + bytes(50) + whole[-2:])


def test_what_follows_the_image_does_not_matter(jpeg):
    assert damage(jpeg() + b"a phone's video") is None


def test_a_jpeg_without_its_end_is_damaged(jpeg):
    assert damage(jpeg()[:-2]) == "Premature end of JPEG file"


def test_each_chunk_of_a_png_is_held_to_its_checksum(saved, photograph):
    whole = saved("a.png", photograph()).read_bytes()
    assert png_damage(io.BytesIO(whole)) is None
    assert png_damage(io.BytesIO(whole + b"more")) is None
    data = whole.index(b"IDAT")
    for place in range(data + 4, len(whole) - 12, 97):
        spoiled = bytearray(whole)
        spoiled[place] ^= 1
        assert png_damage(io.BytesIO(spoiled)) == "the checksum of its chunk 'IDAT' is wrong"
    for length in (20, data + 10, len(whole) - 12, len(whole) - 1):
        assert png_damage(io.BytesIO(whole[:length])) == "the file ends too early"


def test_a_checksum_that_pillow_does_not_look_at_is_held_to(saved, photograph, decode):
    path = saved("a.png", photograph())
    spoiled = bytearray(path.read_bytes())
    spoiled[spoiled.index(b"IEND") - 5] ^= 1  # the last byte of the checksum before it
    path.write_bytes(spoiled)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), photograph())
    assert decode(path) == "damaged: the checksum of its chunk 'IDAT' is wrong"
