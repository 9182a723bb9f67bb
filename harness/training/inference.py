"""Running a network on images without training it: outputs in fixed batches, and whether they move at all."""

import math

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from harness.data.image_split import Images
from harness.training.augmentation import normalise
from harness.training.batches import moved

EVALUATION_BATCH = 128
EVALUATION_PIXELS = 128**3
"""Of one batch: a network's activations on images of 224 px would take gigabytes otherwise."""
DEAD_SD = 1e-6
COLLAPSE = 0.01
"""Scores that spread less than this share of the plain dense network's tell no image from another."""


def outputs_of(module: nn.Module, images: Images, device: torch.device, *, bfloat16: bool = False) -> Tensor:
    """Return the module's float32 outputs on uint8 images, unaugmented and normalised, on the CPU.

    On CUDA all batches have one size, the last of a split too: choosing kernels for another takes a second.
    """
    module = laid_out(module, device)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        at_once = max(1, min(EVALUATION_BATCH, EVALUATION_PIXELS // (images.shape[-1] * images.shape[-2])))
        batches = (images[start : start + at_once] for start in range(0, len(images), at_once))
        if device.type == "cuda":
            batches = (filled(batch, at_once) for batch in batches)
        parts = [module(normalise(moved(batch, device))).float() for batch in batches]
    return torch.cat(parts)[: len(images)].cpu()  # the first that waits for the device


def laid_out(module: nn.Module, device: torch.device) -> nn.Module:
    """Return a module on a device in channels-last layout; one that is so keeps its memory, which a graph has recorded.

    Torch itself gives weights of shape (O, 1, 1, 1) new memory each time they are asked for.
    """
    module = module.to(device)
    kernels = [parameter for parameter in module.parameters() if parameter.dim() == 4]
    if all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels):
        return module
    return module.to(memory_format=torch.channels_last)


def filled(batch: Tensor, count: int) -> Tensor:
    """Return a batch (n, ...) with its last image again and again until there are ``count``."""
    return torch.cat([batch, batch[-1:].expand(count - len(batch), *batch.shape[1:])])


def resolve_device(name: str) -> torch.device:
    """Return the device of a schedule; ``auto`` is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def spread(scores: Tensor) -> float:
    """Return the sd of scores (N,), over all of them."""
    return float(scores.double().std(correction=0))


def moves(scores: Tensor) -> bool:
    """Return whether scores (N,) differ from image to image: sd > 1e-6 max(1, |mean|)."""
    return spread(scores) > DEAD_SD * max(1.0, abs(float(scores.double().mean())))


def has_collapsed(scores: Tensor, dense_spread: float) -> bool:
    """Return whether validation scores (N,) tell no image from another, beside the plain dense network's spread."""
    return not moves(scores) or spread(scores) < COLLAPSE * dense_spread


def validation_auc(labels: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32]) -> float:
    """Return the AUC-ROC that chooses the epoch; minus infinity where a score is not finite."""
    return float(roc_auc_score(labels, scores)) if np.isfinite(scores).all() else -math.inf
