"""What is to be known of W0 before the numbers of those that start from it."""

from collections.abc import Mapping
from typing import Any


def w0_saw_classes(facts: Mapping[str, Any]) -> bool:
    """Return whether W0 was pretrained on images of the data set's own classes.

    Results of before this was kept are told by the names of the two data sets.
    """
    if "w0_saw_classes" in facts:
        return bool(facts["w0_saw_classes"])
    pretraining = facts.get("pretraining") or {}
    return "dataset" in pretraining and pretraining["dataset"] == facts.get("dataset")
