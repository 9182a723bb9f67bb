"""A RAR's files on disk. Python cannot read one, so a program of the machine unpacks it, and what it wrote is vetted.

Such a program is trusted with known archives alone: `RemoteFile` asks for the sha256 of a RAR, and it is checked before
(bsdtar 3.6 does not itself compare the checksums of files that are stored as they are).
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.downloads.zip_members import MOST_MEMBERS
from harness.errors import DataError, MachineError
from harness.storage.disk import require_space

PROGRAMS = {
    "bsdtar": ("-x", "-f", "{archive}", "-C", "{folder}"),
    "unar": ("-quiet", "-no-directory", "-output-directory", "{folder}", "{archive}"),
    "7z": ("x", "-y", "-bd", "-o{folder}", "{archive}"),
    "7zz": ("x", "-y", "-bd", "-o{folder}", "{archive}"),
}
"""Arguments of each program that may be there, tried in this order; none of them follows a member out of a folder."""

_INSTALL = (
    "install bsdtar (package libarchive-tools of Debian and Ubuntu, bsdtar of Fedora, libarchive of Arch and Homebrew)"
    " or unar and run the same command again"
)
_TIMEOUT_S = 3600
_FAULTS_SHOWN = 20


def is_rar(name: str) -> bool:
    """Return whether a file's name says that it is a RAR."""
    return name.lower().endswith(".rar")


def require_program(name: str, place: Path) -> list[str]:
    """Return the programs of this machine that may unpack the RAR ``name``, the best first.

    Raises `MachineError` where there is none; ``place`` is the folder that a user can fill by hand.
    """
    found = [program for program in PROGRAMS if shutil.which(program)]
    if not found:
        raise MachineError(
            f"{name} is a RAR, and none of {', '.join(PROGRAMS)} is on this machine to unpack it (bsdtar is in the"
            " package libarchive-tools of Debian and Ubuntu)",
            fix=f"{_INSTALL}, or unpack it by hand into {place}",
        )
    return found


def unpack_rar(archive: Path, folder: Path, most_bytes: int) -> list[Path]:
    """Unpack ``archive`` into ``folder``, which is made anew, and return its files, sorted.

    Raises `MachineError` where no program can, `DataError` where something else than plain files came.
    """
    faults = []
    for program in require_program(archive.name, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        require_space(folder, archive.stat().st_size, f"unpacking {archive.name}")
        if not (fault := _run(program, archive, folder)):
            return _vetted(archive, folder, most_bytes)
        faults.append(f"{program}: {fault}")
    raise MachineError(
        f"{archive} could not be unpacked", faults=faults, fix=f"{_INSTALL}; not every 7z can read a RAR"
    )


def _run(program: str, archive: Path, folder: Path) -> str:
    """Return why ``program`` failed; empty where it did not."""
    arguments = [part.format(archive=archive.absolute(), folder=folder.absolute()) for part in PROGRAMS[program]]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}  # bsdtar refuses names that the locale cannot spell
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,  # a password is asked for by nobody
            capture_output=True,
            env=environment,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = _last_lines(done.stderr, 2) or _last_lines(done.stdout, 1) or "without a word"
    return f"exit status {done.returncode}, {said}" if done.returncode else ""


def _last_lines(output: bytes, count: int) -> str:
    return "; ".join([line for line in output.decode(errors="replace").splitlines() if line.strip()][-count:])


def _vetted(archive: Path, folder: Path, most_bytes: int) -> list[Path]:
    members = sorted(_below(folder))
    faults = [f"{path.relative_to(folder)}: no plain file" for path in members if not _is_plain(path)]
    files = [path for path in members if path.is_file()]
    if (size := sum(path.lstat().st_size for path in files)) > most_bytes:
        faults.append(f"it unpacks to {size:,} bytes, more than {most_bytes:,}")
    if not 0 < len(files) <= MOST_MEMBERS:
        faults.append(f"it has {len(files):,} files, not 1 to {MOST_MEMBERS:,}")
    if faults:
        hidden = len(faults) - _FAULTS_SHOWN
        raise DataError(
            f"{archive} is not an archive of plain files; nothing of it is kept",
            faults=faults[:_FAULTS_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else []),
            fix="take the file from its publisher alone; if it is the publisher's, unpack by hand what you trust",
        )
    return files


def _below(folder: Path) -> Iterator[Path]:
    """Yield all that lies below ``folder`` but folders; no link is followed."""
    for place, folders, files in os.walk(folder, followlinks=False):
        yield from (Path(place, name) for name in files)
        yield from (path for name in folders if (path := Path(place, name)).is_symlink())


def _is_plain(path: Path) -> bool:
    """Return whether ``path`` is a file of its own: a second name of a file may be one of a file outside."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1
