import base64
import gc
import hashlib
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from harness.environment import usable_cores
from harness.images import decoding
from harness.images.decoding import Conversion, decoded
from harness.images.unreadable import Unreadable

SIZE = 64


def channels_first(picture):
    return np.asarray(picture).transpose(2, 0, 1)


# --- ordinary files


def test_rgb_of_the_right_size_is_kept_bit_for_bit(saved, photograph, decode):
    image = decode(saved("a.png", photograph()))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.array_equal(image, channels_first(photograph()))


# 48 x 36 pixels as an encoder wrote them once: another encoder's bytes would change the digests below.
COLOUR_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCN"
    "l4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAAR"
    "CAAkADADASIAAhEBAxEB/8QAGgAAAwADAQAAAAAAAAAAAAAAAAQFAQMGAv/EACUQAAICAgEDAwUAAAAAAAAAAAABAgMEESEFEjETIkEVMjNC"
    "Yf/EABkBAAMBAQEAAAAAAAAAAAAAAAIDBAUAAf/EACIRAAEDAwQDAQAAAAAAAAAAAAABAgMEBRESISIyExQxNP/aAAwDAQACEQMRAD8AoPMg"
    "/wBkaZyU/BydWbe5rezo+nTdkPcZrIfXXILp/BuZsg9E7KgzoJVJxJ2ZR/DVjuCK3SG6dJWZI9MfcUILg0106kNxikgVg8+4+kh1JlBh9Grj"
    "zpGY1qjhHn6g5fJh2epyZUSuReYmqptKchyuzaCytTE1Z2scxpd5a1GO+CJIHJDlopZR286NEnoq5UNRJFj1JhOlWLYttGpG8hSDex2nwAEL"
    "yu5dTM/I9gfAAOp/ohfzDWX+MiW/cwA9qux1u6n/2Q=="
)
GREY_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCN"
    "l4x9lnN+gXz/wAALCAAkADABAREA/8QAGgABAQADAQEAAAAAAAAAAAAABAUAAQMCBv/EACUQAAICAgEDAwUAAAAAAAAAAAABAgMEESEFEjET"
    "IkEVMjNCYf/aAAgBAQAAPwCg8yD/AGRxnJT8B7IPROyoMNTH3FCC4ItWbe5rez6Pp03ZD3FCVScSdmUfwDXTqQuMUkIfRq486RuNao4Qmuza"
    "MsrUwllHbzo4Sejv9Qcvk07PU5MVnaxmNLvPeVDUSRY9SYSDextPg3PyOwPgVl/jIlv3M//Z"
)


