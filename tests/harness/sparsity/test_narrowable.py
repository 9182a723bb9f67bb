"""What nobody tested is tried out: each network here is one whose layers say less than its forward does."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import skeleton
from harness.networks.registered import INTERNAL, TORCHVISION
from harness.sparsity.narrowable import not_narrowable


class Plain(Network):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(conv1=nn.Conv2d(3, 8, 3, 2), relu=nn.ReLU(), middle=self.middle(), conv2=nn.Conv2d(8, 8, 3, 2))
        )
        self.head = nn.Sequential(nn.Linear(8, 2))

    def middle(self):
        return nn.Identity()


class Softmax(nn.Module):
    def forward(self, images):
        return images * images.softmax(1)


class Counts(nn.Module):
    def forward(self, images):
        return images + torch.ones(1, 8, 1, 1)


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((8, 1, 1), 0.5))

    def forward(self, images):
        return self.scale * images


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(8, 4), nn.Linear(4, 8)

    def forward(self, images):
        return images * self.excite(self.squeeze(images.mean((2, 3))).relu()).sigmoid()[:, :, None, None]


class Squeezes(Plain):
    def middle(self):
        return Squeeze()


class TakesTogether(Plain):
    def middle(self):
        return Softmax()


class CountsOnEight(Plain):
    def middle(self):
        return Counts()


class NormsTogether(Plain):
    def middle(self):
        return nn.GroupNorm(2, 8)


class Scaled(Plain):
    def middle(self):
        return Scale()


CASES = {
    Plain: None,
    Scaled: None,
    TakesTogether: "with fewer channels it does not give what it gives where these channels are zero",
    CountsOnEight: "with fewer channels it does not run",
    Squeezes: "features.middle.excite, a linear layer, makes channels of a convolution",
    NormsTogether: "features.middle, a GroupNorm, takes its channels together, so that none can be removed",
}


@pytest.mark.parametrize("kind", CASES)
def test_a_network_of_anybodys_is_tried_out(monkeypatch, kind):
    monkeypatch.setitem(INTERNAL, "somebodys", kind)
    sentence = not_narrowable(skeleton(Architecture("somebodys")))
    if CASES[kind] is None:
        assert sentence is None
    else:
        assert sentence.startswith(f"{kind.__name__} cannot lose channels: {CASES[kind]}")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("convnext_tiny", "a LayerNorm2d, takes its channels together"),
        ("densenet121", "does not index its channels one by one"),
        ("shufflenet_v2_x1_0", "torch-pruning cannot follow its layers"),
    ],
)
def test_the_torchvision_networks_that_cannot_be_narrowed_say_why(model, why):
    assert why in not_narrowable(skeleton(Architecture(f"{TORCHVISION}{model}")))
