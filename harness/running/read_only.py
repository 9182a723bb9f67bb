"""The splits of a worker, in memory that nothing may write to: a method that tries is ended by the kernel."""

import ctypes
import functools
import mmap
import os
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from harness.data.image_split import ImageSplit, Rows
from harness.data.loading import training_splits
from harness.data.locating import DataPlan


@functools.lru_cache(maxsize=64)
def read_only_splits(plan: DataPlan, root: Path, seed: int) -> tuple[ImageSplit, ImageSplit]:
    """Return (train, validation) of one seed, where a write into images or labels is a SIGSEGV."""
    train, validation = training_splits(plan, root, seed)
    return _protected(train), _protected(validation)


def _protected(split: ImageSplit) -> ImageSplit:
    """Return a split whose labels and rows cannot be written to; its images are mapped so that nobody can."""
    images = split.images
    rows = replace(images, rows=read_only(images.rows)) if isinstance(images, Rows) else read_only(images)
    return replace(split, images=rows, labels=read_only(split.labels))


def read_only(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor that cannot be written to, not by its ``data`` and not as an array either."""
    size = max(tensor.numel() * tensor.element_size(), 1)
    memory = mmap.mmap(-1, size)  # whole pages of its own
    copied = torch.frombuffer(memory, dtype=tensor.dtype, count=tensor.numel()).view(tensor.shape).copy_(tensor)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(copied.data_ptr()), ctypes.c_size_t(size), mmap.PROT_READ):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return copied
