"""A shipped network as an ONNX file, which any runtime of the format reads: uint8 images in, one score an image out."""

import io
import json
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import torch

from harness.errors import MachineError
from harness.portable.nameplate import Nameplate
from harness.portable.shipped_network import ShippedNetwork

OPSET = 18
INPUT, OUTPUT = "images", "score"
NAMEPLATE = "harness.nameplate"
"""Key of the file's metadata."""

MISSING = "harness is installed without what reads and writes ONNX"
INSTALL = "pip install 'prune-harness[export]'"


def onnx_content(shipped: ShippedNetwork) -> bytes:
    """Return the ONNX file of a network, opset 18, any number of images at once; its nameplate is in the metadata.

    Raises `MachineError` where onnx or onnxscript are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MachineError(f"{MISSING} ({error})", fix=INSTALL) from error
    size = shipped.preprocessing.size
    images = torch.zeros(2, 3, size, size, dtype=torch.uint8)  # two: a batch of one would be taken for a constant
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            shipped,
            (images,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _forget_where(model)
    return serialised(model, {NAMEPLATE: json.dumps(shipped.nameplate.to_json(), sort_keys=True)})


def serialised(model: Any, metadata: Mapping[str, str]) -> bytes:
    """Return the content of a file of an `onnx.ModelProto` with this metadata and no other."""
    import onnx

    del model.metadata_props[:]
    onnx.helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString(deterministic=True))


def renamed(content: bytes, nameplate: Nameplate | None) -> bytes:
    """Return an ONNX file's content with another nameplate, or with none."""
    import onnx

    told = {} if nameplate is None else {NAMEPLATE: json.dumps(nameplate.to_json(), sort_keys=True)}
    return serialised(onnx.load_model_from_string(content), told)


def _forget_where(model: Any) -> None:
    """Take out what the exporter tells of its work: this machine's paths, and numbers that two exports never share."""
    graph = model.graph
    for one in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del one.metadata_props[:]
        one.doc_string = ""


def nameplate_of(content: bytes, where: str) -> Nameplate | None:
    """Return the nameplate of an ONNX file's content, None where it has none. Raises `DataError`."""
    import onnx

    told = {one.key: one.value for one in onnx.load_model_from_string(content).metadata_props}
    return Nameplate.from_json(json.loads(told[NAMEPLATE]), where) if NAMEPLATE in told else None
