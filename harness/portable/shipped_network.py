"""A network as it ships: pixels in, one score an image out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from harness.errors import DataError
from harness.images.decoding import decoded
from harness.images.unreadable import Unreadable
from harness.networks.architecture import Network, positive_scores
from harness.portable.nameplate import Nameplate, Preprocessing


class ShippedNetwork(nn.Module):
    """A network in evaluation mode with its normalisation inside, so that nobody can forget it.

    Input: uint8 RGB images (N, 3, S, S) as `prepare` makes them. Output: float32 scores (N,), the positive logit minus
    the negative one; an image is called positive when its score lies above one of ``nameplate.thresholds``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, nameplate: Nameplate) -> None:
        super().__init__()
        self.network, self.nameplate = network, nameplate
        wanted = nameplate.preprocessing
        for name, values in (("mean", wanted.mean), ("std", wanted.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1) * 255, persistent=False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the score of each image, float32 (N,)."""
        pixels = (images.to(torch.float32) - self.mean) / self.std
        return positive_scores(self.network(pixels))

    @property
    def preprocessing(self) -> Preprocessing:
        """What becomes of an image file first."""
        return self.nameplate.preprocessing

    @property
    def thresholds(self) -> dict[str, float]:
        """Where the score may be cut, by name; each was fixed on validation images."""
        return dict(self.nameplate.thresholds)

    def prepare(self, path: str | Path) -> Tensor:
        """Return an image file as the network reads it, uint8 (1, 3, S, S).

        Raises `DataError` where it is none, or has 16 bits a value on a scale that the network's images did not have.
        """
        wanted = self.preprocessing
        wanted.require_scale([Path(path)])
        (image,) = decoded([Path(path)], wanted.size, wanted.conversion, wanted.depth)
        if isinstance(image, Unreadable):
            raise DataError(f"{path} cannot be read as an image: {image.reason}", fix="give another file")
        return torch.from_numpy(image)[None]
