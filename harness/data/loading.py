"""From a data set's name to decoded splits: where the files are, what is missing, what stands in, and the cache."""

import functools
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.data.dataset import Dataset, FileDataset, Sample, SimulatedDataset, Split
from harness.data.decoding import DECODING, Progress, decode_all
from harness.data.image_split import ImageSplit
from harness.data.locating import DataPlan
from harness.data.splitting import validation_indices
from harness.errors import DataError
from harness.storage.store import Store


def _quiet(done: int, total: int) -> None:
    pass


def decoded(plan: DataPlan, split: Split, store: Store, progress: Progress = _quiet) -> dict[str, Any]:
    """Return images, labels, ids and groups of a publisher's split, decoded or drawn once and kept in the store.

    Raises `DataError` for unreadable images (all listed) and for a split without a positive or a negative.
    """
    dataset = plan.dataset()
    key: dict[str, Any] = {"dataset": dataset.name, "version": dataset.version, "split": split, "size": plan.size}
    if isinstance(dataset, SimulatedDataset):
        key["options"] = dataset_options(dataset)
        value = store.run("images", key, lambda _: _draw(dataset, split, plan.size, progress)).value
    else:
        assert isinstance(dataset, FileDataset)
        samples = [s for s in dataset.samples(Path(plan.folder or ""), split) if s.path.is_file()]
        key |= {"decoding": DECODING, "files": [_signature(sample) for sample in samples]}
        value = store.run("images", key, lambda _: _decode(samples, plan.size, progress)).value
    positives = int(value["labels"].sum())
    if not 0 < positives < len(value["labels"]):
        raise DataError(
            f"the {split} split of {plan.name} has {positives} positives in {len(value['labels'])} images: FNR and FPR"
            " are undefined",
            fix="both classes are needed in every split",
        )
    return dict(value)


def dataset_options(dataset: Dataset) -> dict[str, Any]:
    """Return a data set's own fields, such as a simulator's seed: they decide what it draws."""
    return {item.name: getattr(dataset, item.name) for item in fields(dataset)} if is_dataclass(dataset) else {}


def _signature(sample: Sample) -> list[Any]:
    """Return what tells one file from another without reading it: a changed file changes its size or time."""
    status = sample.path.stat()
    return [sample.id, sample.label, sample.group, str(sample.path), status.st_size, status.st_mtime_ns]


def _decode(samples: Sequence[Sample], size: int, progress: Progress) -> dict[str, Any]:
    return {
        "images": decode_all([sample.path for sample in samples], size, progress),
        "labels": torch.tensor([sample.label for sample in samples], dtype=torch.uint8),
        "ids": [sample.id for sample in samples],
        "groups": [sample.group for sample in samples],
    }


def _draw(dataset: SimulatedDataset, split: str, size: int, progress: Progress) -> dict[str, Any]:
    labels = dataset.labels(split)
    parts = []
    for start in range(0, len(labels), 64):
        parts.append(dataset.render(split, range(start, min(start + 64, len(labels))), size))
        progress(min(start + 64, len(labels)), len(labels))
    ids = [f"{split}-{index:05d}" for index in range(len(labels))]
    return {"images": np.concatenate(parts), "labels": labels, "ids": ids, "groups": [None] * len(labels)}


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
