"""ResNet-18: residual sums, so that some layers can only be narrowed together."""

from collections import OrderedDict

from torch import Tensor, nn

from harness.networks.architecture import Network

_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and first stride of each stage, two blocks each."""


class ResNet18(Network):
    """ResNet-18 with two outputs; 11,177,538 parameters.

    Source: He et al. 2016, arXiv:1512.03385, Table 1; projection shortcuts where the shape changes (option B).
    """

    def __init__(self) -> None:
        super().__init__()
        channels = 64
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv=nn.Conv2d(3, channels, 7, 2, 3, bias=False),
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            pool=nn.MaxPool2d(3, 2, 1),
        )
        for stage, (width, first) in enumerate(_STAGES, start=1):
            for index, stride in enumerate((first, 1), start=1):
                block = BasicBlock(channels, width, stride, projected=stage > 1 and index == 1)
                layers[f"block{stage}_{index}"] = block
                channels = width
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: the identity, or a ``projected`` one by a 1x1 convolution."""

    def __init__(self, channels: int, width: int, stride: int, *, projected: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if projected:
            self.shortcut.append(nn.Conv2d(channels, width, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(width))
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's channels, (N, C, H, W) -> (N, width, H / stride, W / stride)."""
        inner = self.relu1(self.norm1(self.conv1(images)))
        output: Tensor = self.relu2(self.norm2(self.conv2(inner)) + self.shortcut(images))
        return output
