"""Damage that a decoder passes over: Pillow fills up a spoiled JPEG and does not look at a PNG's checksums."""

import re
import struct
import zlib
from typing import IO

import simplejpeg

# What libjpeg warns of and goes on. Others of its warnings are about headers, and of what it cannot read at all
# (a rare subsampling) nothing is known here.
_SPOILED = re.compile(r"Corrupt JPEG data: (?!bad ICC)|Premature end of JPEG|Inconsistent progression|found marker")
_PADDED = re.compile(r"Corrupt JPEG data: [1-4] extraneous bytes before marker 0xd9")  # some cameras, before the end
_BLOCK = 1 << 20


def jpeg_damage(file: IO[bytes], *, four_inks: bool) -> str | None:
    """Return what libjpeg finds wrong in the entropy-coded data of a file's first image; None: nothing.

    Spoiled bytes nearly always decode to too much or too little, which libjpeg notices at the next marker. The
    smallest scale costs the least: each coefficient is read at every scale.
    """
    file.seek(0)
    try:
        simplejpeg.decode_jpeg(
            file.read(), "CMYK" if four_inks else "GRAY", min_height=1, min_width=1, min_factor=8, strict=True
        )
    except ValueError as error:
        if _SPOILED.match(str(error)) and not _PADDED.match(str(error)):
            return str(error)
    return None


def png_damage(file: IO[bytes]) -> str | None:
    """Return which chunk's checksum is wrong, or that the file ends before its last chunk; None: all is well.

    Source: PNG specification, third edition, 5.3 and 5.5: length, type, data, CRC-32 of type and data.
    """
    file.seek(8)
    while len(head := file.read(8)) == 8:
        left, kind = struct.unpack(">I4s", head)
        checksum = zlib.crc32(kind)
        while left and (block := file.read(min(left, _BLOCK))):
            checksum, left = zlib.crc32(block, checksum), left - len(block)
        if left or len(stated := file.read(4)) < 4:
            break
        if stated != checksum.to_bytes(4, "big"):
            return f"the checksum of its chunk {kind.decode('latin-1')!r} is wrong"
        if kind == b"IEND":
            return None
    return "the file ends too early"
