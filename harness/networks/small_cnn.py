"""A small convolutional network: what fits a microcontroller, and trains in seconds."""

from collections import OrderedDict

from torch import nn

from harness.networks.architecture import Network

_WIDTHS = (32, 64, 128, 128)


class SmallCNN(Network):
    """Four 3x3 convolutions with batch norm, each followed by a pooling, and one linear layer; 241,442 parameters.

    Our own design, of no paper: the network to try a method on first.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for index, width in enumerate(_WIDTHS, start=1):
            layers[f"conv{index}"] = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
            layers[f"norm{index}"] = nn.BatchNorm2d(width)
            layers[f"relu{index}"] = nn.ReLU(inplace=True)
            layers[f"pool{index}"] = nn.MaxPool2d(2, 2)
            channels = width
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))
