"""Image files spoiled by chance, from a seed: what disks, networks, programs and people make of good ones."""

import io
import os
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SOUND = (
    *(("JPEG", options) for options in ({}, {"progressive": True}, {"restart_marker_blocks": 4}, {"quality": 100})),
    *(("PNG", options) for options in ({}, {"compress_level": 0})),
    *(("TIFF", {"compression": name}) for name in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
    *(("WEBP", options) for options in ({}, {"lossless": True})),
    *((kind, {}) for kind in ("GIF", "AVIF", "JPEG2000", "BMP", "PPM")),
)
"""Pillow's formats and how they are written."""

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "RGBA", "LA", "P", "1"),
    "TIFF": ("RGB", "L"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "AVIF": ("RGB", "RGBA"),
    "JPEG2000": ("RGB", "L", "RGBA"),
    "BMP": ("RGB", "L", "P"),
    "PPM": ("RGB", "L"),
}
WITH_EXIF = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
_PAGES = (
    b"<!DOCTYPE html><title>403</title>",
    b"just text",
    b"",
    bytes(4096),
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0",
    b"BM",
)


@dataclass(frozen=True)
class Spoiled:
    """A file, the sound one's bytes (None: it never was an image), its format, and what was done to it."""

    path: Path
    sound: bytes | None
    kind: str
    how: str


def spoiled_images(seed: int, folder: Path, count: int, name: str = "{:04d}.jpg") -> list[Spoiled]:
    """Write ``count`` files, a tenth of them sound; the same for the same seed."""
    draws, found = random.Random(seed), []
    for number in range(count):
        path = folder / name.format(number)
        if draws.random() < 0.12:
            found.append(Spoiled(path, None, "none", _no_image(draws, path)))
            continue
        kind, options = draws.choice(SOUND)
        sound = _sound(draws, kind, options)
        how = draws.choice(list(DAMAGES))
        path.write_bytes(DAMAGES[how](draws, bytearray(sound)))
        found.append(Spoiled(path, sound, kind, how))
    return found


def _sound(draws, kind, options):
    side = draws.choice((17, 48, 96))
    coarse = np.frombuffer(draws.randbytes(5 * 5 * 3), np.uint8).reshape(5, 5, 3)
    picture = Image.fromarray(coarse).resize((side, side + 5), Image.Resampling.BICUBIC)
    if kind in WITH_EXIF and draws.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = draws.randrange(1, 9), "text"
        options = {**options, "exif": exif}
    modes = ("RGB", "L") if options.get("compression") == "jpeg" else MODES[kind]
    stream = io.BytesIO()
    picture.convert(draws.choice(modes)).save(stream, kind, **options)
    return stream.getvalue()


def _cut(draws, data):
    return data[: draws.randrange(len(data))]


def _zero(draws, data):
    at, length = draws.randrange(len(data)), draws.choice((4, 20, 200, 4096))
    data[at : at + length] = bytes(len(data[at : at + length]))
    return data


def _flip(draws, data):
    for _ in range(draws.randrange(1, 9)):
        data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
    return data


def _spoil_header(draws, data):
    for _ in range(draws.randrange(1, 5)):
        data[draws.randrange(min(200, len(data)))] = draws.randrange(256)
    return data


def _insert(draws, data):
    at = draws.randrange(len(data))
    data[at:at] = draws.randbytes(draws.randrange(1, 20))
    return data


def _lose(draws, data):
    at = draws.randrange(len(data))
    del data[at : at + draws.randrange(1, 20)]
    return data


def _as_text(_draws, data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")  # a transfer in text mode


def _longer(draws, data):
    return data + draws.randbytes(draws.randrange(1, 300))


def _none(_draws, data):
    return data


DAMAGES = {
    "cut": _cut,
    "zeroed": _zero,
    "flipped bits": _flip,
    "spoiled header": _spoil_header,
    "inserted": _insert,
    "lost": _lose,
    "sent as text": _as_text,
    "longer": _longer,
    "sound": _none,
}


def _no_image(draws, path):
    how = draws.choice(("folder", "pipe", "broken link", "missing", "bytes", "bomb", "animation", "random"))
    if how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "broken link":
        path.symlink_to("nowhere.jpg")
    elif how == "bytes":
        path.write_bytes(draws.choice(_PAGES))
    elif how == "bomb":
        path.write_bytes(_bomb())
    elif how == "animation":
        frames = [Image.new("RGB", (9, 9), (shade, 0, 0)) for shade in (0, 90, 200)]
        frames[0].save(path, draws.choice(("PNG", "GIF", "WEBP", "TIFF")), save_all=True, append_images=frames[1:])
    elif how == "random":
        path.write_bytes(draws.randbytes(900))
    return how


def _bomb():
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
