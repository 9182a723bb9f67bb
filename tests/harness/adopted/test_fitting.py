"""Which tensor of a file is which: by name, by order, one logit for two; and every misfit, told once."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from harness.adopted.fitting import fit, fitted
from harness.networks.architecture import Architecture, positive_scores
from harness.networks.factories import build, skeleton, state_of


@pytest.fixture
def own():
    return skeleton(Architecture("tiny")).state_dict()


class Elsewhere(nn.Module):
    """The tiny network as somebody else writes it: other names, another order of what a layer has, no count."""

    def __init__(self, outputs=2):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16)
        )
        self.classify = nn.Linear(16, outputs)

    def forward(self, images):
        return self.classify(torch.relu(self.body(images)).mean(dim=(2, 3)))


def elsewhere(outputs=2):
    torch.manual_seed(3)
    network = Elsewhere(outputs)
    for _ in range(3):
        network(torch.randn(8, 3, 16, 16))  # statistics of its own
    return network.eval()


def network_of(found):
    own = skeleton(Architecture("tiny")).state_dict()
    how = fit(own, found)
    assert how.faults == []
    return build(Architecture("tiny"), fitted(own, found, how.names))


def test_its_own_names_with_and_without_the_word_features(tiny, same_bits):
    state = state_of(tiny)
    assert same_bits(network_of(state), tiny)
    assert same_bits(network_of({name.removeprefix("features."): tensor for name, tensor in state.items()}), tiny)


def test_a_network_of_other_names_computes_what_it_did():
    theirs, images = elsewhere(), torch.randn(5, 3, 16, 16)
    found = {name: tensor for name, tensor in theirs.state_dict().items() if "num_batches" not in name}
    with torch.no_grad():
        assert torch.equal(network_of(found)(images), theirs(images))


def test_the_score_of_one_logit_is_the_logit_itself():
    theirs, images = elsewhere(outputs=1), torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        scores = positive_scores(network_of(theirs.state_dict())(images))
        assert torch.allclose(scores, theirs(images)[:, 0], atol=1e-6)  # two columns are another kernel than one


def test_the_order_of_tensors_within_a_layer_does_not_matter():
    state = elsewhere().state_dict()
    turned = OrderedDict(reversed([*state.items()]))
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    found = {name: tensor for layer in layers for name, tensor in turned.items() if name.rpartition(".")[0] == layer}
    assert [*found] != [*state]
    images = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(network_of(found)(images), elsewhere()(images))


def test_other_types_become_the_networks(tiny):
    found = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state_of(tiny).items()}
    assert network_of(found).head[1].weight.dtype == torch.float32


def test_every_misfit_is_told(own, tiny):
    found = state_of(tiny)
    del found["features.norm1.running_var"]
    found["features.conv2.weight"] = torch.zeros(16, 9, 3, 3)
    found["head.1.weight"] = torch.zeros(7, 16)
    found["gate.weight"] = torch.zeros(4)
    assert sorted(fit(own, found).faults) == [
        "features.conv2.weight is (16, 9, 3, 3), not (16, 8, 3, 3)",
        "features.norm1.running_var (8) is missing",
        "gate.weight (4) is left over",
        "head.1.weight is (7, 16), not (2, 16)",
    ]


def test_a_misfit_of_other_names_says_which_tensor_it_would_be(own):
    found = elsewhere(outputs=3).state_dict()
    found["body.0.weight"] = torch.zeros(8, 1, 3, 3)
    faults = fit(own, found).faults
    assert "body.0.weight, which would be features.conv1.weight, is (8, 1, 3, 3), not (8, 3, 3, 3)" in faults
    assert "classify.weight, which would be head.1.weight, is (3, 16), not (2, 16)" in faults


def test_one_output_is_two_in_the_last_layer_alone(own, tiny):
    found = state_of(tiny) | {"features.conv1.weight": torch.zeros(1, 3, 3, 3)}
    assert fit(own, found).faults == ["features.conv1.weight is (1, 3, 3, 3), not (8, 3, 3, 3)"]


def test_a_network_with_a_layer_more_or_less_does_not_fit(own):
    state = elsewhere().state_dict()
    more = {"stem.weight": torch.zeros(3, 3, 1, 1), **state}
    less = {name: tensor for name, tensor in state.items() if not name.startswith("body.0")}
    assert fit(own, more).faults
    assert fit(own, less).faults
