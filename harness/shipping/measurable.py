"""What can be measured: a file, or the network of a published cell, with its ONNX form and what is known unmeasured."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.errors import DataError, UsageError
from harness.portable.network_file import compressed, read_network
from harness.portable.onnx_facts import graph_facts
from harness.portable.onnx_file import onnx_content
from harness.portable.onnx_graph import Uncountable
from harness.results.measurement import GraphCounts, MeasuredCell, MeasuredFile
from harness.shipping.replay import Replayed

IMAGES = 8
"""So many validation images a network reads, over and over."""
LARGEST = 2**31
"""Bytes; ONNX holds no more in one file."""

ONNX, SAFETENSORS = ".onnx", ".safetensors"


@dataclass(frozen=True)
class Measurable:
    """One network: the ONNX ``content`` that is run, and what its file is. ``images`` (N, 3, S, S) are uint8 or None.

    ``may_leave`` says whether the licence of the images allows that they go to another machine.
    """

    file: MeasuredFile
    content: bytes
    images: npt.NDArray[np.uint8] | None = None
    may_leave: bool = False


def of_cell(replayed: Replayed) -> Measurable:
    """Return the network of a published cell as the ONNX file that ships, a twin's in int8, with validation images."""
    content, told = replayed.file or onnx_content(replayed.shipped), replayed.shipped.nameplate
    cell = MeasuredCell(
        dataset=told.dataset,
        group=told.group,
        entry=told.entry,
        density=told.density,
        seed=told.seed,
        fold=told.fold,
    )
    dataset = replayed.plan.data.dataset()
    return Measurable(
        _described(told.cell, "onnx", content, content, cell),
        content,
        replayed.splits.validation.images[:IMAGES].numpy(),
        dataset.thumbnails or dataset.simulated,
    )


def of_file(path: Path) -> Measurable:
    """Return the network of an ONNX file, anybody's, or of a safetensors file that `harness export` wrote.

    Raises `DataError` for what is none, and `UsageError` for a file of another kind.
    """
    kind = path.suffix.lower()
    if kind not in (ONNX, SAFETENSORS):
        why = "loading a pt2 file runs what is in it" if kind == ".pt2" else "its name does not say what it is"
        raise UsageError(f"{path} is not measured: {why}", fix=f"give a file that ends in {ONNX} or {SAFETENSORS}")
    content = _read(path)
    if kind == ONNX:
        return Measurable(_described(path.name, "onnx", content, content), content)
    ran = onnx_content(read_network(path))
    return Measurable(_described(path.name, "safetensors", content, ran), ran)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than any ONNX file", fix="give a file of at most 2 GiB")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", fix="check the name and the permissions") from error


def _described(
    name: str,
    kind: Literal["onnx", "safetensors"],
    content: bytes,
    ran: bytes,
    cell: MeasuredCell | None = None,
) -> MeasuredFile:
    counts, uncounted = _counted(ran, name)
    return MeasuredFile(
        name="".join(one if one.isprintable() else "?" for one in name)[:300],
        format=kind,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        compressed=len(compressed(content)),
        counts=counts,
        uncounted="".join(one if one.isprintable() else "?" for one in uncounted)[:300],
        cell=cell,
    )


def _counted(content: bytes, where: str) -> tuple[GraphCounts | None, str]:
    """Return what the graph comes to, or why it cannot be told: such a file can be run all the same."""
    try:
        found = graph_facts(content, where)
    except Uncountable as error:
        return None, error.message
    told: dict[str, Any] = {name: value for name, value in asdict(found).items() if name != "parameter_bytes"}
    share = found.activations_to_parameters if found.parameter_bytes else None
    return GraphCounts(**told, activations_to_parameters=share), ""


def every(paths: Sequence[Path]) -> list[Measurable]:
    """Return the networks of all files. Raises `DataError` that names each file that is none."""
    found, faults = [], []
    for path in paths:
        try:
            found.append(of_file(path))
        except (DataError, UsageError) as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise DataError(
            f"{len(faults)} files cannot be measured", faults=[one.message for one in faults], fix=faults[0].fix
        )
    return found
