from fractions import Fraction

import pytest
import torch

from harness.errors import DataError
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture


def test_a_weights_file_gives_its_convolutions_in_order(tmp_path):
    torchvision = pytest.importorskip("torchvision")
    theirs = torchvision.models.alexnet(num_classes=2)
    path = tmp_path / "alexnet.pth"
    torch.save(theirs.state_dict(), path)
    for factory in ("alexnet", "alexnet-bn"):
        features = features_from_file(path, Architecture(factory))
        for ours, index in (("conv1", 0), ("conv2", 3), ("conv3", 6), ("conv4", 8), ("conv5", 10)):
            assert torch.equal(features[f"features.{ours}.weight"], theirs.features[index].weight)
            assert torch.equal(features[f"features.{ours}.bias"], theirs.features[index].bias)


def test_a_weights_file_that_does_not_fit_or_holds_code_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(4, 3, 3, 3)}, path)
    with pytest.raises(DataError, match="does not hold the convolutions"):
        features_from_file(path, Architecture("alexnet"))
    torch.save({"conv.weight": Fraction(1, 2)}, path)
    with pytest.raises(DataError, match="cannot be read"):
        features_from_file(path, Architecture("alexnet"))
