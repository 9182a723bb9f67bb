"""A stranger's zip file: what is too much, unsafe or not plain is refused before and while it is read.

Nothing is unpacked to a disk: members are read into memory, by names that are known.
"""

import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from harness.errors import DataError, UsageError, text_of

MOST_BYTES = 512 * 2**20
"""Of the file."""
MOST_MEMBERS = 60_000
MOST_DIRECTORY = 16 * 2**20
"""Bytes of the list of members at the end of the file, which is read whole before anything can be counted."""
MOST_OF_MEMBER = 64 * 2**20
"""Bytes of one member, unpacked."""
MOST_UNPACKED = 2 * 2**30
"""Bytes of all members, unpacked."""
MOST_RATIO = 100
"""Unpacked bytes to bytes of the file: scores and JSON of honest runs come to 3 to 30."""

BUNDLE_FILE = "bundle.json"
_FILES = r"(?:manifest|provenance|plan|study)\.json|best\.toml"
_OF_LEVEL = r"levels/\d[\d.e-]{0,30}/(?:cell\.json|scores\.csv|mask\.npz)"
_NAME = re.compile(rf"bundle\.json|runs/[0-9a-f]{{32}}/(?:{_FILES}|{_OF_LEVEL})", re.ASCII)
"""What a member may be called: no other name is ever read, let alone made into a path."""
_END, _END_64, _END_BYTES, _LOCATOR_BYTES = b"PK\5\6", b"PK\6\7", 22, 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SHOWN = 80


class Archive:
    """The members of a zip file by name. Raises `UsageError` where there is no file, `DataError` where it is unfit."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageError(f"there is no file {path}", fix="name a file that `harness bundle` wrote")
        self.path = path
        _refuse(path, _outside(path))
        try:
            self._zip = zipfile.ZipFile(path)
        except Exception as error:
            raise _unreadable(path, error) from error
        self._members = {info.filename: info for info in self._zip.infolist()}
        try:
            _refuse(path, _inside(self._zip, path.stat().st_size))
        except DataError:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> frozenset[str]:
        """The names of all members."""
        return frozenset(self._members)

    def size(self, name: str) -> int:
        """Return how many bytes a member says that it has, unpacked."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """Return a member's content. Raises `DataError` where it cannot be unpacked to what the list says."""
        info = self._members[name]
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size + 1)
        except Exception as error:
            raise _unreadable(self.path, error, name) from error
        if len(content) != info.file_size:
            raise DataError(f"{self.path} is no sound bundle: {name} has {len(content):,} bytes", fix=_FIX)
        return content


_FIX = "ask its author for the file that `harness bundle` wrote"


def _refuse(path: Path, faults: Iterator[str]) -> None:
    if fault := next(faults, None):
        raise DataError(f"{path} is no sound bundle: {fault}", fix=_FIX)


def _unreadable(path: Path, error: Exception, name: str = "") -> DataError:
    what = f"{name} in it cannot be read" if name else "it is no zip file that can be read"
    return DataError(f"{path} is no sound bundle: {what} ({text_of(error)[:_SHOWN]})", fix=_FIX)


def _outside(path: Path) -> Iterator[str]:
    """Yield what is wrong with the file by its size and its end alone, where the list of members is announced."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        yield f"it has {size:,} bytes, at most {MOST_BYTES:,} are read"
    with open(path, "rb") as file:
        file.seek(max(0, size - _END_BYTES - _LOCATOR_BYTES))
        locator, end = _split(file.read())
    if not end.startswith(_END) or not end.endswith(b"\0\0"):
        yield "it does not end as a zip file without a comment does"
    if locator.startswith(_END_64):
        yield "it is a zip file of the 64-bit kind"
    if (directory := int.from_bytes(end[12:16], "little")) > MOST_DIRECTORY:
        yield f"its list of members has {directory:,} bytes, at most {MOST_DIRECTORY:,} are read"


def _split(tail: bytes) -> tuple[bytes, bytes]:
    return tail[:-_END_BYTES], tail[-_END_BYTES:]


def _inside(archive: zipfile.ZipFile, packed: int) -> Iterator[str]:
    """Yield what is wrong with the list of members."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        yield f"it has {len(members):,} members, at most {MOST_MEMBERS:,} are read"
    seen: set[str] = set()
    for info in members:
        yield from (f"member {info.filename[:_SHOWN]!r} {fault}" for fault in _of_member(info))
        if info.filename in seen:
            yield f"member {info.filename[:_SHOWN]!r} is there twice"
        seen.add(info.filename)
    unpacked = sum(info.file_size for info in members)
    if unpacked > MOST_UNPACKED:
        yield f"it unpacks to {unpacked:,} bytes, at most {MOST_UNPACKED:,} are read"
    if unpacked > MOST_RATIO * packed:
        yield f"it unpacks to {unpacked / packed:,.0f} times its size, at most {MOST_RATIO} are read"


def _of_member(info: zipfile.ZipInfo) -> Iterator[str]:
    if info.orig_filename != info.filename or not _NAME.fullmatch(info.filename):
        yield "has a name that no bundle has"
    if info.flag_bits & 0x1:
        yield "is encrypted"
    if info.compress_type not in _PACKED:
        yield "is packed in a way that no bundle is"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        yield "is no plain file"
    if info.file_size > MOST_OF_MEMBER:
        yield f"unpacks to {info.file_size:,} bytes, at most {MOST_OF_MEMBER:,} are read"
