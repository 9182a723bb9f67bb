"""int8: the ONNX file of a network with its layers in eight bits, as it ships and as it is scored."""

import importlib
import importlib.util
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from harness.data.image_split import Images, ImageSplit
from harness.data.splitting import stratified_order
from harness.errors import MachineError
from harness.portable.onnx_file import INPUT, INSTALL, MISSING, NAMEPLATE, serialised
from harness.portable.onnx_session import one_thread
from harness.randomness import generator

BITS: Final = 8
CALIBRATION_IMAGES = 256
"""Of training, from which ranges are taken."""
AT_ONCE = 32

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_TORCH_TAKES = ("torch._dynamo", "torch.onnx")
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def require_quantiser() -> None:
    """Raise `MachineError` where something that quantising needs is not installed; nothing is imported."""
    if missing := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise MachineError(f"{MISSING} (no {', '.join(missing)})", fix=INSTALL)


def load_quantiser() -> None:
    """Import all that quantising needs, for a process of the harness's own. Raises `MachineError`.

    The compiler that torch's exporter brings along replaces a function of torch's when it is imported: a process that
    watches over torch imports it before. Its progress bars, which nobody sees, would start a thread and take a lock
    among processes, which a process that is forked and killed leaves behind.
    """
    require_quantiser()
    for name in (*_PACKAGES, "onnxruntime.quantization", *_TORCH_TAKES):
        importlib.import_module(name)
    bars = importlib.import_module("tqdm").tqdm
    bars.monitor_interval = 0
    bars.set_lock(threading.RLock())


def quantiser_versions() -> dict[str, str]:
    """Return the versions of what decides the bits of a quantised network and of its scores, beside torch's."""
    return {package: _version(package) for package in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def calibration_images(train: ImageSplit, seed: int) -> torch.Tensor:
    """Return the images that ranges are taken from, uint8 (N, 3, S, S): a stratified part of training, as it is."""
    order = stratified_order(train.labels.numpy(), generator(seed, "calibration"))
    return train.images[torch.from_numpy(order[:CALIBRATION_IMAGES].copy())]


def quantised(content: bytes, calibration: Images) -> bytes:
    """Return the ONNX file of a network in int8; the same bytes for the same file and images.

    Static, in QDQ form: weights per output channel, symmetric; activations uint8, from the smallest to the largest
    value on ``calibration``. Weights take 7 of the 8 bits, so that no processor's 16-bit sums overflow: without that,
    scores depend on the instruction set. The normalisation and the last layer stay in float32: logits of 256 values
    would tie. Raises ValueError where an activation is not finite.
    """
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    model = onnx.load_model_from_string(content)
    known = {one.key: one.value for one in model.metadata_props}
    operators = sorted({*QDQRegistry, *QLinearOpsRegistry})
    last = [node.name for node in model.graph.node if node.op_type in _LAYERS][-1:]
    quantiser = QDQQuantizer(
        onnx.load_model_from_string(content),
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=_ranges(content, calibration, operators),
        nodes_to_quantize=[],
        nodes_to_exclude=last,
        op_types_to_quantize=operators,
        extra_options={},
    )
    quantiser.quantize_model()
    quantiser.model.topological_sort()
    return serialised(quantiser.model.model, _in_eight_bits(known))


def _in_eight_bits(known: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of a file, its nameplate with the bits that it has now."""
    if NAMEPLATE not in known:
        return dict(known)
    return {**known, NAMEPLATE: json.dumps({**json.loads(known[NAMEPLATE]), "bits": BITS}, sort_keys=True)}


def _ranges(content: bytes, calibration: Images, operators: list[str]) -> Any:
    """Return onnxruntime's ranges of the activations, by name."""
    import onnxruntime
    from onnxruntime.quantization.calibrate import MinMaxCalibrater

    with tempfile.TemporaryDirectory() as folder:
        plain, watched = Path(folder) / "plain.onnx", Path(folder) / "watched.onnx"
        plain.write_bytes(content)
        calibrater = MinMaxCalibrater(plain, operators, augmented_model_path=str(watched))
        calibrater.augment_graph()
        options = one_thread()  # its own session takes every core
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        calibrater.infer_session = onnxruntime.InferenceSession(
            str(watched), options, providers=["CPUExecutionProvider"]
        )
        calibrater.collect_data(_Batches(calibration))
        found = calibrater.compute_data()
    for name, one in found.items():
        if not all(np.isfinite(bound).all() for bound in one.range_value):
            raise ValueError(f"{name} is not finite on the images of calibration: there is no range for it")
    return found


class _Batches:
    """The images of calibration as onnxruntime asks for them."""

    def __init__(self, images: Images) -> None:
        starts = range(0, len(images), AT_ONCE)
        self._left: Iterator[Any] = (images[start : start + AT_ONCE].numpy() for start in starts)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch by the name of the network's input, None after the last."""
        batch = next(self._left, None)
        return None if batch is None else {INPUT: batch}
