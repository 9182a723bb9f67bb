"""An image file held to what can be known before its pixels are decoded: it is one, of one picture, not too large."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from harness.errors import MachineError
from harness.images.damage import jpeg_damage, png_damage
from harness.images.pillow_session import Heard

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "PPM", "JPEG2000", "AVIF")
"""Pillow's names of the formats that are read. Not those without a mark of their own (TGA), nor those that run other
programs (EPS)."""

_NAMES = "JPEG, PNG, TIFF, BMP, GIF, WebP, PPM, JPEG 2000 or AVIF"
_MARKS = {
    b"\xff\xd8\xff": "damaged: it begins as a JPEG file does",
    b"\x89PNG": "damaged: it begins as a PNG file does",
    b"GIF8": "damaged: it begins as a GIF file does",
    b"II*\0": "damaged: it begins as a TIFF file does",
    b"MM\0*": "damaged: it begins as a TIFF file does",
    b"version https://git-lfs": "a pointer of Git LFS, not an image: `git lfs pull` gets it",
    bytes(16): "zeros in the place of an image",
}
_HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc")  # what iPhones write
_PAGE_MARKS = (b"<!doctype", b"<html", b"<?xml", b"<svg")

_NOT_THERE = {
    errno.ENOENT: "it is not there",
    errno.EACCES: "there is no permission to read it",
    errno.EPERM: "there is no permission to read it",
    errno.ELOOP: "it is a link that leads back to itself",
}
_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_BYTES_PER_PIXEL, _BYTES_BESIDE = 16, 1 << 26  # four channels of 32 bits; profiles, previews, comments


class UnreadableFileError(ValueError):
    """A file that gives no image, and why: one phrase that goes behind its path."""


@contextmanager
def opened(path: Path, max_pixels: int, heard: Heard) -> Iterator[ImageFile]:
    """Give a file's image, header read and held to the rules. ``heard`` is what the session hears of it.

    Raises `UnreadableFileError` with the reason, also for whatever a decoder raises or libtiff says within the block,
    and `MachineError` where it is the machine that failed.
    """
    try:
        _require_file(path, max_pixels)
        with open(path, "rb") as file, _identified(file) as image:
            _require_few_pixels(image, max_pixels)
            _require_one_picture(image)
            if found := _damage(image, file):
                raise UnreadableFileError(f"damaged: {found}")
            yield image
        if heard.errors:  # libtiff may go on after them
            raise UnreadableFileError(f"damaged: {heard.errors[0]}")
    except (UnreadableFileError, MachineError):
        raise
    except MemoryError as error:
        raise MachineError(
            f"memory ran out while {path} was decoded", fix="give it more, or refuse large images by --max-pixels"
        ) from error
    except Exception as error:  # a broken file can make a decoder raise anything
        _raise_for_machine(path, error)
        said = heard.errors[0] if heard.errors else str(error) or type(error).__name__
        raise UnreadableFileError(f"damaged: {said}") from error


def _require_file(path: Path, max_pixels: int) -> None:
    """Refuse what is no file with bytes in it; a pipe, which nobody may ever fill, is not even opened."""
    try:
        status = os.stat(path)
        readable = os.access(path, os.R_OK)
    except OSError as error:
        _raise_for_machine(path, error)
        link = f"a link to {path.readlink()}: " if error.errno == errno.ENOENT and path.is_symlink() else ""
        raise UnreadableFileError(link + _NOT_THERE.get(error.errno or 0, str(error.strerror))) from None
    if kind := _KINDS.get(stat.S_IFMT(status.st_mode)):
        raise UnreadableFileError(f"{kind}, not a file")
    if not readable:
        raise UnreadableFileError(_NOT_THERE[errno.EACCES])
    if not status.st_size:
        raise UnreadableFileError("the file is empty")
    if status.st_size > _BYTES_PER_PIXEL * max_pixels + _BYTES_BESIDE:
        raise UnreadableFileError(f"{status.st_size:,} bytes are more than an image of {max_pixels:,} pixels has")


def _raise_for_machine(path: Path, error: Exception) -> None:
    if isinstance(error, OSError) and error.errno in _MACHINE:
        raise MachineError(f"cannot read {path}: {error.strerror}", fix="mend the disk or its connection") from error


def _identified(file: IO[bytes]) -> ImageFile:
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        file.seek(0)
        raise UnreadableFileError(_guess(file.read(512))) from None


def _guess(beginning: bytes) -> str:
    """Return what a file seems to be that is no image."""
    for mark, meaning in _MARKS.items():
        if beginning.startswith(mark):
            return meaning
    if beginning[4:12] in _HEIC:
        return "HEIC, which is not read: save it as JPEG or PNG"
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGE_MARKS):
        return "a web page or other markup, not an image"
    if not any(byte < 9 or byte in (0x0E, 0x7F) for byte in beginning):
        return "text, not an image"
    return f"not an image in a format that is read: {_NAMES}"


def _require_few_pixels(image: ImageFile, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise UnreadableFileError(
            f"{image.width} x {image.height} pixels are more than {max_pixels:,}; --max-pixels allows more"
        )


def _require_one_picture(image: ImageFile) -> None:
    """Refuse animations and pages. MPO is what phones write: the photograph first, then previews or depth."""
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnreadableFileError(
            f"an animation or several pages, {getattr(image, 'n_frames', 2)} pictures, and nothing says which is meant:"
            " save that one alone"
        )


def _damage(image: ImageFile, file: IO[bytes]) -> str | None:
    place, found = file.tell(), None
    if image.format in ("JPEG", "MPO"):
        found = jpeg_damage(file, four_inks=image.mode == "CMYK")
    elif image.format == "PNG":
        found = png_damage(file)
    file.seek(place)
    return found