@pytest.mark.parametrize(
    ("file", "size", "digest"),
    [
        ("colour.jpg", 64, "9d6c9476650c301e"),
        ("colour.jpg", 12, "f149d735bb59b0b4"),
        ("grey.jpg", 64, "31f687ee86a1a8a5"),
        ("grey.jpg", 12, "aabed17eee0c3a1e"),
        ("colour.png", 64, "a0eeb433b4b5016e"),
        ("colour.png", 12, "7727837276dea76c"),
        ("grey.png", 64, "fb705fea3b0869fa"),
        ("grey.png", 12, "cd19522584902070"),
    ],
)
def test_ordinary_files_have_the_recorded_pixels(tmp_path, png, decode, file, size, digest):
    """Where this fails, `DECODING` must rise: stores would give pixels of the old rule beside those of the new."""
    (tmp_path / "colour.jpg").write_bytes(COLOUR_JPEG)
    (tmp_path / "grey.jpg").write_bytes(GREY_JPEG)
    values = (np.arange(40 * 30 * 3) * 7919 % 65536 // 256).astype(np.uint8)
    png("colour.png", 40, 30, 8, 2, [row.tobytes() for row in values.reshape(30, 120)])
    png("grey.png", 40, 30, 8, 0, [row.tobytes() for row in values[:1200].reshape(30, 40)])
    assert decoding.DECODING == "rgb, exif-upright, square by lanczos, 1"
    assert hashlib.sha256(decode(tmp_path / file, size).tobytes()).hexdigest()[:16] == digest


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
def test_pictures_are_turned_upright(saved, photograph, decode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(saved("a.png", photograph(), exif=exif))
    assert np.array_equal(image, channels_first(TURNS[orientation](photograph())))
    photo = decode(saved("a.jpg", photograph(), exif=exif, quality=95))
    assert np.abs(photo.astype(int) - image).mean() < 3


def test_a_deep_or_transparent_picture_is_turned_too(saved, photograph, decode):
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = photograph(channels=1)[..., 0].astype(np.uint16) * 257
    turned = np.rot90(deep // 257, -1)
    image = decode(saved("a.png", deep, exif=exif))
    assert np.array_equal(image, [turned * 255 // 255] * 3)
    opaque = np.dstack([photograph(), np.full((SIZE, SIZE), 255, np.uint8)])
    assert np.array_equal(decode(saved("b.png", opaque, exif=exif)), channels_first(np.rot90(photograph(), -1)))


@pytest.mark.parametrize("damaged", [b"garbage!", b"II*\0\x08\0\0\0\x05\0\x12\x01", b"", b"II*\0\xff\xff\0\0"])
def test_damaged_exif_data_turn_nothing(saved, photograph, decode, damaged):
    path = saved("a.jpg", photograph(), exif=b"Exif\0\0" + damaged, quality=95)
    assert np.array_equal(decode(path), decode(saved("b.jpg", photograph(), quality=95)))


@pytest.mark.parametrize("shape", [(200, 300), (1000, 500), (64, 900), (20, 30), (1, 1)])
@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_every_shape_becomes_a_square_like_lanczos_of_the_whole(saved, photograph, decode, shape, name):
    picture = Image.fromarray(photograph(256)).resize(shape[::-1], Image.Resampling.BICUBIC)
    path = saved(name, picture, **({"quality": 95} if name == "a.jpg" else {}))
    image = decode(path)
    assert image.shape == (3, SIZE, SIZE)
    with Image.open(path) as whole:  # without the short cuts: a JPEG's fraction, a first reduction by a box
        expected = channels_first(whole.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    difference = np.abs(image.astype(int) - expected)
    assert difference.mean() < 1.5
    assert difference.max() < 40


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tiff", "a.bmp", "a.webp", "a.jp2", "a.avif", "a.ppm"])
def test_a_truncated_file_is_refused_never_filled_up(saved, photograph, decode, name):
    path = saved(name, photograph())
    whole = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.9, 1 - 3 / len(whole)):
        path.write_bytes(whole[: int(share * len(whole))])
        assert isinstance(decode(path), str), share


# --- all at once


def test_all_come_in_order_each_decoded_or_told_why_not(saved, photograph, tmp_path, decode):
    paths = [saved(f"{number}.png", photograph(seed=number)) for number in range(40)]
    paths[1].write_text("text")
    paths[4].write_bytes(paths[4].read_bytes()[:200])
    paths[5].unlink()
    found = list(decoded(paths, SIZE, Conversion()))
    assert [number for number, one in enumerate(found) if isinstance(one, Unreadable)] == [1, 4, 5]
    for number in {*range(40)} - {1, 4, 5}:
        assert np.array_equal(found[number], channels_first(photograph(seed=number)))
    assert [found[number].reason for number in (1, 4, 5)] == [decode(paths[number]) for number in (1, 4, 5)]
    assert list(decoded([], SIZE, Conversion())) == []


def test_few_images_are_held_at_a_time(saved, photograph, monkeypatch):
    # 40,000 images pass through: never are they all in memory.
    path, real, alive, most = saved("a.jpg", photograph()), decoding._square, set(), 0

    class Counted(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    def counted(*arguments):
        image = real(*arguments).view(Counted)
        alive.add(id(image))
        return image

    monkeypatch.setattr(decoding, "_square", counted)
    for _ in decoded([path] * 600, 16, Conversion()):
        most = max(most, len(alive))
    gc.collect()
    assert 1 < most <= 2 * 8 * usable_cores() + 2


def test_one_large_image_is_decoded_at_a_time(saved, photograph, monkeypatch):
    paths, inside, most = [saved(f"{number}.png", photograph(128)) for number in range(6)], [], []
    real = decoding.as_rgb

    def watched(*arguments):
        inside.append(1)
        most.append(len(inside))
        try:
            return real(*arguments)
        finally:
            inside.pop()

    monkeypatch.setattr(decoding, "as_rgb", watched)
    monkeypatch.setattr(decoding, "usable_cores", lambda: 6)
    monkeypatch.setattr(decoding, "_LARGE", 128 * 128 - 1)
    assert len(list(decoded(paths, 16, Conversion()))) == 6
    assert set(most) == {1}


def test_nothing_of_the_process_is_changed_while_the_caller_has_its_turn(saved, photograph):
    paths = [saved(f"{number}.png", photograph(seed=number)) for number in range(3)]
    before = (list(warnings.filters), warnings.showwarning, Image.MAX_IMAGE_PIXELS)
    for _ in zip(decoded(paths, 16, Conversion()), decoded(paths, 16, Conversion()), strict=True):  # in turns
        assert (list(warnings.filters), warnings.showwarning, Image.MAX_IMAGE_PIXELS) == before
    threads = threading.active_count()
    left = decoded(paths * 30, 16, Conversion())
    next(left)
    left.close()  # its threads end with it
    assert threading.active_count() == threads
