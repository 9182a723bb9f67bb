"""Which members of a zip are safe to write. Python's zipfile rewrites evil names silently; here they are refused."""

import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import DataError

MOST_MEMBERS = 100_000
_DRIVE = re.compile(r"[A-Za-z]:")
_FAULTS_SHOWN = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def vetted(zipped: zipfile.ZipFile, archive: Path, reserved: str, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Return the files to write by their path inside the one top folder, in which all of them lie.

    ``reserved`` is a path, in lower case, that none may have. Raises `DataError` with every fault: a path that leads
    out or means another on another system, a link or device, names that are one on some disk, encryption, too many
    members, more than ``most_bytes`` unpacked.
    """
    members = zipped.infolist()
    files = [member for member in members if not member.is_dir() and not _is_litter(member.filename)]
    paths = [member.filename.partition("/")[2] for member in files]
    if len(members) > MOST_MEMBERS:
        faults = [f"it has {len(members):,} members, more than {MOST_MEMBERS:,}"]
    else:
        faults = [f"{member.orig_filename!r}: {fault}" for member in members if (fault := _fault(member))]
        faults += [*_collisions(members), *_faults_of_all(members, files, most_bytes)]
        if reserved in map(_folded, paths):
            faults.append(f"{reserved!r} is the harness's own file")
    if faults:
        hidden = len(faults) - _FAULTS_SHOWN
        raise DataError(
            f"{archive} is not unpacked: it is not the archive of one folder of plain files; nothing was written",
            faults=faults[:_FAULTS_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else []),
            fix="take the file from its publisher alone; if it is the publisher's, unpack by hand what you trust",
        )
    return dict(zip(paths, files, strict=True))


def _is_litter(name: str) -> bool:
    """Return whether a file is what macOS adds to archives on its own: it is not the publisher's, and is skipped."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _fault(member: zipfile.ZipInfo) -> str:
    """Return why one member is refused, whatever the others; empty when it is not."""
    name = member.orig_filename  # as it stands in the archive; zipfile cuts filename at a NUL
    mode = member.external_attr >> 16
    if name.startswith("/") or _DRIVE.match(name):
        return "an absolute path"
    if "\\" in name:
        return "a backslash, which separates folders on other systems"
    if not name.isprintable():
        return "control characters"
    if any(part in ("", ".", "..") for part in name.removesuffix("/").split("/")):
        return "a path with an empty, '.' or '..' part"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or (stat.S_ISDIR(mode) and not member.is_dir()):
        return "a link, a device or another thing that is no plain file"
    if member.flag_bits & 0x1:
        return "encrypted"
    if member.compress_type not in _METHODS:
        return f"compression method {member.compress_type}, neither stored nor deflated"
    return ""


def _faults_of_all(members: Sequence[zipfile.ZipInfo], files: Sequence[zipfile.ZipInfo], most: int) -> Iterator[str]:
    if (size := sum(member.file_size for member in members)) > most:
        yield f"it unpacks to {size:,} bytes, more than {most:,}"
    tops = {member.filename.partition("/")[0] for member in files}
    if len(tops) != 1 or not all("/" in member.filename for member in files):
        yield f"its files do not lie in one folder, but in {', '.join(map(repr, sorted(tops)[:5])) or 'none'}"


def _collisions(members: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    """Tell members whose path, or a folder of it, is another's on a disk that ignores case or Unicode form."""
    known: dict[str, tuple[str, bool]] = {}  # by folded path: the path as first written, and whether it is a folder
    for member in members:
        parts = member.filename.removesuffix("/").split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            entry = (path, depth < len(parts) or member.is_dir())
            if known.setdefault(_folded(path), entry) != entry:
                yield f"{member.filename!r} is one with {known[_folded(path)][0]!r} on some disks"
                break
    counts = Counter(member.filename for member in members)
    yield from (f"{name!r} is there twice" for name, count in counts.items() if count > 1)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
