"""VGG-16 with batch norm and one linear layer."""

from collections import OrderedDict

from torch import nn

from harness.networks.architecture import Network

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Output channels and convolutions of each stage; a pooling ends it."""


class VGG16(Network):
    """VGG-16's thirteen convolutions with batch norm, a global mean and one linear layer; 14,724,162 parameters.

    Source: Simonyan & Zisserman 2015, arXiv:1409.1556, Table 1, configuration D. Batch norm and the single linear
    layer are those of the pruning literature's VGG-16 (Li et al. 2017, arXiv:1608.08710, Sec. 4.1).
    """

    def __init__(self) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for stage, (width, count) in enumerate(_STAGES, start=1):
            for index in range(1, count + 1):
                name = f"{stage}_{index}"
                layers[f"conv{name}"] = nn.Conv2d(channels, width, 3, 1, 1)
                layers[f"norm{name}"] = nn.BatchNorm2d(width)
                layers[f"relu{name}"] = nn.ReLU(inplace=True)
                channels = width
            layers[f"pool{stage}"] = nn.MaxPool2d(2, 2)
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))
