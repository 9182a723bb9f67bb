"""Measuring on this machine: the script that goes to devices, run here in processes of its own, and what it says."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError, MachineError
from harness.portable.onnx_file import INSTALL, MISSING
from harness.results import names
from harness.results.measurement import Measurement
from harness.results.published import Publication, PublishedLevel
from harness.shipping.device.measure_onnx import DATA, MACHINE, MEASURED, NOISY
from harness.shipping.device_package import SCRIPT, package_of, write_package
from harness.shipping.device_results import DeviceResults, read_document, results_of
from harness.shipping.measurable import Measurable
from harness.storage.canonical import digest


class TooNoisy(HarnessError):  # noqa: N818
    """A machine on which no number would be the network's own."""

    exit_code = 7


def measured(networks: Sequence[Measurable], machine: str, seconds: float, noise_limit: float) -> DeviceResults:
    """Return what networks cost here, each in a process and one thread of its own, one after the other.

    ``seconds`` are those of each batch size; from ``noise_limit`` on, (p90 - p10) / median is noise. Raises
    `MachineError` without onnxruntime.
    """
    with tempfile.TemporaryDirectory(prefix="harness-measure-") as place:
        folder = Path(place, "package")
        package = package_of(write_package(folder, networks, leaves=False), "the manifest")
        words = ["--device", machine, "--seconds", repr(seconds), "--noise-limit", repr(noise_limit)]
        ran = subprocess.run(
            [sys.executable, str(folder / SCRIPT), *words],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if ran.returncode not in (0, DATA, NOISY) or not (folder / MEASURED).is_file():
            why = ran.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            fix = INSTALL if ran.returncode == MACHINE else "try a file that this harness exported"
            raise MachineError(f"{MISSING if ran.returncode == MACHINE else 'the measuring failed'}: {why[0]}", fix=fix)
        return results_of(read_document(folder / MEASURED), package, "what was measured")


def measurement_publication(found: Measurement) -> Publication:
    """Return the run that keeps a measurement of a cell: the same one again is there already."""
    cell = found.file.cell
    assert cell is not None
    values = found.to_json()
    figures = {f"{names.MEASURED}{name}": value for name, value in found.figures().items()}
    return Publication(
        key=digest([names.MEASUREMENT, values]),
        name=f"{cell.entry} seed {cell.seed} on {found.machine.name}",
        tags={
            names.KIND: names.MEASUREMENT,
            names.MACHINE: found.machine.name,
            names.GROUP: cell.group,
            names.ENTRY: cell.entry,
            names.SEED: str(cell.seed),
        },
        params={},
        levels={cell.density: PublishedLevel(metrics=figures, files={}, digest=digest(values))},
        documents={names.MEASUREMENT_FILE: json.dumps(values, indent=1, sort_keys=True).encode()},
    )
