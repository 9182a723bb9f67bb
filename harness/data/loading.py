"""From a plan's data set to decoded splits: read once, kept in the store, cut by the plan's seed."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.data.dataset import Dataset, Sample, Split
from harness.data.image_split import ImageSplit
from harness.data.locating import DataPlan
from harness.data.splitting import validation_indices
from harness.errors import DataError
from harness.progress import Progress
from harness.storage.store import Store


def _quiet(done: int, total: int) -> None:
    pass


def decoded(plan: DataPlan, split: Split, store: Store, progress: Progress = _quiet) -> dict[str, Any]:
    """Return images, labels, ids and groups of a publisher's split, decoded or drawn once and kept in the store.

    Raises `DataError` for unreadable images (all listed) and for a split without a positive or a negative.
    """
    dataset, samples = plan.dataset(), plan.samples(split)
    key = images_key(dataset, split, plan.size, samples)
    value = store.run("images", key, lambda _: _read(dataset, samples, plan.size, progress)).value
    positives = int(value["labels"].sum())
    if not 0 < positives < len(value["labels"]):
        raise DataError(
            f"the {split} split of {plan.name} has {positives} positives in {len(value['labels'])} images: FNR and FPR"
            " are undefined",
            fix="both classes are needed in every split",
        )
    return dict(value)


def images_key(dataset: Dataset, split: str, size: int, samples: Sequence[Sample]) -> dict[str, Any]:
    """Return all that decides the images and labels of a split: the inputs of the stage that keeps them."""
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "split": split,
        "size": size,
        **dataset.image_key(samples),
    }


def _read(dataset: Dataset, samples: Sequence[Sample], size: int, progress: Progress) -> dict[str, Any]:
    return {
        "images": dataset.images(samples, size, progress),
        "labels": torch.tensor([sample.label for sample in samples], dtype=torch.uint8),
        "ids": [sample.id for sample in samples],
        "groups": [sample.group for sample in samples],
    }


@functools.lru_cache(maxsize=2)
def training_splits(plan: DataPlan, root: Path) -> tuple[ImageSplit, ImageSplit]:
    """Return (train, validation): the official training images, cut by the plan's split seed."""
    value = decoded(plan, "train", Store(root))
    everything = ImageSplit(value["images"], value["labels"], tuple(value["ids"]), "")
    labels = value["labels"].numpy()
    held_out = validation_indices(labels, value["groups"], plan.validation_fraction, plan.split_seed)
    kept = np.setdiff1d(np.arange(len(labels)), held_out)
    train, validation = everything.subset(kept), everything.subset(held_out)
    for name, split in (("training", train), ("validation", validation)):
        if not (split.positives and split.negatives):
            raise DataError(
                f"the {name} split of {plan.name} has {split.positives} positives and {split.negatives} negatives",
                fix="change data.validation_fraction: both splits need both classes",
            )
    return train, validation


@functools.lru_cache(maxsize=1)
def test_split(plan: DataPlan, root: Path) -> ImageSplit:
    """Return the official test images. Only scoring calls this; no method can."""
    value = decoded(plan, "test", Store(root))
    return ImageSplit.of(value["images"], value["labels"], value["ids"])
