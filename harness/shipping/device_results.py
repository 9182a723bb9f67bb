"""What a device measured, read back: only numbers are taken from it, and only of networks that were sent."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.outgoing.published import published
from harness.results.measurement import Measurement
from harness.shipping.device.measure_onnx import FORMAT, NOISY, SCHEMA
from harness.shipping.device_package import Package

LARGEST = 10_000_000
"""Bytes; a network takes a thousand."""
_MACHINE = ("name", "cpu", "system", "runtime", "runtime_version", "threads")


@dataclass(frozen=True)
class Refusal:
    """A network that was not measured: which, why, and whether noise is why."""

    name: str
    why: str
    noisy: bool


@dataclass(frozen=True)
class DeviceResults:
    """All that came back from one device."""

    measurements: tuple[Measurement, ...]
    refusals: tuple[Refusal, ...]


def read_document(path: Path) -> dict[str, Any]:
    """Return what measured.json holds, unchecked but for its kind. Raises `DataError`."""
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is too large to be what a device measured", fix="give the measured.json it wrote")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", fix="check the name and the permissions") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", fix="copy it from the device again") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("schema") != SCHEMA:
        raise DataError(f"{path} is not what measure_onnx.py writes", fix="give the measured.json it wrote")
    return found


def results_of(document: Mapping[str, Any], package: Package, where: str) -> DeviceResults:
    """Return what a device measured of a package. Raises `DataError` with all faults where it does not fit."""
    faults: list[str] = []
    measurements: list[Measurement] = []
    refusals: list[Refusal] = []
    networks = document.get("networks")
    if not isinstance(networks, list):
        raise DataError(f"{where} lists no networks", fix="copy it from the device again")
    for number, one in enumerate(networks, 1):
        try:
            found = _one(document, one, package, f"network {number}")
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                measurements.append(found)
        except DataError as error:
            faults += [error.message, *error.faults]
    if faults:
        raise DataError(f"{where} is not as a device wrote it", faults=faults[:20], fix="copy it from the device again")
    return DeviceResults(tuple(measurements), tuple(refusals))


def _one(document: Mapping[str, Any], one: Any, package: Package, which: str) -> Measurement | Refusal:
    if not isinstance(one, Mapping):
        raise DataError(f"{which} is no object")
    if "problem" in one:
        return Refusal(
            published(str(one.get("file"))[:100]), published(str(one["problem"])[:400]), one.get("code") == NOISY
        )
    file = package.networks.get(str(one.get("sha256")))
    if file is None:
        raise DataError(f"{which} ({str(one.get('file'))[:100]}) is none of the networks that were sent")
    told = _plain(document, one)
    found = Measurement.from_json({**told, "file": asdict(file)}, which)
    return replace(found, machine=replace(found.machine, name=published(found.machine.name)))


def _plain(document: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a network as `Measurement` has them; what is absent is a fault there."""
    machine = document.get("machine")
    memory, energy = one.get("memory"), one.get("energy")
    latency = one.get("latency")
    return {
        "machine": {name: machine.get(name) for name in _MACHINE} if isinstance(machine, Mapping) else machine,
        "measured": document.get("measured"),
        "load_seconds": one.get("load_seconds"),
        "memory": _beyond(memory, "batch 1"),
        "memory_32": _beyond(memory, "batch 32"),
        "latency": {batch: _latency(found) for batch, found in latency.items()}
        if isinstance(latency, Mapping)
        else latency,
        "load_average": one.get("load_average"),
        "joules": energy.get("joules") if isinstance(energy, Mapping) else None,
    }


def _latency(found: Any) -> Any:
    kept = ("median", "p10", "p90", "n")
    return {name: found.get(name) for name in kept} if isinstance(found, Mapping) else found


def _beyond(memory: Any, what: str) -> Any:
    """Return what the process needed at most beyond what it had, None where the batch was not run."""
    if not isinstance(memory, Mapping) or memory.get(what) is None:
        return None
    most, before = memory[what], memory.get("before")
    return most - before if isinstance(most, int) and isinstance(before, int) else most
