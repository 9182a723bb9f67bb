"""What holds for every network, and that a new one is a file and a line."""

import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import UsageError
from harness.initial.weights_choice import check_weights
from harness.integrity.holdings import start_weights
from harness.methods.snip import Snip
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise, parameter_count, skeleton
from harness.networks.registered import built_in, factory_of
from harness.plugins import NETWORKS as NETWORKS_GROUP
from harness.running.inspection import inspect
from harness.sparsity.narrowable import not_narrowable
from harness.sparsity.surgery import channel_groups, without_channels
from harness.storage.canonical import digest
from harness.testing.narrowed import widths_of

NETWORKS = built_in()

NEW_FILE = '''
"""A network of another's hand."""

from torch import nn

from harness.networks.architecture import Network


class TwoLayers(Network):
    """Two convolutions and one linear layer; 2,010 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 24, 3, 2, 1, bias=False),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(24, 2))
'''


def seeded(name, **arguments):
    network = build(Architecture(name, arguments))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_says_how_many_parameters_it_has(name):
    factory = factory_of(name)
    (said,) = re.findall(r"([\d,]+) parameters", factory.__doc__)
    assert issubclass(factory, Network)
    assert parameter_count(skeleton(Architecture(name))) == int(said.replace(",", ""))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_score_answers_to_the_image_and_every_parameter_gets_a_gradient(name):
    network = seeded(name).double()  # so that no gradient is too small to be one
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    logits = network(images)
    assert logits.shape == (2, 2)
    assert not torch.equal(logits[0], logits[1])
    logits.square().sum().backward()
    assert all(parameter.grad is not None and bool((parameter.grad != 0).any()) for parameter in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_alexnet_is_the_start_of_the_networks_whose_convolutions_it_holds(name):
    ours = [tensor.shape for tensor in skeleton(Architecture(name)).state_dict().values() if tensor.dim() == 4]
    theirs = [(64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3), (256, 256, 3, 3)]
    assert (factory_of(name).imagenet == "torchvision:AlexNet_Weights") == (ours == theirs)


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown network 'alexnet_bn' \(did you mean 'alexnet-bn'\?\)") as caught:
        build(Architecture("alexnet_bn"))
    assert caught.value.exit_code == 2
    assert all(name in caught.value.fix for name in built_in())


def test_a_name_of_torchvisions_is_told_how_to_write_it():
    with pytest.raises(UsageError) as refused:
        factory_of("resnet50")
    assert refused.value.fix == "write torchvision:resnet50 for torchvision's"


def test_naming_the_networks_loads_no_torch_and_none_of_them():
    code = (
        "import sys; from harness.networks.registered import built_in; import harness.losses;"
        "import harness.planning.configuration; print('torch' in sys.modules, 'alexnet' in built_in())"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "True"]


def test_the_command_line_names_every_network():
    shown = CliRunner().invoke(app, ["list", "networks"]).output
    assert [line.split()[0] for line in shown.splitlines()] == [*NETWORKS]


@pytest.fixture
def new_network(install):
    """Install a distribution with a network; return its name."""
    install("two-layers", {NETWORKS_GROUP: {"two-layers": "fake_two:TwoLayers"}}, fake_two=NEW_FILE)
    return "two-layers"


def test_a_new_network_is_a_file_and_a_line(new_network, make_bench):
    network = seeded(new_network)
    assert parameter_count(network) == 2_010
    assert digest(copy_of(network)) == digest(network)
    (first, second) = channel_groups(network)
    half = torch.arange(first.channels) % 2 == 0
    narrow = without_channels(network, {first.name: half})
    assert not_narrowable(network) is None
    assert widths_of(narrow) == [first.channels // 2, second.channels]
    assert isinstance(narrow.features[0], nn.Conv2d)
    *_, pruned = Snip().prune(make_bench(initial=network), [0.25])
    assert inspect(pruned, 0.25, parameter_count(network), 0.0, 16).faults == ()


def test_the_command_line_plans_with_a_new_network(new_network, tmp_path):
    check_weights("kaiming", new_network)
    with pytest.raises(UsageError, match="no ImageNet weights for 'two-layers'"):
        check_weights("imagenet", new_network)
    command = ["run", "--dry-run", "--dataset", "isic-sim", "--weights", "kaiming", "--methods", "snip"]
    ran = CliRunner().invoke(app, [*command, "--network", new_network, "--store", str(tmp_path / "store")])
    assert ran.exit_code == 0, ran.output
    assert new_network in ran.output


# --- what is refused


@pytest.mark.parametrize("value", ["fake_wrong:NotOne", "fake_wrong:build", "fake_wrong:TEXT"])
def test_what_is_no_network_is_refused_with_where_it_is(install, value):
    source = "class NotOne: pass\ndef build(): return 1\nTEXT = 'x'\n"
    install("fake-wrong", {NETWORKS_GROUP: {"wrong": value}}, fake_wrong=source)
    with pytest.raises(UsageError, match=f"{value} is not a class derived from harness.networks.Network") as caught:
        factory_of("wrong")
    assert "fake-wrong 1.0" in caught.value.message


def test_a_network_named_like_a_built_in_one_is_an_error_naming_both(install):
    install("fake-same", {NETWORKS_GROUP: {"small-cnn": "fake_two:TwoLayers"}}, fake_two=NEW_FILE)
    with pytest.raises(UsageError, match="plugins of one name") as caught:
        factory_of("alexnet")
    (fault,) = caught.value.faults
    assert "'small-cnn'" in fault
    assert "fake-same 1.0" in fault


def test_only_the_network_that_is_asked_for_is_imported(install, tmp_path):
    install("fake-boom", {NETWORKS_GROUP: {"boom": "fake_boom:Boom"}}, fake_boom="raise SystemError('imported')")
    assert "boom" not in built_in()
    check_weights("kaiming", "small-cnn")
    with pytest.raises(UsageError, match="no ImageNet weights for 'small-cnn'"):
        check_weights("imagenet", "small-cnn")
    assert [*start_weights()]
    with pytest.raises(UsageError, match=r"'boom' of fake-boom 1\.0 cannot be imported"):
        factory_of("boom")
