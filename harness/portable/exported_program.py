"""A shipped network as a pt2 file: torch's exported program, which runs without the harness, and in C++."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from harness.errors import DataError
from harness.portable.nameplate import Nameplate
from harness.portable.shipped_network import ShippedNetwork

NAMEPLATE = "harness.nameplate"
"""Name of the extra file in it."""

LARGEST = 2**20
"""Bytes of a nameplate that is read: a member of a stranger's archive may say that it is any size."""


def pt2_content(shipped: ShippedNetwork) -> bytes:
    """Return the pt2 file of a network, which takes any number of images at once; its nameplate is an extra file.

    Nothing in it is pickled, and nothing names this machine's folders.
    """
    size = shipped.preprocessing.size
    images = torch.zeros(2, 3, size, size, dtype=torch.uint8)  # two: a batch of one would be taken for a constant
    with torch.no_grad():
        program = torch.export.export(shipped, (images,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    program.example_inputs = None  # they would be pickled
    for graph in (module for module in program.graph_module.modules() if isinstance(module, torch.fx.GraphModule)):
        for node in graph.graph.nodes:
            node.meta.pop("stack_trace", None)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={NAMEPLATE: shipped.nameplate.to_text()})
    return content.getvalue()


def loaded(content: bytes) -> Callable[[Tensor], Tensor]:
    """Return the network of a pt2 file that this very process has written.

    No other file may be given: `torch.export.load` unpickles, imports and evaluates what a file says.
    """
    module: Callable[[Tensor], Tensor] = torch.export.load(io.BytesIO(content)).module()
    return module


def pt2_nameplate(path: Path) -> Nameplate:
    """Return the nameplate of a pt2 file; no code of the file runs. Raises `DataError` where it has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            (member,) = (one for one in archive.infolist() if one.filename.endswith(f"/extra/{NAMEPLATE}"))
            with archive.open(member) as file:
                told = file.read(LARGEST + 1)
        text = told.decode()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} is no pt2 file of `harness export`: {error}", fix="export it again") from error
    if len(told) > LARGEST:
        raise DataError(f"{path} has a nameplate of more than {LARGEST:,} bytes", fix="export it again")
    return Nameplate.from_text(text, f"{path}")
