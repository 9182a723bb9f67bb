"""What steps are taken on: a batch's images, targets and draws, all where the network is."""

from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

from harness.data.image_split import Images
from harness.training.augmentation import Views

AHEAD = 8
"""Steps that a CUDA device may be behind the host: enough to keep it busy, few enough to hold their copies."""


class Batch(NamedTuple):
    """Images uint8 (B, 3, S, S), their targets (B, ...), and what their views were drawn as."""

    images: Tensor
    targets: Tensor
    views: Views

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them."""
        return (self.images, self.targets, *self.views)


class Batches:
    """Hands out batches of one training's images; on a CUDA device nothing waits but for one `AHEAD` steps before.

    Images that take a small part of the device's memory lie there; others come from the host, batch by batch.
    """

    def __init__(self, images: Images, targets: Tensor, device: torch.device) -> None:
        self._images, self._targets, self._device = images.to(device), targets.to(device), device
        self._under_way: deque[torch.cuda.Event] = deque()

    def __len__(self) -> int:
        return len(self._targets)

    def of(self, chosen: Tensor, views: Views) -> Batch:
        """Return the images at the places ``chosen`` (B,), with ``views`` drawn for them; both are on the CPU."""
        if self._device.type == "cuda":
            self._wait()
        places = moved(chosen, self._device)
        images = self._images[places if self._images.device == places.device else chosen]
        return Batch(
            moved(images, self._device), self._targets[places], tuple(moved(one, self._device) for one in views)
        )

    def _wait(self) -> None:
        """Wait, without keeping a core busy, until the device has taken all steps but the last few."""
        now = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        now.record(torch.cuda.current_stream(self._device))
        self._under_way.append(now)
        if len(self._under_way) > AHEAD:
            self._under_way.popleft().synchronize()


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Return ``tensor`` on ``device``; from the host to a CUDA device by way of pinned memory, so that nobody waits."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
