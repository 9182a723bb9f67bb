"""MobileNet V1: depthwise separable convolutions, made smaller by a width multiplier."""

from collections import OrderedDict

from torch import nn

from harness.networks.architecture import Network
from harness.networks.depthwise import Depthwise

LEAST_WIDTH = 8
"""Channels that a layer keeps at any width, as in the authors' code (``min_depth``)."""

# Output channels and stride of each separable block. The paper's Table 1 gives the last block stride 2, which does not
# fit its own output sizes; the authors' code has 1.
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


class MobileNetV1(Network):
    """MobileNet V1 with two outputs; 3,209,026 parameters at width 1.

    ``width`` > 0 multiplies the channels of every layer, rounded down and at least 8. Every convolution has batch norm
    and no bias; activations are ReLU. Source: Howard et al. 2017, arXiv:1704.04861, Table 1 and Sec. 3.3.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        channels = _scaled(32, width)
        layers: OrderedDict[str, nn.Module] = OrderedDict(block0=_normed(nn.Conv2d(3, channels, 3, 2, 1, bias=False)))
        for index, (full, stride) in enumerate(_BLOCKS, start=1):
            depthwise, wider = _normed(Depthwise(channels, 3, stride, 1)), _scaled(full, width)
            pointwise = _normed(nn.Conv2d(channels, wider, 1, bias=False))
            layers[f"block{index}"] = nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))
            channels = wider
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))


def _scaled(channels: int, width: float) -> int:
    return max(int(width * channels), LEAST_WIDTH)


def _normed(convolution: nn.Conv2d) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels)
    return nn.Sequential(OrderedDict(conv=convolution, norm=norm, relu=nn.ReLU(inplace=True)))
