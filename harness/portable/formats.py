"""The files that a network ships as, and the scores that each gives by the runtime that will run it."""

from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data.image_split import Images
from harness.errors import DataError
from harness.portable.exported_program import loaded, pt2_content, pt2_nameplate
from harness.portable.nameplate import Nameplate
from harness.portable.network_file import file_content, read_network
from harness.portable.onnx_file import nameplate_of, onnx_content
from harness.portable.onnx_session import OnnxSession
from harness.portable.shipped_network import ShippedNetwork
from harness.training.inference import EVALUATION_BATCH, EVALUATION_PIXELS


class Format(StrEnum):
    """How a network is written down, by the end of its file's name."""

    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    PT2 = "pt2"


RUNTIMES = {Format.SAFETENSORS: "torch", Format.ONNX: "onnxruntime", Format.PT2: "torch"}
"""The distribution that runs each."""


def content_of(shipped: ShippedNetwork, form: Format) -> bytes:
    """Return the file of a network. Raises `MachineError` where what writes it is not installed."""
    match form:
        case Format.SAFETENSORS:
            return file_content(shipped.network, shipped.nameplate)
        case Format.ONNX:
            return onnx_content(shipped)
        case Format.PT2:
            return pt2_content(shipped)


def scores_of(path: Path, form: Format, images: Images) -> npt.NDArray[np.float32]:
    """Return the float32 scores (N,) that a file of this very process gives to uint8 images (N, 3, S, S)."""
    if form == Format.ONNX:
        return OnnxSession(path.read_bytes()).scores(images)
    network = read_network(path) if form == Format.SAFETENSORS else loaded(path.read_bytes())
    at_once = max(1, min(EVALUATION_BATCH, EVALUATION_PIXELS // (images.shape[-1] * images.shape[-2])))
    batches = (images[start : start + at_once] for start in range(0, len(images), at_once))
    with torch.no_grad():
        parts: list[Tensor] = [network(batch) for batch in batches]
    return torch.cat(parts).numpy()


def nameplate_in(path: Path, form: Format) -> Nameplate:
    """Return what a file says of itself; nothing of it runs. Raises `DataError` where no export wrote it."""
    match form:
        case Format.SAFETENSORS:
            return read_network(path).nameplate
        case Format.PT2:
            return pt2_nameplate(path)
        case Format.ONNX:
            found = nameplate_of(path.read_bytes(), f"{path}")
    if found is None:
        raise DataError(f"{path} does not say what network it is", fix="give a file of `harness export`")
    return found
