"""A folder that goes to a device: networks, images, the script that measures them, and a manifest of it all."""

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.errors import DataError, UsageError
from harness.results.measurement import MeasuredFile, checked
from harness.shipping.device.measure_onnx import MANIFEST, MEASURED
from harness.shipping.measurable import Measurable
from harness.storage.disk import disk_errors, write_whole

FORMAT, SCHEMA = "prune-harness/device", 1
SCRIPT, README = "measure_onnx.py", "README.txt"
_WRITTEN = re.compile(r"\d+-[a-z0-9.-]+\.(onnx|npy)")
"""Names of files that `write_package` gives; no path is one."""
KEPT = "packages"
"""Folder of a store that remembers which networks went to which device."""

_TEXT = """Needs Python 3.8 or newer, numpy and onnxruntime: pip install numpy onnxruntime
Run, with nothing else at work on the device: python3 {script} --device 'what this device is called'
Bring {measured} back, and give it to: harness measure --import {measured}
"""


@dataclass(frozen=True)
class Package:
    """What a manifest lists: each network's file by the sha256 of the ONNX content that is run."""

    identity: str
    networks: Mapping[str, MeasuredFile]


def write_package(
    folder: Path, networks: Sequence[Measurable], *, leaves: bool = True, tell: Callable[[str], None] = lambda _: None
) -> bytes:
    """Write the folder and return its manifest. ``leaves``: the machine, so that images need a licence that allows it.

    A package that is there is replaced, and what a device measured of it is set aside, which ``tell`` is given a line
    of; other files stay.

    Raises `UsageError` where the folder holds something else, and `MachineError` where it cannot be written.
    """
    old = _old(folder)
    listed = []
    with disk_errors(folder):
        _clear(folder, old, tell)
        folder.mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(networks, 1):
            name = f"{number}-{_slug(one.file.name)}"
            told = {"file": f"{name}.onnx", "sha256": _write(folder / f"{name}.onnx", one.content)}
            if one.images is not None and (one.may_leave or not leaves):
                told |= {"images": f"{name}.npy", "images_sha256": _write(folder / f"{name}.npy", _npy(one.images))}
            listed.append({**told, "what": asdict(one.file)})
        manifest = json.dumps({"format": FORMAT, "schema": SCHEMA, "networks": listed}, indent=1).encode()
        write_whole(folder / SCRIPT, (resources.files("harness.shipping.device") / SCRIPT).read_bytes())
        write_whole(folder / README, _TEXT.format(script=SCRIPT, measured=MEASURED).encode())
        write_whole(folder / MANIFEST, manifest)
    return manifest


def remember(store: Path, manifest: bytes) -> None:
    """Keep a manifest in the store, so that what comes back is known by it. Raises `MachineError`."""
    kept = store / KEPT
    with disk_errors(kept):
        kept.mkdir(parents=True, exist_ok=True)
        write_whole(kept / f"{_hash(manifest)}.json", manifest)


def remembered(store: Path, identity: str, where: str) -> Package:
    """Return the package that a store remembers. Raises `DataError` where it does not."""
    kept = store / KEPT / f"{identity}.json"
    if not re.fullmatch(r"[0-9a-f]{64}", identity) or not kept.is_file():
        raise DataError(
            f"{where} is of no package that {store} remembers", fix="name the store that wrote it with --store"
        )
    return package_of(kept.read_bytes(), f"{kept}")


def package_of(manifest: bytes, where: str) -> Package:
    """Return what a manifest lists. Raises `DataError` where it is none."""
    try:
        content = json.loads(manifest)
        listed: list[dict[str, Any]] = content["networks"]
        if content["format"] != FORMAT or content["schema"] != SCHEMA:
            raise ValueError(f"{content['format']}, schema {content['schema']}")
        networks = {str(one["sha256"]): checked(MeasuredFile, one["what"], where) for one in listed}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{where} is no manifest of a package: {error}", fix="write the package again") from error
    return Package(_hash(manifest), networks)


def _old(folder: Path) -> bytes | None:
    """Return the manifest that a folder has, None of a new or empty one. Raises `UsageError` where it has none."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        manifest = (folder / MANIFEST).read_bytes()
        package_of(manifest, f"{folder / MANIFEST}")
    except (OSError, DataError) as error:
        raise UsageError(f"{folder} holds something else than a package", fix="name an empty or new folder") from error
    return manifest


def _clear(folder: Path, manifest: bytes | None, tell: Callable[[str], None]) -> None:
    """Remove the files that an old manifest lists, and move aside what was measured of them."""
    if manifest is None:
        return
    for one in json.loads(manifest)["networks"]:
        for name in (one.get("file"), one.get("images")):
            if isinstance(name, str) and _WRITTEN.fullmatch(name):
                (folder / name).unlink(missing_ok=True)
    measured = folder / MEASURED
    if measured.is_file():
        aside = folder / f"measured-{_hash(measured.read_bytes())[:8]}.json"
        measured.replace(aside)
        tell(f"{measured} is of the package that was here: it is {aside.name} now, which --import takes as before")


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return _hash(content)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _npy(images: npt.NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    np.save(written, images, allow_pickle=False)
    return written.getvalue()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower().removesuffix(".onnx")).strip("-.")[:60] or "network"
