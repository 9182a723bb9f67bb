"""Every mode against its formula in floating point, on random pixels: no step of Pillow's is in both."""

import numpy as np
import pytest
from PIL import Image

from harness.images.colour import as_rgb
from harness.images.image_file import UnreadableFileError

SIDE = 24


def noise(channels, seed=0):
    shape = (SIDE, SIDE, channels) if channels > 1 else (SIDE, SIDE)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def of_mode(mode, values):
    return Image.frombytes(mode, (SIDE, SIDE), values.tobytes())


def rgb(image, **options):
    converted = as_rgb(image, **options)
    assert converted.mode == "RGB"
    return np.asarray(converted).astype(float)


def grey(values):
    return np.repeat(values[..., None].astype(float), 3, axis=-1)


def on_white(colours, opacity):
    share = opacity[..., None].astype(float) / 255
    return colours.astype(float) * share + 255 * (1 - share)


def test_two_colours_are_black_and_white():
    bits = noise(1) > 128
    assert np.array_equal(rgb(Image.fromarray(bits)), grey(np.where(bits, 255, 0)))


def test_grey_is_three_equal_channels():
    assert np.array_equal(rgb(of_mode("L", noise(1))), grey(noise(1)))


def test_rgb_is_kept():
    assert np.array_equal(rgb(of_mode("RGB", noise(3))), noise(3))


def test_a_fourth_byte_that_means_nothing_is_left_out():
    assert np.array_equal(rgb(of_mode("RGBX", noise(4))), noise(4)[..., :3])


def test_a_palette_is_looked_up():
    colours = noise(3, seed=1).reshape(-1, 3)[:256]
    picture = of_mode("P", noise(1))
    picture.putpalette(colours.tobytes())
    assert np.array_equal(rgb(picture), colours[noise(1)])


@pytest.mark.parametrize("opacity", [7, bytes(range(256))], ids=["one entry", "an opacity for each"])
def test_a_palette_with_transparency_lies_on_white(opacity):
    colours = noise(3, seed=1).reshape(-1, 3)[:256]
    picture = of_mode("P", noise(1))
    picture.putpalette(colours.tobytes())
    picture.info["transparency"] = opacity
    table = np.where(np.arange(256) == 7, 0, 255) if opacity == 7 else np.arange(256)
    assert np.abs(rgb(picture) - on_white(colours[noise(1)], table[noise(1)])).max() <= 1


def test_one_transparent_grey_and_one_transparent_colour_are_white():
    picture = of_mode("L", noise(1) // 32)
    picture.info["transparency"] = 3
    assert np.array_equal(rgb(picture), grey(np.where(noise(1) // 32 == 3, 255, noise(1) // 32)))
    picture = of_mode("RGB", noise(3) // 128)
    picture.info["transparency"] = (0, 1, 0)
    through = (noise(3) // 128 == (0, 1, 0)).all(-1)
    assert through.any()
    assert np.array_equal(rgb(picture), np.where(through[..., None], 255, noise(3) // 128))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_opacity_mixes_with_white(mode):
    values = noise(len(mode))
    colours = values[..., :3] if mode == "RGBA" else grey(values[..., 0])
    assert np.abs(rgb(of_mode(mode, values)) - on_white(colours, values[..., -1])).max() <= 1


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_opaque_is_kept_bit_for_bit_and_what_is_hidden_is_not_seen(mode):
    values = noise(len(mode))
    values[..., -1] = np.where(noise(1, seed=2) > 100, 255, 0)
    colours = values[..., :3] if mode == "RGBA" else grey(values[..., 0])
    assert np.array_equal(rgb(of_mode(mode, values)), np.where(values[..., -1:] == 255, colours, 255))


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_colours_that_opacity_is_multiplied_into_gain_what_lacks_of_white(mode):
    values = noise(len(mode))
    values[..., -1] |= 128  # what is nearly transparent has few bits of colour left
    values[..., :-1] = values[..., :-1].astype(float) * values[..., -1:] / 255
    colours = values[..., :3] if mode == "RGBa" else grey(values[..., 0])
    assert np.abs(rgb(of_mode(mode, values)) - (colours.astype(float) + 255 - values[..., -1:])).max() <= 2


def test_a_palette_with_its_own_opacity_lies_on_white():
    colours = noise(3, seed=1).reshape(-1, 3)[:256]
    values = noise(2)
    picture = Image.new("PA", (SIDE, SIDE))
    picture.putpalette(colours.tobytes())
    picture.putdata([tuple(pair) for pair in values.reshape(-1, 2).tolist()])
    assert np.abs(rgb(picture) - on_white(colours[values[..., 0]], values[..., 1])).max() <= 1


def test_inks_take_away_light():
    inks = noise(4).astype(float)
    expected = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    assert np.abs(rgb(of_mode("CMYK", noise(4))) - expected).max() <= 1


def test_ycbcr_is_jfifs():
    luma, blue, red = (noise(3)[..., k].astype(float) for k in range(3))
    expected = np.stack(
        [
            luma + 1.402 * (red - 128),
            luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128),
            luma + 1.772 * (blue - 128),
        ],
        -1,
    )
    assert np.abs(rgb(of_mode("YCbCr", noise(3))) - np.clip(expected, 0, 255)).max() <= 1.5


def test_hsv_is_the_hexcone():
    hue, saturation, value = (noise(3)[..., k].astype(float) / 255 for k in range(3))
    channels = [
        value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1) for k in ((n + hue * 6) % 6 for n in (5, 3, 1))
    ]
    assert np.abs(rgb(of_mode("HSV", noise(3))) - 255 * np.stack(channels, -1)).max() <= 2


def lab_to_srgb(lightness, a, b):
    """CIELAB with white D50 to sRGB, by Bradford (CIE 15; IEC 61966-2-1)."""
    f = np.stack([(lightness + 16) / 116 + a / 500, (lightness + 16) / 116, (lightness + 16) / 116 - b / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.96422, 1.0, 0.82521]
    linear = (
        xyz @ np.array([[3.13386, -1.61687, -0.49062], [-0.97877, 1.91614, 0.03345], [0.07195, -0.22899, 1.40524]]).T
    )
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_lab_is_that_of_the_cie_with_the_white_of_print():
    lightness = np.linspace(60, 200, SIDE * SIDE).reshape(SIDE, SIDE)
    values = np.stack([lightness, noise(1) % 30 + 113, noise(1, seed=1) % 30 + 113], -1).astype(np.uint8)
    stored = values.copy()
    stored[..., 1:] ^= 128  # files have these two signed
    expected = lab_to_srgb(values[..., 0] / 2.55, values[..., 1] - 128.0, values[..., 2] - 128.0)
    image = Image.frombytes("LAB", (SIDE, SIDE), stored.tobytes())
    assert np.abs(rgb(image) - expected).mean() < 1
    assert np.abs(rgb(image) - expected).max() < 8


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
def test_sixteen_bits_are_scaled_by_the_sets_white(mode, white):
    values = np.random.default_rng(0).integers(0, white + 1, (SIDE, SIDE))
    stored = values.astype(">u2" if mode == "I;16B" else "<u2")
    assert np.array_equal(rgb(of_mode(mode, stored), white=white), grey(np.floor(255 * values / white)))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_values_without_a_range_are_refused(mode):
    with pytest.raises(UnreadableFileError, match=f"mode {mode} has no stated range"):
        as_rgb(Image.new(mode, (4, 4)))
