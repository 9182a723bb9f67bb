import os
import re
import socket
import time

import numpy as np
import pytest
from PIL import Image

from harness.errors import MachineError
from harness.images import image_file

# --- what is no file with an image in it


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"just text", "text, not an image"),
        (b"ISIC_0000000,benign\r\n" * 40, "text, not an image"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "a web page or other markup, not an image"),
        (b"\xef\xbb\xbf\n<HTML>sign in", "a web page or other markup, not an image"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page or other markup, not an image"),
        (b"<svg xmlns='x'></svg>", "a web page or other markup, not an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS, not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "HEIC, which is not read: save it as JPEG or PNG"),
        (bytes(5000), "zeros in the place of an image"),
        (b"\xff\xd8\xff", "damaged: it begins as a JPEG file does"),
        (b"\x89PNG\r\n\x1a\n", "damaged: it begins as a PNG file does"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text, not an image"),
        (b"\x00\x01\x02\x03" * 99, "not an image in a format that is read: JPEG, PNG, TIFF"),
    ],
)
def test_what_is_no_image_is_told_as_what_it_seems_to_be(tmp_path, decode, content, reason):
    (tmp_path / "a.jpg").write_bytes(content)
    assert decode(tmp_path / "a.jpg").startswith(reason)


def test_what_is_no_file_is_told_and_waits_for_nobody(tmp_path, decode):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket.jpg"))
        found = {path.name: decode(path) for path in sorted(tmp_path.iterdir())}
    assert found == {
        "broken.jpg": "a link to nowhere.jpg: it is not there",
        "device.jpg": "a device, not a file",
        "folder.jpg": "a folder, not a file",
        "pipe.jpg": "a named pipe, not a file",
        "round.jpg": "it is a link that leads back to itself",
        "socket.jpg": "a socket, not a file",
    }
    assert decode(tmp_path / "lost.jpg") == "it is not there"
    assert decode(tmp_path / "folder.jpg" / "a.jpg") == "it is not there"
    assert decode(tmp_path / ("x" * 300)) == "File name too long"


def test_a_file_that_may_not_be_read_is_told(saved, photograph, decode, monkeypatch):
    path = saved("a.png", photograph())
    path.chmod(0)
    if os.geteuid() == 0:  # whom no permission stops
        monkeypatch.setattr(image_file.os, "access", lambda *_: False)
    assert decode(path) == "there is no permission to read it"


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.gif", "GIF")])
def test_the_bytes_decide_and_not_the_name(saved, photograph, decode, name, kind):
    path = saved(name, photograph(), format=kind).rename(saved(name, photograph()).with_name("a.webp"))
    assert isinstance(decode(path), np.ndarray)


# --- size


@pytest.mark.parametrize("side", [7_072, 12_000, 14_000, 30_000, 60_000])  # Pillow warns from 9,460, raises from 13,378
def test_a_decompression_bomb_is_refused_from_its_header_in_one_sentence(png, decode, side):
    path = png("a.png", side, side, 8, 2, [])
    began = time.monotonic()
    assert decode(path) == f"{side} x {side} pixels are more than 50,000,000; --max-pixels allows more"
    assert time.monotonic() - began < 1


def test_the_limit_can_be_set(saved, photograph, png, decode):
    path = saved("a.png", photograph(64))
    assert decode(path, max_pixels=4095) == "64 x 64 pixels are more than 4,095; --max-pixels allows more"
    assert isinstance(decode(path, max_pixels=4096), np.ndarray)
    assert "pixels" not in decode(png("b.png", 20_000, 10_000, 1, 0, []), max_pixels=10**9)


def test_a_large_file_of_few_pixels_is_not_read(saved, photograph, decode):
    path = saved("a.jpg", photograph())
    os.truncate(path, 1 << 40)
    assert decode(path) == f"{1 << 40:,} bytes are more than an image of 50,000,000 pixels has"


# --- several pictures


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.avif"])
def test_animations_and_pages_are_refused(saved, photograph, decode, name):
    frames = [Image.fromarray(photograph(seed=seed)) for seed in range(3)]
    path = saved(name, frames[0], save_all=True, append_images=frames[1:])
    assert re.match("an animation or several pages, 3 pictures, .*: save that one alone", decode(path))
    assert isinstance(decode(saved(name, frames[0])), np.ndarray)


def test_a_phones_file_gives_the_photograph_and_not_its_preview(saved, photograph, decode):
    first, second = (Image.fromarray(photograph(seed=seed)) for seed in range(2))
    path = saved("a.jpg", first, format="MPO", save_all=True, append_images=[second], quality=95)
    with Image.open(path) as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
    alone = saved("b.jpg", first, quality=95)
    assert np.array_equal(decode(path), decode(alone))


# --- the machine's failures are no file's


@pytest.mark.parametrize("number", ["EMFILE", "EIO", "ENOMEM", "ESTALE"])
def test_a_disk_that_fails_is_not_a_bad_image(saved, photograph, decode, monkeypatch, number):
    path = saved("a.png", photograph())
    code = getattr(image_file.errno, number)

    def fails(*_arguments, **_options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(image_file.Image, "open", fails)
    with pytest.raises(MachineError, match=f"cannot read .*a.png: {os.strerror(code)}"):
        decode(path)


def test_memory_that_runs_out_is_not_a_bad_image(saved, photograph, decode, monkeypatch):
    path = saved("a.png", photograph())

    def fails(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(image_file.Image, "open", fails)
    with pytest.raises(MachineError, match=r"memory ran out while .*a.png was decoded"):
        decode(path)
