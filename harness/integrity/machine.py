"""A machine: packages, processor, memory, devices, disks and file systems."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from harness import __version__
from harness.environment import environment_class, kernel_variables, native_precision, usable_cores
from harness.integrity.finding import Finding
from harness.storage.disk import locked
from harness.storage.usage import shown

_DISTRIBUTION = "prune-harness"
_LITTLE_DISK, _LITTLE_MEMORY = 2 * 10**9, 10**9
"""Bytes: a store of the preset quick takes about the first, a worker process the second."""
_OVER_THE_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "fuse.sshfs",
    "lustre",
    "gpfs",
    "beegfs",
}


def packages() -> Iterator[Finding]:
    """Yield whether each required package is installed in a version that is supported."""
    wrong: list[Finding] = []
    for line in requires(_DISTRIBUTION) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            wrong += _unsatisfied(requirement)
    yield from wrong
    if not wrong:
        yield Finding(
            "packages", "ok", f"harness {__version__}, Python {platform.python_version()}, torch {version('torch')}"
        )


def _unsatisfied(requirement: Requirement) -> Iterator[Finding]:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        found = ""
    if not found or not requirement.specifier.contains(found, prereleases=True):
        text = f"{requirement.name} {found or 'is not installed'}; needed is {requirement.name}{requirement.specifier}"
        yield Finding("packages", "bad", text, f"pip install '{requirement.name}{requirement.specifier}'")


def processor() -> Iterator[Finding]:
    """Yield what this machine's bits depend on, and variables that change them."""
    text = f"{environment_class('cpu')}; {native_precision('cpu')}; {usable_cores()} cores for workers"
    yield Finding("processor", "ok", text)
    if chosen := kernel_variables():
        yield Finding(
            "processor",
            "note",
            f"{', '.join(chosen)}: results here stand in no table with those of machines without",
            "unset it, unless that is meant",
        )


def memory() -> Iterator[Finding]:
    """Yield whether the free memory suffices for a worker process on each core."""
    free = _free_memory()
    if free is None:
        return
    needed = _LITTLE_MEMORY * usable_cores()
    text = f"{shown(free)} free, about {shown(needed)} needed by a worker on each core"
    yield Finding("memory", "ok", text) if free >= needed else Finding("memory", "note", text, "use fewer --jobs")


def _free_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), None)


def devices() -> Iterator[Finding]:
    """Yield the CUDA devices that torch finds."""
    import torch

    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch is built without CUDA"
        yield Finding("devices", "ok", f"cpu; no CUDA device ({built})")
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        yield Finding("devices", "ok", f"cuda:{index} {name}, {shown(free)} of {shown(total)} free")


def folder(subject: str, path: Path) -> Iterator[Finding]:
    """Yield whether a folder, or the nearest that exists, can be written to, locked in, and has room."""
    place = next(one for one in (path.absolute(), *path.absolute().parents) if one.is_dir())
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as tried, locked(Path(tried, "lock"), lambda: None):
        pass
    free = shutil.disk_usage(place).free
    text = (
        f"{path.absolute()}: {shown(free)} free, {'can be written to' if place == path.absolute() else 'not there yet'}"
    )
    little = free < _LITTLE_DISK
    yield Finding(subject, "bad" if little else "ok", text, "free space, or choose another folder" if little else "")
    kind = _file_system(place)
    if kind in _OVER_THE_NETWORK:
        text = f"{path.absolute()} lies on {kind}: locks and renames are as good as the server's"
        yield Finding(subject, "note", text, "a local disk is what the harness was tried on")


def _file_system(place: Path) -> str:
    """Return the kind of file system that a folder lies on, where the kernel tells; else an empty text."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(point, kind) for point, kind in mounts if os.path.commonpath([point, place.resolve()]) == point]
    return max(above, key=lambda one: len(one[0]))[1] if above else ""
