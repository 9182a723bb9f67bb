"""What a disk must give: files whole or absent, one process at a time, and its failures in plain words."""

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import MachineError

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_LOCKS_FIX = "choose a folder on a local disk, or mount the network's with locks; nothing half is kept"
_PART = ".part"
_SHOWN = 300  # signs of a name, which may be too long
_FIX = "free space, mend the permissions or choose another folder, and run the same command again"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn every failure of the disk under ``path`` into a `MachineError` that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise MachineError(
                f"the file system of {path} has no file locks ({error.strerror})", fix=_LOCKS_FIX
            ) from error
        where = str(error.filename or path)[:_SHOWN]
        raise MachineError(f"cannot use {where}: {error.strerror or error}; nothing half is kept", fix=_FIX) from error


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise `MachineError` unless ``folder``'s disk has ``needed`` bytes free for ``what``."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise MachineError(f"{what} needs {needed:,} bytes in {folder}, where {free:,} are free", fix=_FIX)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Return the MD5 of a file's bytes, 32 hexadecimal digits: for publishers who give no better one."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def write_through(path: Path, content: bytes) -> None:
    """Write a file through to the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file so that a reader, or a power cut, sees the old bytes or the new ones.

    What a writer of this machine left that was killed is removed.
    """
    begin = f".{path.name}.{machine()}-"
    _sweep(path.parent, begin)
    temporary = path.with_name(f"{begin}{os.getpid()}{_PART}")
    try:
        write_through(temporary, content)
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@functools.cache
def machine() -> str:
    """Return a short name of this machine, since a process's number says nothing on another.

    Of a container, too: two may have one machine's name, and each counts its processes from 1.
    """
    with contextlib.suppress(OSError):  # no Linux
        return _short(f"{socket.gethostname()} {os.stat('/proc/self/ns/pid').st_ino}")
    return _short(socket.gethostname())


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _sweep(folder: Path, begin: str) -> None:
    for left in folder.iterdir():
        if left.name.startswith(begin) and not lives(left.name.removeprefix(begin).removesuffix(_PART)):
            left.unlink(missing_ok=True)


def lives(process: str) -> bool:
    """Return whether a process of this machine, by its number, has not ended."""
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True


def append_line(path: Path, line: str) -> None:
    """Add a line to a file that others may add to at the same time; its folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    end = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(end, f"{line}\n".encode())
    finally:
        os.close(end)


def move(source: Path, target: Path) -> None:
    """Rename a file over ``target``, or a folder to an absent or empty one, for good."""
    os.replace(source, target)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it, as far as it can be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path``; call ``waiting`` where another process has it.

    The file is never deleted, since a waiter may hold its inode, and the kernel frees it when its holder dies.
    """
    with disk_errors(path), contextlib.ExitStack() as opened:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = opened.enter_context(open(path, "a"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        held = opened.pop_all()
    with held:
        yield
