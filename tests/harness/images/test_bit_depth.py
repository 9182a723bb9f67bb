import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from harness.images.bit_depth import BitDepth
from harness.images.decoding import Conversion, bit_depth, decoded
from harness.images.unreadable import Unreadable


@pytest.fixture
def deep(saved, photograph):
    """Return a function that saves a 16-bit picture whose brightest value is ``highest``."""

    def save(name, highest, seed=0, **options):
        picture = photograph(32, seed, channels=1)[..., 0].astype(np.float64)
        values = np.round((picture - picture.min()) / np.ptp(picture) * highest).astype(np.uint16)
        return saved(name, values, **options), values

    return save


def images(paths, size=32):
    return list(decoded(paths, size, Conversion()))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
@pytest.mark.parametrize(("highest", "white"), [(255, 255), (700, 1023), (4095, 4095), (4096, 16383), (65535, 65535)])
def test_the_fewest_bits_that_hold_all_values_give_the_white(deep, name, highest, white):
    # A 12-bit camera's file, scaled as 16 bits, was nearly black without a word.
    path, values = deep(name, highest)
    (image,) = images([path])
    assert np.array_equal(image, np.stack([np.floor(255 * values.astype(np.float64) / white)] * 3))


def test_one_scale_holds_for_the_whole_set(deep):
    # A dark image stays dark: its own range decides nothing.
    pairs = [deep(f"{number}.png", highest, number) for number, highest in enumerate((4000, 900, 3000, 4095))]
    found = images([path for path, _ in pairs])
    for image, (_, values) in zip(found, pairs, strict=True):
        assert np.array_equal(image[0], values.astype(np.int64) * 255 // 4095)
    (alone,) = images([pairs[1][0]])
    assert alone.mean() > found[1].mean() * 3


def test_a_depth_that_is_known_is_not_looked_for_again(deep):
    path, values = deep("a.png", 4095)
    whole = BitDepth(deep=9, highest=60_000, usual=50_000)
    (image,) = decoded([path], 32, Conversion(), whole)
    assert np.array_equal(image[0], values.astype(np.int64) * 255 // 65535)


def test_what_is_found_can_be_kept_and_said(deep, saved, photograph):
    paths = [deep("a.png", 4000)[0], deep("b.tif", 3000)[0]]
    found = bit_depth(paths, Conversion())
    assert BitDepth(**json.loads(json.dumps(dataclasses.asdict(found)))) == found
    assert (found.deep, found.shallow, found.highest, found.bits, found.white) == (2, 0, 4000, 12, 4095)
    assert found.note == "2 images hold 16 bits a value, the highest 4,000: read as 12 bits, 4,095 as white"
    assert bit_depth([saved("c.jpg", photograph()), saved("c.png", photograph())], Conversion()).note is None


def test_files_that_cannot_be_read_do_not_count(deep, saved, tmp_path):
    broken = deep("a.png", 65535)[0]
    broken.write_bytes(broken.read_bytes()[:-30])
    lost = tmp_path / "lost.png"
    assert bit_depth([broken, lost, deep("b.png", 4095)[0]], Conversion()) == bit_depth(
        [tmp_path / "b.png"], Conversion()
    )


def test_12_bits_among_images_of_8_are_refused_and_16_are_told_of(deep, saved, photograph):
    eight = [saved("a.jpg", photograph(32)), saved("b.png", photograph(32))]
    path, _ = deep("c.png", 4095)
    first, second, third = images([*eight, path])
    assert not isinstance(first, Unreadable)
    assert not isinstance(second, Unreadable)
    assert third.reason.startswith("values of 12 bits, by their range, among 2 images of 8")
    assert "save the set with 8 bits a value" in third.reason
    path, values = deep("c.png", 65535)
    assert np.array_equal(images([*eight, path])[2][0], values // 257)
    assert bit_depth([*eight, path], Conversion()).note.endswith(
        "65,535 as white, beside 2 images of 8 bits: do they come from one source?"
    )


def test_a_scale_that_leaves_most_images_nearly_black_is_refused(deep):
    # One saturated image, or a hot pixel in each, among those of a 12-bit camera.
    paths = [deep(f"{number}.png", 3000 + number, number)[0] for number in range(5)]
    saturated = deep("z.png", 65535)[0]
    for found in images([*paths, saturated]):
        assert "leaves half of the 6 such images of the set nearly black" in found.reason
    for number, path in enumerate(paths):
        values = np.asarray(Image.open(path)).copy()
        values[number, number] = 65535
        Image.fromarray(values).save(path)
    assert all(isinstance(found, Unreadable) for found in images(paths))


def sixteen_bit_colours(png, name, highest, colour=2, seed=0):
    channels = {2: 3, 4: 2, 6: 4}[colour]
    values = np.random.default_rng(seed).integers(0, highest + 1, (32, 32, channels))
    if colour in (4, 6):
        values[..., -1] = 65535
    return png(name, 32, 32, 16, colour, [row.astype(">u2").tobytes() for row in values]), values


@pytest.mark.parametrize("colour", [2, 4, 6])
def test_colours_of_16_bits_give_their_upper_8_and_are_refused_where_these_are_empty(png, colour):
    path, values = sixteen_bit_colours(png, "a.png", 65535, colour)
    (image,) = images([path])
    opaque = values[..., :3] if colour != 4 else np.repeat(values[..., :1], 3, -1)
    assert np.array_equal(image, (opaque >> 8).transpose(2, 0, 1))
    path, _ = sixteen_bit_colours(png, "b.png", 4095, colour)
    (refused,) = images([path])
    assert refused.reason.startswith("16 bits a channel, of which the set uses 12, and only the upper 8 can be read")
