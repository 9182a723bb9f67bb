"""The hash of the harness's own code, which what was computed by it, here or on another machine, is known by."""

import functools
import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import harness

_PACKAGES = ("harness", "harness.methods", "harness.datasets")
_APART = ("reports", "configs")


def code_digest() -> str:
    """Return the hash of every source file, methods and data sets included, as they are on the disk.

    Reports and configurations are left out, which decide nothing that is computed.
    """
    return _digest_of(
        tuple((place, str(path), path.stat().st_mtime_ns, path.stat().st_size) for place, path in _files())
    )


def _files() -> Iterator[tuple[str, Path]]:
    found = {}
    for package in _PACKAGES:
        for folder in _folders(package):
            for path in Path(folder).rglob("*.py"):
                place = path.relative_to(folder).parts
                if place[0] not in _APART:  # where they lie in the package's folder
                    found[".".join((package, *place))] = path
    yield from sorted(found.items())


@functools.cache
def _folders(package: str) -> tuple[str, ...]:
    found = find_spec(package)
    return tuple(found.submodule_search_locations or ()) if found else ()


@functools.lru_cache(maxsize=1)
def _digest_of(files: tuple[tuple[str, str, int, int], ...]) -> str:
    """Return the hash of files that are known by their time of change and size, read once."""
    text = hashlib.sha256(harness.__version__.encode())
    for place, path, _, _ in files:
        text.update(place.encode() + b"\0" + hashlib.sha256(Path(path).read_bytes()).digest())
    return text.hexdigest()
