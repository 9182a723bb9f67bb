from fractions import Fraction

import pytest
import torch

from harness.errors import DataError
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of


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


def test_a_file_that_has_the_norms_too_gives_all_of_the_features(tmp_path):
    network = build(Architecture("efficientnet-lite0"))
    initialise(network, torch.Generator().manual_seed(1))
    given = state_of(network)
    for name, tensor in given.items():
        if "running" in name:
            tensor.uniform_(0.5, 1.5)
    path = tmp_path / "whole.pth"
    torch.save({f"other.{index}": tensor for index, tensor in enumerate(given.values())}, path)
    features = features_from_file(path, Architecture("efficientnet-lite0"))
    assert set(features) == {name for name in given if name.startswith("features.")}
    assert all(torch.equal(features[name], given[name]) for name in features)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    given = state_of(build(Architecture("tiny")))
    given = {name: torch.zeros_like(tensor) for name, tensor in given.items()}
    next(iter(given.values()))[0] = float("nan")
    torch.save(given, tmp_path / "nan.pth")
    with pytest.raises(DataError, match=r"is not finite in features\."):
        features_from_file(tmp_path / "nan.pth", Architecture("tiny"))
