import contextlib
import os
import random
import struct
import threading
import time
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data import decoding as images
from harness.data.decoding import LARGEST_IMAGE, decode, decode_all
from harness.errors import DataError

SIZE = 64


def photograph(size=SIZE, seed=0, channels=3):
    """Random, but smooth, so that JPEG and resizing keep it recognisable; (size, size, channels)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, channels)).astype(np.uint8)
    planes = [Image.fromarray(coarse[..., k]).resize((size, size), Image.Resampling.BICUBIC) for k in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def saved(path, picture, **options):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def channels_first(picture):
    return np.asarray(picture).transpose(2, 0, 1)


def no_progress(_done, _total):
    pass


# --- modes


def test_rgb_of_the_right_size_is_kept_bit_for_bit(tmp_path):
    decoded = decode(saved(tmp_path / "a.png", photograph()), SIZE)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    assert np.array_equal(decoded, channels_first(photograph()))


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = photograph(channels=1)[..., 0]
    decoded = decode(saved(tmp_path / "a.png", grey), SIZE)
    assert all(np.array_equal(decoded[channel], grey) for channel in range(3))


def test_a_palette_is_looked_up(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (256, 3)).astype(np.uint8)
    indices = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE)).astype(np.uint8)
    picture = Image.fromarray(indices, "L")
    picture.putpalette(colours.tobytes())
    assert picture.mode == "P"
    assert np.array_equal(decode(saved(tmp_path / "a.png", picture), SIZE), channels_first(colours[indices]))


def test_opacity_is_dropped(tmp_path):
    rgba = np.concatenate([photograph(), photograph(seed=3, channels=1)], -1)
    assert np.array_equal(decode(saved(tmp_path / "a.png", rgba), SIZE), channels_first(photograph()))


def test_two_colours_become_black_and_white(tmp_path):
    bits = photograph(channels=1)[..., 0] > 128
    decoded = decode(saved(tmp_path / "a.png", Image.fromarray(bits)), SIZE)
    assert np.array_equal(decoded[1], np.where(bits, 255, 0))


@pytest.mark.parametrize("name", ["a.tiff", "a.jpg"])
def test_inks_become_light(tmp_path, name):
    inks = {(0, 0, 0, 0): (255, 255, 255), (0, 0, 0, 255): (0, 0, 0), (255, 255, 0, 0): (0, 0, 255)}
    for ink, light in inks.items():
        decoded = decode(saved(tmp_path / name, Image.new("CMYK", (SIZE, SIZE), ink)), SIZE)
        assert np.abs(decoded.astype(int) - np.array(light)[:, None, None]).max() <= 3


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_sixteen_bits_are_scaled_or_refused_but_never_clipped(tmp_path, name):
    # Inspection cameras write these: clipping at 255 turns a whole picture white without a word.
    deep = photograph(channels=1)[..., 0].astype(np.uint16) * 257
    path = saved(tmp_path / name, deep)
    with Image.open(path) as image:
        assert image.mode.startswith("I;16")
    try:
        decoded = decode(path, SIZE)
    except ValueError:
        return
    assert np.abs(decoded[0].astype(float) - deep / 257).max() <= 1


@pytest.mark.parametrize("scale", [1 / 255, 257.0])
def test_floating_point_is_scaled_or_refused_but_never_clipped(tmp_path, scale):
    grey = photograph(channels=1)[..., 0]
    path = saved(tmp_path / "a.tiff", grey.astype(np.float32) * scale)
    try:
        decoded = decode(path, SIZE)
    except ValueError:
        return
    assert np.abs(decoded[0].astype(float) - grey).max() <= 1


# EXIF orientation -> what a viewer does with the stored rows.
TURNS = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_pictures_are_turned_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(saved(tmp_path / "a.png", photograph(), exif=exif), SIZE)
    assert np.array_equal(decoded, channels_first(TURNS[orientation](photograph())))
    photo = decode(saved(tmp_path / "a.jpg", photograph(), exif=exif, quality=95), SIZE)
    assert np.abs(photo.astype(int) - decoded).mean() < 3


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [Image.fromarray(photograph(seed=seed)) for seed in range(3)]
    saved(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:])
    assert np.array_equal(decode(tmp_path / "a.png", SIZE), channels_first(photograph(seed=0)))


# --- size


@pytest.mark.parametrize("shape", [(200, 300), (1000, 500), (64, 900), (20, 30), (1, 1)])
@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_every_shape_becomes_a_square_like_lanczos_of_the_whole(tmp_path, shape, name):
    picture = Image.fromarray(photograph(256)).resize(shape[::-1], Image.Resampling.BICUBIC)
    path = saved(tmp_path / name, picture, **({"quality": 95} if name == "a.jpg" else {}))
    decoded = decode(path, SIZE)
    assert decoded.shape == (3, SIZE, SIZE)
    with Image.open(path) as whole:  # without the short cuts: a JPEG's fraction, a first reduction by a box
        expected = channels_first(whole.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    difference = np.abs(decoded.astype(int) - expected)
    assert difference.mean() < 1.5
    assert difference.max() < 40


# --- what cannot be read


def png_header(width, height):
    """A PNG of a few bytes that claims to be this large."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_072, 12_000, 30_000])  # above our limit, where Pillow warns, where Pillow raises
