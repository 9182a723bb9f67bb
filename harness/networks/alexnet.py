"""AlexNet with the paper's small head, and its batch-norm variant."""

from collections import OrderedDict
from typing import ClassVar

from torch import nn

from harness.networks.architecture import Network

# Krizhevsky's one-GPU AlexNet: output channels, kernel, stride, padding, pooled afterwards?
_ALEXNET_CONVOLUTIONS = (
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)


def _alexnet_features(*, batch_norm: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for index, (width, kernel, stride, padding, pooled) in enumerate(_ALEXNET_CONVOLUTIONS, start=1):
        layers[f"conv{index}"] = nn.Conv2d(channels, width, kernel, stride, padding)
        if batch_norm:
            layers[f"norm{index}"] = nn.BatchNorm2d(width)
        layers[f"relu{index}"] = nn.ReLU(inplace=True)
        if pooled:
            layers[f"pool{index}"] = nn.MaxPool2d(3, 2)
        channels = width
    return nn.Sequential(layers)


class AlexNet(Network):
    """The paper's network: AlexNet features, 1x1 mean, Linear 256-8, 8-8, 8-2; 2,471,842 parameters.

    Source: Entezari & Saukh 2020, Sec. III-C and the released ``AlexNet3.py``. Its 8-8-2 ReLU head dies under
    pruning unless the convolutions come from ImageNet.
    """

    imagenet: ClassVar[str] = "torchvision:AlexNet_Weights"

    def __init__(self) -> None:
        super().__init__()
        self.features = _alexnet_features(batch_norm=False)
        self.head = nn.Sequential(
            nn.Dropout(),
            nn.Linear(256, 8),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(8, 8),
            nn.ReLU(),
            nn.Linear(8, 2),
        )


class AlexNetBN(Network):
    """AlexNet features with batch norm after each convolution and one linear layer; 2,472,514 parameters."""

    imagenet: ClassVar[str] = "torchvision:AlexNet_Weights"

    def __init__(self) -> None:
        super().__init__()
        self.features = _alexnet_features(batch_norm=True)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(256, 2))
