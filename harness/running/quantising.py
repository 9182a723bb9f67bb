"""Networks in int8, as stages: the file that ships, from training images alone, and its scores."""

from typing import Any

import numpy as np
import torch

from harness.data.image_split import ImageSplit
from harness.networks.architecture import Network
from harness.planning.plan import Plan
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.onnx_file import onnx_content, renamed
from harness.portable.onnx_session import OnnxSession
from harness.portable.quantisation import calibration_images, load_quantiser, quantised, quantiser_versions
from harness.portable.shipped_network import ShippedNetwork
from harness.storage.canonical import canonical_state
from harness.storage.stage import Stage
from harness.storage.store import Store
from harness.training.version import TRAINING_VERSION


def quantised_file(network: Network, train: ImageSplit, seed: int, plan: Plan, store: Store) -> bytes:
    """Return the ONNX file of a network in int8, without a nameplate; its ranges come from training images.

    Raises what torch's exporter raises where ONNX cannot express the network.
    """
    images = calibration_images(train, seed)
    inputs = {
        "environment": plan.environment,
        "version": TRAINING_VERSION,
        "architecture": network.architecture,
        "state": canonical_state(network),
        "calibration": images,
        "quantiser": quantiser_versions(),
    }

    def compute(_: object) -> dict[str, Any]:
        load_quantiser()
        content = quantised(onnx_content(ShippedNetwork(network, _unnamed(plan))), images)
        return {"onnx": torch.from_numpy(np.frombuffer(renamed(content, None), dtype=np.uint8).copy())}

    stage = store.run("quantise", inputs, compute)
    return bytes(stage.value["onnx"].numpy().tobytes())


def score_file(content: bytes, split: ImageSplit, plan: Plan, store: Store) -> Stage:
    """Return the stage that holds the float32 scores (N,) of an ONNX file on a split, by onnxruntime on one thread."""
    inputs = {
        "environment": plan.environment,
        "version": TRAINING_VERSION,
        "onnx": torch.frombuffer(bytearray(content), dtype=torch.uint8),
        "quantiser": quantiser_versions(),
        "split": split.fingerprint,
    }

    def compute(_: object) -> dict[str, Any]:
        return {"scores": torch.from_numpy(OnnxSession(content).scores(split.images))}

    return store.run("score", inputs, compute)


def _unnamed(plan: Plan) -> Nameplate:
    """Return the nameplate of a network that several cells may have: it says what the network wants of an image."""
    return Nameplate(
        dataset=plan.data.name,
        entry="",
        density=1.0,
        seed=0,
        network=plan.network,
        classes=("", ""),
        preprocessing=Preprocessing(size=plan.data.size),
    )
