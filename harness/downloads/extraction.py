"""An archive's folder on disk: every member vetted, whole or not at all, with its manifest."""

import json
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from harness.downloads.rar import is_rar, unpack_rar
from harness.downloads.zip_members import vetted
from harness.errors import DataError
from harness.progress import Progress
from harness.storage.disk import disk_errors, move, require_space, sha256_of, sync_folder, write_whole

MANIFEST = "harness-manifest.json"
"""Lists a folder's files as they were unpacked; a folder without it was not made here."""

MOST_BYTES = 16 * 2**30
"""The largest sum of unpacked sizes; ISIC-2016's archives together are below 1 GiB."""

_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError)


class Fingerprint(NamedTuple):
    """A file's size in bytes and its sha256."""

    size: int
    sha256: str


Manifest = dict[str, Fingerprint]
"""Fingerprints by path inside the folder, with slashes."""


def unpack(archive: Path, folder: Path, progress: Progress, *, most_bytes: int = MOST_BYTES) -> Manifest:
    """Unpack a zip's single top folder, whatever its name, or all that a RAR holds, to the absent ``folder``.

    ``progress`` is told files done and files in all. Raises `DataError` with every fault of the archive, `MachineError`
    where the disk cannot take it; then nothing of it is kept.
    """
    temporary = folder.with_name(f".{folder.name}.part")
    with disk_errors(folder.parent):
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            write = _written_by_program if is_rar(archive.name) else _written
            manifest = write(archive, temporary, progress, most_bytes)
            record_unpacked(temporary, manifest)
            for place in (temporary, *(path for path in temporary.rglob("*") if path.is_dir())):
                sync_folder(place)
            move(temporary, folder)
        except _UNREADABLE as error:
            raise DataError(
                f"{archive} is not a sound zip: {error}", fix="remove it and fetch it again; nothing of it is kept"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def _written(archive: Path, folder: Path, progress: Progress, most_bytes: int) -> Manifest:
    manifest: Manifest = {}
    with zipfile.ZipFile(archive) as zipped:
        members = vetted(zipped, archive, MANIFEST, most_bytes)
        folder.parent.mkdir(parents=True, exist_ok=True)
        needed = sum(member.file_size for member in members.values())
        require_space(folder.parent, needed, f"unpacking {archive.name}")
        folder.mkdir()
        for path, member in members.items():
            manifest[path] = _write(zipped, member, folder / path)
            progress(len(manifest), len(members))
    return manifest


def _written_by_program(archive: Path, folder: Path, progress: Progress, most_bytes: int) -> Manifest:
    manifest: Manifest = {}
    files = unpack_rar(archive, folder, most_bytes)
    for path in files:
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # the program did not
        manifest[path.relative_to(folder).as_posix()] = Fingerprint(path.stat().st_size, sha256_of(path))
        progress(len(manifest), len(files))
    return manifest


def _write(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Fingerprint:
    """Write one member, at most as many bytes as it declares: zipfile reads no further."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipped.open(member) as source, open(path, "xb") as file:
        shutil.copyfileobj(source, file)
        size = file.tell()
        file.flush()
        os.fsync(file.fileno())
    if size != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename!r} has {size:,} bytes and declares {member.file_size:,}")
    return Fingerprint(size, sha256_of(path))


def record_unpacked(folder: Path, manifest: Manifest) -> None:
    """Write ``folder``'s manifest, whole."""
    files = {path: fingerprint._asdict() for path, fingerprint in sorted(manifest.items())}
    write_whole(folder / MANIFEST, json.dumps({"files": files}, indent=1).encode())


def unpacked_files(folder: Path) -> Manifest | None:
    """Return ``folder``'s manifest, None where there is none, and an empty one where it cannot be read."""
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {str(path): Fingerprint(int(entry["size"]), str(entry["sha256"])) for path, entry in files.items()}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def damage(folder: Path, manifest: Manifest, progress: Progress) -> dict[str, str]:
    """Return what is wrong with the files in ``manifest``, by path: ``missing`` or ``changed``. Others are not read."""
    wrong = {}
    for done, (path, fingerprint) in enumerate(manifest.items(), start=1):
        if not (folder / path).is_file():
            wrong[path] = "missing"
        elif (folder / path).stat().st_size != fingerprint.size or sha256_of(folder / path) != fingerprint.sha256:
            wrong[path] = "changed"
        progress(done, len(manifest))
    return wrong
