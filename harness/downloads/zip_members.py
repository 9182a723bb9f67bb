"""Which members of a zip are safe to write. Python's zipfile rewrites evil names silently; here they are refused."""

import re
import stat
import unicodedata
import zipfile
from pathlib import Path

from harness.errors import DataError

MOST_MEMBERS = 100_000
_DRIVE = re.compile(r"[A-Za-z]:")
_FAULTS_SHOWN = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Member = tuple[str, zipfile.ZipInfo]
"""A file's path inside the archive's top folder, and the file."""


def vetted(zipped: zipfile.ZipFile, archive: Path, reserved: str, most_bytes: int) -> list[Member]:
    """Return the files to write, which all lie in one top folder.

    ``reserved`` is a path, in lower case, that none may have. Raises `DataError` with every fault: a path that leads
    out or means another on another system, a link or device, names that are one on some disk, encryption, too many
    members, more than ``most_bytes`` unpacked.
    """
    members = zipped.infolist()
    if len(members) > MOST_MEMBERS:
        raise _refusal(archive, [f"it has {len(members):,} members, more than {MOST_MEMBERS:,}"])
    faults = [f"{member.orig_filename!r}: {fault}" for member in members if (fault := _fault(member))]
    faults += _collisions(members)
    size = sum(member.file_size for member in members)
    if size > most_bytes:
        faults.append(f"it unpacks to {size:,} bytes, more than {most_bytes:,}")
    files = [member for member in members if not member.is_dir() and not _is_litter(member.filename)]
    tops = {member.filename.partition("/")[0] for member in files}
    if len(tops) != 1 or not all("/" in member.filename for member in files):
        faults.append(f"its files do not lie in one folder, but in {', '.join(map(repr, sorted(tops)[:5])) or 'none'}")
    paths = [member.filename.partition("/")[2] for member in files]
    if reserved in map(_folded, paths):
        faults.append(f"{reserved!r} is the harness's own file")
    if faults:
        raise _refusal(archive, faults)
    return list(zip(paths, files, strict=True))


def _refusal(archive: Path, faults: list[str]) -> DataError:
    hidden = len(faults) - _FAULTS_SHOWN
    return DataError(
        f"{archive} is not unpacked: it is not the archive of one folder of plain files; nothing was written",
        faults=faults[:_FAULTS_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else []),
        fix="take the file from its publisher alone; if it is the publisher's, unpack by hand what you trust",
    )


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


def _collisions(members: list[zipfile.ZipInfo]) -> list[str]:
    """Return members whose path, or a folder of it, is another's on a disk that ignores case or Unicode form."""
    faults = []
    known: dict[str, tuple[str, bool]] = {}  # by folded path: the path as first written, and whether it is a folder
    listed: set[str] = set()
    for member in members:
        parts = member.filename.removesuffix("/").split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            entry = (path, depth < len(parts) or member.is_dir())
            if known.setdefault(_folded(path), entry) != entry:
                faults.append(f"{member.filename!r} is one with {known[_folded(path)][0]!r} on some disks")
                break
        if member.filename in listed:
            faults.append(f"{member.filename!r} is there twice")
        listed.add(member.filename)
    return faults


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
