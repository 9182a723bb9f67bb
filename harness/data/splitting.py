"""Cutting the validation split from the official training images: seeded, stratified, groups never torn apart."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from harness.randomness import generator


def validation_indices(
    labels: npt.NDArray[np.uint8], groups: Sequence[str | None], fraction: float, seed: int
) -> npt.NDArray[np.int64]:
    """Return the sorted indices of about ``fraction`` of each class, chosen by ``seed`` alone.

    Images of one group (a patient, a lesion, a photograph) stay together; a group is positive when any of its images
    is. Per class, groups are taken in random order while they fit into round(fraction * images of that class).
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(f"group {group}" if group is not None else f"image {index}", []).append(index)
    chosen: list[int] = []
    for label in (0, 1):
        units = [unit for unit in members.values() if int(labels[unit].max()) == label]
        quota = round(fraction * sum(len(unit) for unit in units))
        taken = 0
        for position in torch.randperm(len(units), generator=generator(seed, "split", label)).tolist():
            if taken + len(units[position]) <= quota:
                chosen += units[position]
                taken += len(units[position])
    return np.sort(np.array(chosen, dtype=np.int64))


def stratified_order(labels: npt.NDArray[np.uint8], draws: torch.Generator) -> npt.NDArray[np.int64]:
    """Return all indices in a random order whose every prefix holds each class in its share, to one image."""
    position = np.empty(len(labels))
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        shuffled = members[torch.randperm(len(members), generator=draws).numpy()]
        position[shuffled] = (np.arange(len(members)) + 0.5) / max(len(members), 1)
    return np.argsort(position, kind="stable")