def test_a_decompression_bomb_is_refused_from_its_header(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    assert side**2 > LARGEST_IMAGE
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"pixels"):
        decode(tmp_path / "a.png", SIZE)
    assert time.monotonic() - began < 1


def test_a_large_picture_below_the_limit_is_not_a_bomb(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(2000, 1000))  # its pixels are missing, so it is torn, not a bomb
    with pytest.raises(ValueError, match=r"^(?!.*pixels).+"):
        decode(tmp_path / "a.png", SIZE)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tiff", "a.bmp"])
def test_a_truncated_file_is_refused_never_filled_up(tmp_path, name):
    whole = saved(tmp_path / name, photograph()).read_bytes()
    for share in (0, 0.1, 0.5, 0.9):
        (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match=r".+"):
            decode(tmp_path / name, SIZE)


@pytest.mark.parametrize("text", ["", "just text", "<!DOCTYPE html><html>404</html>", "<svg xmlns='x'></svg>"])
def test_text_named_jpg_is_refused(tmp_path, text):
    (tmp_path / "a.jpg").write_text(text)
    with pytest.raises(ValueError, match="not an image in a known format"):
        decode(tmp_path / "a.jpg", SIZE)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.jpg"):
        with pytest.raises(ValueError, match=r".+"):
            decode(path, SIZE)


def test_a_png_named_jpg_is_read_as_what_it_is(tmp_path):
    path = saved(tmp_path / "a.png", photograph()).rename(tmp_path / "a.jpg")
    assert np.array_equal(decode(path, SIZE), channels_first(photograph()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_garbled_file_is_read_or_refused_but_never_crashes(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "text"
    path = tmp_path / "a.jpg"
    saved(path, photograph(), format=kind, **({} if kind == "GIF" else {"exif": exif}))
    whole, chance = path.read_bytes(), random.Random(kind)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):  # mostly in the headers
            data[chance.randrange(min(len(data), 200 if chance.random() < 0.7 else len(data)))] = chance.randrange(256)
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(ValueError):
                assert decode(path, 32).shape == (3, 32, 32)


# --- all at once


def test_all_images_come_in_order_with_their_progress(tmp_path):
    paths = [saved(tmp_path / f"{index}.png", photograph(seed=index)) for index in range(9)]
    seen = []
    decoded = decode_all(paths, SIZE, lambda done, total: seen.append((done, total)))
    assert decoded.dtype == torch.uint8
    assert [image.tolist() for image in decoded] == [decode(path, SIZE).tolist() for path in paths]
    assert seen == [(done, 9) for done in range(1, 10)]


def test_no_images_are_an_empty_tensor():
    assert decode_all([], SIZE, no_progress).shape == (0, 3, SIZE, SIZE)


def test_every_unreadable_file_is_listed_at_once(tmp_path):
    paths = [saved(tmp_path / f"{index}.png", photograph(seed=index)) for index in range(8)]
    paths[1].write_text("text")
    paths[4].write_bytes(paths[4].read_bytes()[:200])
    paths[5].unlink()
    paths[7].write_bytes(png_header(30_000, 30_000))
    seen = []
    with pytest.raises(DataError) as caught:
        decode_all(paths, SIZE, lambda done, _: seen.append(done))
    assert caught.value.exit_code == 4
    assert "4 of 8 images" in caught.value.message
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [str(paths[index]) for index in (1, 4, 5, 7)]
    assert all(fault.partition(": ")[2] for fault in caught.value.faults)
    assert seen == list(range(1, 9))


def test_decoding_in_threads_leaves_the_warning_filters_alone(tmp_path, monkeypatch):
    # warnings.catch_warnings saves and restores a global: two threads that overlap restore each other's.
    paths = [saved(tmp_path / f"{index}.png", photograph(seed=index)) for index in range(2)]
    both, first_done, real = threading.Barrier(2), threading.Event(), Image.open

    def overlapping(path, *arguments):
        both.wait(30)
        if path == paths[1]:
            first_done.wait(30)
        return real(path, *arguments)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(images.Image, "open", overlapping)
    before = list(warnings.filters)
    try:
        decode_all(paths, SIZE, lambda done, _: first_done.set() if done == 1 else None)
        assert list(warnings.filters) == before
    finally:
        warnings.filters[:] = before
