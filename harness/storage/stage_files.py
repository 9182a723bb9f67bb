"""One stage on disk: a folder of JSON and tensors, written whole or not at all, checked by sha256 when read."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from harness.errors import StoreError
from harness.storage.canonical import flatten, restore
from harness.storage.disk import sha256_of, sync_folder

MANIFEST = "manifest.json"
_VALUE = "value.json"
_TENSORS = "tensors.safetensors"
_ATTACHED = "attached"
_MACHINE_ERRORS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST),
    *(errno.ENAMETOOLONG, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP),  # the last three: no file locks
}
_OTHER_SHAPE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, SafetensorError)
"""What reading raises where JSON or tensors are not of the shape that was written."""


class CorruptStageError(Exception):
    """A stage's files do not have the bytes that were committed."""


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission under ``path`` into a `StoreError` that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            raise
        raise StoreError(
            f"cannot use {path}: {os.strerror(error.errno)}; every finished stage is kept",
            fix="free space or mend the permissions, or choose another folder with --store, and run the same"
            " command again: it continues",
        ) from error


class Attachment:
    """A file of a stage too large for memory: written piece by piece, mapped by those who read it, ``name`` in `path`.

    It is known by its size and time of change, and read whole against its sha256 only where these are others.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        self._file = open(self.path, "wb")  # noqa: SIM115 - closed by `seal` or `close`
        self._hasher = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        with store_errors(self.path):
            self._file.write(data)
        self._hasher.update(data)

    def close(self) -> None:
        """Let go of the file, also where what is left to write does not fit on the disk."""
        with contextlib.suppress(OSError):
            self._file.close()

    def seal(self) -> dict[str, Any]:
        """Bring the file to the disk and return what it is known by."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        status = self.path.stat()
        return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": self._hasher.hexdigest()}


def write_stage(
    temporary: Path, target: Path, value: Any, manifest: dict[str, Any], attached: Sequence[Attachment] = ()
) -> None:
    """Commit ``value`` to the folder ``target``: temporary folder, fsync, rename. An existing target is kept.

    A second writer of one key has the same bits, so its copy is discarded.
    """
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        if attached:
            manifest = {**manifest, _ATTACHED: {one.path.name: one.seal() for one in attached}}
        for one in attached:
            os.rename(one.path, temporary / one.path.name)
        for name, data in _contents(value, manifest).items():
            with open(temporary / name, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        place_stage(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def place_stage(temporary: Path, target: Path) -> None:
    """Rename a whole stage's folder to where it is looked for; an existing one is kept."""
    sync_folder(temporary)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _rename(temporary, target)
    sync_folder(target.parent)


def _contents(value: Any, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return a stage's files by name; the manifest holds the others' hashes and its own."""
    tensors: dict[str, Tensor] = {}
    skeleton = flatten(value, tensors)
    files = {_VALUE: json.dumps(skeleton, sort_keys=True).encode(), _TENSORS: save_tensors(_unshared(tensors))}
    signed = {**manifest, "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    return {**files, MANIFEST: json.dumps({**signed, "self": _signature(signed)}, sort_keys=True).encode()}


def _signature(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _unshared(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with memory of their own: the file format refuses views of one another."""
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        own[name] = tensor.clone() if place in seen else tensor
        seen.add(place)
    return own


def _rename(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(error.errno, os.strerror(error.errno), str(target)) from error
        raise


def read_stage(folder: Path, *, whole: bool = False) -> tuple[Any, dict[str, Any]] | None:
    """Return (value, manifest) of a committed stage, or None where there is none.

    ``whole`` reads every byte of its attachments too. Raises `CorruptStageError` when a file is missing, torn or
    changed.
    """
    try:
        return _read(folder, whole=whole)
    except FileNotFoundError:
        if folder.exists():
            raise CorruptStageError(f"{folder} lacks files") from None
        return None
    except (IsADirectoryError, NotADirectoryError) as error:  # something else was put in the place of a file or folder
        raise CorruptStageError(f"{folder} is not as it was committed: {error.strerror}") from error
    except _OTHER_SHAPE as error:
        raise CorruptStageError(f"{folder} is not readable: {error}") from error


def _read(folder: Path, *, whole: bool) -> tuple[Any, dict[str, Any]]:
    raw = (folder / MANIFEST).read_bytes()
    manifest = json.loads(raw)
    intact = raw == json.dumps(manifest, sort_keys=True).encode()
    if manifest.pop("self") != _signature(manifest) or not intact:
        raise CorruptStageError(f"{folder / MANIFEST} does not have the content it was committed with")
    data = {name: (folder / name).read_bytes() for name in manifest["sha256"]}
    for name, expected in manifest["sha256"].items():
        if hashlib.sha256(data[name]).hexdigest() != expected:
            raise CorruptStageError(f"{folder / name} does not have the sha256 it was committed with")
    for name, known in manifest.get(_ATTACHED, {}).items():
        _check_attached(folder / name, known, whole=whole)
    return restore(json.loads(data[_VALUE]), load_tensors(data[_TENSORS])), manifest


def _check_attached(path: Path, known: Mapping[str, Any], *, whole: bool) -> None:
    """Raise `CorruptStageError` where a file is not the one that was committed; a copy of it gets its old time back."""
    try:
        status = path.stat()
        same = (status.st_size, status.st_mtime_ns) == (known["bytes"], known["mtime_ns"])
        if same and not whole:
            return
        found = sha256_of(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise CorruptStageError(f"{path} is not as it was committed: {error.strerror}") from None
    if found != known["sha256"]:
        raise CorruptStageError(f"{path} does not have the sha256 it was committed with")
    if not same:
        with contextlib.suppress(OSError):  # of another user: read whole again the next time
            os.utime(path, ns=(status.st_atime_ns, known["mtime_ns"]))


def read_stage_manifest(folder: Path) -> dict[str, Any]:
    """Return a stage's manifest without reading its tensors; an empty one where it cannot be read."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return manifest


class StageParts(NamedTuple):
    """The names of a stage's files beside its manifest: those that are read whole, and those that are mapped."""

    read: list[str]
    mapped: list[str]


def stage_parts(manifest: bytes) -> StageParts:
    """Return what a manifest names. Raises `CorruptStageError` where that cannot be read, or leads elsewhere."""
    try:
        found = json.loads(manifest)
        parts = StageParts([*found["sha256"]], [*found.get(_ATTACHED, {})])
    except _OTHER_SHAPE as error:
        raise CorruptStageError(f"a manifest is not readable: {error}") from error
    if not all(map(_is_plain, [*parts.read, *parts.mapped])):
        raise CorruptStageError("a manifest names files that are none of a stage's")
    return parts


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..", MANIFEST) and "/" not in name and name.isprintable()
