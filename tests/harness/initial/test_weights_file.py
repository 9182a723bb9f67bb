import types
from fractions import Fraction

import pytest
import torch

from harness.errors import DataError
from harness.initial.matching import by_order
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, skeleton, state_of


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
    torch.save({name.replace(".", "_", 2): tensor for name, tensor in given.items()}, path)
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


# --- torchvision's files, of every age


def given_by(name):
    """A state of torchvision's model, all of whose tensors are drawn."""
    torchvision = pytest.importorskip("torchvision")
    model, draws = torchvision.models.get_model(name, weights=None), torch.Generator().manual_seed(4)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=draws)
    return model.state_dict()


def of_old(state):
    """The same as files of 2016 have it: statistics before weights, no counts of batches."""
    layers = {}
    for name, tensor in state.items():
        layers.setdefault(name.rpartition(".")[0], {})[name.rpartition(".")[2]] = tensor
    order = ("running_mean", "running_var", "weight", "bias")
    return {f"{layer}.{kind}": kinds[kind] for layer, kinds in layers.items() for kind in order if kind in kinds}


def of_2017(state):
    """The same as DenseNet's files have it: norm.1.weight where the model has norm1.weight."""
    return {
        name.replace("norm1", "norm.1").replace("conv2", "conv.2"): tensor for name, tensor in of_old(state).items()
    }


@pytest.mark.parametrize("aged", [dict, of_old], ids=["new", "old"])
@pytest.mark.parametrize("factory", ["torchvision:resnet18", "resnet18"])
def test_a_resnets_file_is_read_as_torchvision_reads_it_by_name_and_by_order(tmp_path, factory, aged):
    state = given_by("resnet18")
    torch.save(aged(state), tmp_path / "resnet18.pth")
    features = features_from_file(tmp_path / "resnet18.pth", Architecture(factory))
    own = [name for name in skeleton(Architecture(factory)).state_dict() if name.startswith("features.")]
    assert list(features) == own
    for name, theirs in zip(own, state, strict=False):
        assert torch.equal(features[name], state[theirs]), name
        assert features[name].dtype == state[theirs].dtype


@pytest.mark.parametrize("aged", [dict, of_2017], ids=["new", "old"])
def test_a_densenets_file_is_read_as_torchvision_reads_it(tmp_path, aged):
    from torchvision.models import densenet

    state = given_by("densenet121")
    torch.save(aged(state), tmp_path / "densenet.pth")
    features = features_from_file(tmp_path / "densenet.pth", Architecture("torchvision:densenet121"))
    theirs = densenet.densenet121()
    loaded = types.SimpleNamespace(get_state_dict=lambda **_: {name: t.clone() for name, t in aged(state).items()})
    densenet._load_state_dict(theirs, loaded, progress=False)
    for name, tensor in theirs.features.state_dict().items():
        assert torch.equal(features[f"features.features.{name}"], tensor), name


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda state: state.update({"conv1.weight": torch.zeros(32, 3, 7, 7)}),
            r"its conv1.weight is \(32, 3, 7, 7\)",
        ),
        (lambda state: state.pop("layer3.0.conv1.weight"), "but not features.layer3.0.conv1.weight"),
        (lambda state: state["bn1.bias"].fill_(torch.nan), r"is not finite in features\.bn1\.bias"),
    ],
    ids=["shape", "lacking", "nan"],
)
def test_a_file_that_nearly_fits_is_refused_with_where_it_does_not(tmp_path, change, why):
    state = given_by("resnet18")
    change(state)
    torch.save(dict(state), tmp_path / "resnet18.pth")
    with pytest.raises(DataError, match=why):
        features_from_file(tmp_path / "resnet18.pth", Architecture("torchvision:resnet18"))


def test_tensors_of_other_kinds_in_the_same_order_are_not_taken():
    own = {"a.weight": torch.zeros(3), "a.bias": torch.zeros(3)}
    assert by_order(own, {"x.bias": torch.ones(3), "x.weight": torch.zeros(3)})["a.bias"].sum() == 3
    assert by_order(own, {"x.weight": torch.ones(3), "x.scale": torch.zeros(3)}) == {}
    assert by_order(own, {"x.weight": torch.ones(3)}) == {}
