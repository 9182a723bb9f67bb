"""my-network: three convolutions, the second of which adds its input."""

from collections import OrderedDict

from harness.networks import Network
from torch import Tensor, nn


class MyNetwork(Network):
    """Three 3x3 convolutions with batch norm, a global mean and one linear layer; 28,898 parameters.

    Source: an example of `harness new network`. Put your own here.
    """

    # Where ImageNet weights of the features are: "package:MODULE" that has them in a file, or empty.
    imagenet = ""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        # `features` are pretrained or drawn, and end in a map (N, C, H, W), whose mean `head` reads.
        self.features = nn.Sequential(
            OrderedDict(stem=_normed(3, width, stride=2), block=Block(width), last=_normed(width, 2 * width, stride=2))
        )
        # `head` is drawn for each seed, and gives two logits. Its dropout is set by training.dropout.
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(2 * width, 2))


class Block(nn.Module):
    """A convolution beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _normed(channels, channels, stride=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the sum of both, (N, C, H, W) -> (N, C, H, W)."""
        output: Tensor = images + self.conv(images)
        return output


def _normed(channels: int, width: int, *, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
    return nn.Sequential(OrderedDict(conv=convolution, norm=nn.BatchNorm2d(width), relu=nn.ReLU(inplace=True)))
