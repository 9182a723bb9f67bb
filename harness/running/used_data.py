"""The data set of a run as MLflow lists data sets: an input for each split, by name and digest."""

import json
from collections.abc import Iterable
from typing import Any

from harness.data.dataset import Dataset
from harness.data.image_split import ImageSplit
from harness.outgoing.published import published
from harness.results.published import UsedData

DIGITS = 36
"""Of a split's fingerprint; MLflow's bound."""


def used_data(dataset: Dataset, splits: Iterable[tuple[str, ImageSplit]]) -> tuple[UsedData, ...]:
    """Return what MLflow is told of each (name, split): which images and labels they are, and where from."""
    source_type, source = _source(dataset)
    return tuple(
        UsedData(
            name=dataset.name,
            digest=split.fingerprint[:DIGITS],
            split=name,
            source_type=source_type,
            source=json.dumps(source),
            profile=json.dumps(_counts(split)),
        )
        for name, split in splits
    )


def _source(dataset: Dataset) -> tuple[str, dict[str, Any]]:
    """Return type and source in MLflow's words: the publisher's folder, or the code that draws or reads the images."""
    if dataset.remote_files:
        folder = dataset.remote_files[0].mirrors[0].rpartition("/")[0]
        return "http", {"url": published(folder)}
    module = type(dataset).__module__
    return "code", {"tags": {"mlflow.source.name": module, "dataset": dataset.name, "version": dataset.version}}


def _counts(split: ImageSplit) -> dict[str, int]:
    return {"num_rows": len(split.labels), "positives": split.positives, "negatives": split.negatives}
