"""Norm statistics against a forward pass written out layer by layer, in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from harness.networks.factories import state_of
from harness.pruning.recalibration import recalibrated

SIZES = [7, 4, 2]
"""Images of each batch; a last one of a single image joins them where a test says so."""
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class Dropping(nn.Module):
    """A norm of maps and one of vectors, each behind a layer that drops, in ways of their own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.few = nn.Dropout2d(0.5)
        self.norm1 = nn.BatchNorm2d(4, eps=1e-3)
        self.some = nn.Dropout(0.5)
        self.linear = nn.Linear(4, 5)
        self.norm2 = nn.BatchNorm1d(5, momentum=0.7)
        self.last = nn.Linear(5, 2)

    def forward(self, images):
        maps = torch.relu(self.norm1(self.few(self.conv(images))))
        vectors = self.linear(self.some(maps.mean(dim=(2, 3))))
        return self.last(nn.functional.dropout(self.norm2(vectors), 0.5, self.training))


@pytest.fixture
def batches():
    draws = torch.Generator().manual_seed(3)
    # Each batch on another level: its statistics are not those of all images.
    return [
        (torch.randn(size, 3, 8, 8, generator=draws) * (level + 1) + level, torch.zeros(size))
        for level, size in enumerate(SIZES)
    ]


@pytest.fixture
def network():
    torch.manual_seed(1)
    made = Dropping()
    with torch.no_grad():
        for norm in (made.norm1, made.norm2):
            norm.weight.uniform_(0.5, 2.0)
            norm.bias.uniform_(-1.0, 1.0)
            norm.running_mean.fill_(50.0)
            norm.running_var.fill_(9.0)
    return made


def convolved(images, state):
    """A 3 x 3 convolution of stride 2 with one row and column of zeros around, position by position."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    weight, bias = state["conv.weight"], state["conv.bias"]
    side = (images.shape[2] + 1) // 2
    out = np.empty((len(images), len(weight), side, side))
    for row in range(side):
        for column in range(side):
            window = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[:, :, row, column] = np.einsum("ncij,ocij->no", window, weight) + bias
    return out


def normalised(values, name, state, eps):
    """(values normalised by their own mean and variance, mean, unbiased variance), channels in the last axis."""
    flat = values.reshape(-1, values.shape[-1])
    mean, variance = flat.mean(axis=0), flat.var(axis=0)
    scaled = (values - mean) / np.sqrt(variance + eps) * state[f"{name}.weight"] + state[f"{name}.bias"]
    return scaled, mean, variance * len(flat) / (len(flat) - 1)


def by_hand(network, batches):
    """The mean over images of their batch's means and variances at both norms: (means, variances) by name."""
    state = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    found = {"norm1": [], "norm2": []}
    for images, _ in batches:
        maps = convolved(images.double().numpy(), state).transpose(0, 2, 3, 1)
        maps, *statistics = normalised(maps, "norm1", state, 1e-3)
        found["norm1"].append(statistics)
        pooled = np.maximum(maps, 0).mean(axis=(1, 2))
        vectors = pooled @ state["linear.weight"].T + state["linear.bias"]
        found["norm2"].append(normalised(vectors, "norm2", state, 1e-5)[1:])
    counts = [len(images) for images, _ in batches]
    return {name: np.average(np.array(values), axis=0, weights=counts) for name, values in found.items()}


@pytest.mark.parametrize("alone", [0, 1])
def test_statistics_are_the_mean_over_images_of_their_batchs_own(network, batches, alone):
    expected = by_hand(network, batches)
    single = [(images[:1], labels[:1]) for images, labels in batches[:alone]]  # it has no variance
    state = recalibrated(network, batches + single)
    for name, (mean, variance) in expected.items():
        np.testing.assert_allclose(state[f"{name}.running_mean"], mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(state[f"{name}.running_var"], variance, rtol=1e-4, atol=1e-5)
        assert int(state[f"{name}.num_batches_tracked"]) == len(SIZES)
    one_batch = by_hand(network, [(torch.cat([images for images, _ in batches]), None)])
    assert not np.allclose(one_batch["norm1"][1], expected["norm1"][1], rtol=1e-2)


def test_nothing_else_changes(network, batches):
    before = state_of(network)
    state = recalibrated(network, batches)
    assert state.keys() == before.keys()
    changed = {name for name in state if not torch.equal(state[name], before[name])}
    assert changed == {f"{norm}.{part}" for norm in ("norm1", "norm2") for part in STATISTICS}


def test_what_the_statistics_were_before_and_global_draws_do_not_matter(network, batches, same_bits):
    found = []
    for seed, old in ((0, 0.5), (1, 30.0)):
        torch.manual_seed(seed)
        for norm in (network.norm1, network.norm2):
            norm.running_mean.fill_(old)
            norm.running_var.fill_(old)
            norm.num_batches_tracked.fill_(17)
        found.append(recalibrated(network.train(bool(seed)), batches))
        assert torch.initial_seed() == seed
    assert same_bits(*found)


def test_in_a_network_of_the_harness_every_image_counts_alike(tiny, splits):
    images = splits[0].images.float() / 255
    batches = [(images[:20], None), (images[20:], None)]
    state = recalibrated(tiny, batches)
    outputs = []
    for batch, _ in batches:
        maps = tiny.features.conv1(batch)
        normed = nn.functional.batch_norm(
            maps, None, None, tiny.features.norm1.weight, tiny.features.norm1.bias, training=True
        )
        outputs.append((maps, tiny.features.conv2(torch.relu(normed))))
    for index, norm in enumerate(("features.norm1", "features.norm2")):
        means = torch.stack([pair[index].mean(dim=(0, 2, 3)) for pair in outputs])
        variances = torch.stack([pair[index].transpose(0, 1).flatten(1).var(dim=1) for pair in outputs])
        share = torch.tensor([[20 / 48], [28 / 48]])
        torch.testing.assert_close(state[f"{norm}.running_mean"], (share * means).sum(0), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(state[f"{norm}.running_var"], (share * variances).sum(0), rtol=1e-4, atol=1e-5)
