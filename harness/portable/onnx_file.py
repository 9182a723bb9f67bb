"""A shipped network as an ONNX file, which any runtime of the format reads: uint8 images in, one score an image out."""

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import torch

from harness.errors import DataError, MachineError
from harness.portable.nameplate import Nameplate
from harness.portable.shipped_network import ShippedNetwork

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

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
    return serialised(_without_notes(program.model_proto), {NAMEPLATE: shipped.nameplate.to_text()})


def serialised(model: "ModelProto", metadata: Mapping[str, str]) -> bytes:
    """Return the content of a model's file with this metadata and no other."""
    import onnx

    del model.metadata_props[:]
    onnx.helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString(deterministic=True))


def renamed(content: bytes, nameplate: Nameplate | None) -> bytes:
    """Return an ONNX file's content with another nameplate, or with none."""
    import onnx

    told = {} if nameplate is None else {NAMEPLATE: nameplate.to_text()}
    return serialised(onnx.load_model_from_string(content), told)


def nameplate_of(content: bytes, where: str) -> Nameplate | None:
    """Return the nameplate of an ONNX file's content, None where it has none. Raises `DataError`."""
    told = {one.key: one.value for one in parsed(content, where).metadata_props}
    return Nameplate.from_text(told[NAMEPLATE], where) if NAMEPLATE in told else None


def parsed(content: bytes, where: str) -> "ModelProto":
    """Return an ONNX model whose weights are all in ``content``.

    Raises `DataError` where it is none, or has weights in other files, whose paths a stranger would choose, and
    `MachineError` without onnx.
    """
    try:
        import onnx
    except ImportError as error:
        raise MachineError(f"{MISSING} ({error})", fix=INSTALL) from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's errors are of a package that is not ours to import
        raise DataError(f"{where} cannot be read as ONNX: {error}", fix="export it again") from error
    inside = onnx.TensorProto.DEFAULT
    outside = [one.name for one in _tensors(model) if one.external_data or one.data_location != inside]
    if outside:
        raise DataError(
            f"{where} keeps {outside[0]!r} in another file, as {len(outside)} of its tensors",
            fix="save it in one file: onnx.save(model, path, save_as_external_data=False)",
        )
    return model


def _tensors(message: Any) -> Iterator["TensorProto"]:
    """Yield every tensor of a message, wherever it is: initialisers, attributes of nodes, subgraphs, functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(one)


def _without_notes(model: "ModelProto") -> "ModelProto":
    """Take the exporter's notes out of a model: they are for who debugs it, and name this machine's folders."""
    graph = model.graph
    for one in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        one.ClearField("metadata_props")
        one.ClearField("doc_string")
    return model
