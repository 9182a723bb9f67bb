import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.methods.grasp import Grasp, gradient_flow
from harness.networks.architecture import Architecture
from harness.networks.factories import build, copy_of, initialise
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.testing.narrowed import narrowed

TEMPERATURE = 3.0


@pytest.fixture
def batches(splits):
    """20 images in two batches of 12 and 8, neither of them a whole number of the method's own chunks."""
    train, _ = splits
    pixels = train.images[:20].double() / 255
    return [(pixels[:12], train.labels[:12]), (pixels[12:], train.labels[12:20])]


def mean_loss(network, batches, temperature, balanced):
    """By its definition, image by image: the mean, or the mean of the two classes' means."""
    losses = {0: [], 1: []}
    for images, labels in batches:
        for image, label in zip(images, labels, strict=True):
            logits = network(image[None])[0] / temperature
            losses[int(label)].append(torch.logsumexp(logits, 0) - logits[int(label)])
    if balanced:
        return sum(torch.stack(own).mean() for own in losses.values() if own) / sum(
            bool(own) for own in losses.values()
        )
    return torch.stack(losses[0] + losses[1]).mean()


def gradient(network, batches, balanced):
    """The gradient over all weights of convolutions and linear layers, flat."""
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    parts = torch.autograd.grad(mean_loss(network, batches, TEMPERATURE, balanced), weights)
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("balanced", [True, False])
def test_hessian_times_gradient_is_the_change_of_the_gradient_along_itself(tiny, batches, balanced):
    """H g by central differences of gradients in float64: no second derivative is ever taken."""
    found = gradient_flow(copy_of(tiny).double(), batches, TEMPERATURE, balanced)
    network = copy_of(tiny).double().eval()
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    start = [weight.detach().clone() for weight in weights]
    direction = gradient(network, batches, balanced)
    step = 1e-4 / float(direction.norm())
    sides = []
    for sign in (1, -1):
        moved = torch.split(direction, [weight.numel() for weight in weights])
        for weight, origin, part in zip(weights, start, moved, strict=True):
            weight.data = origin + sign * step * part.view(weight.shape)
        sides.append(gradient(network, batches, balanced))
    product = torch.split((sides[0] - sides[1]) / (2 * step), [weight.numel() for weight in weights])
    expected = {
        name: origin * part.view(origin.shape)
        for name, origin, part in zip(["features.conv1.weight", "features.conv2.weight"], start, product, strict=False)
    }
    assert found.keys() == expected.keys()
    scale = max(float(score.abs().max()) for score in expected.values())
    assert scale > 0
    for name, score in expected.items():
        assert found[name].dtype == torch.float64
        torch.testing.assert_close(found[name], score, rtol=1e-4, atol=1e-6 * scale)


@pytest.mark.parametrize("balanced", [True, False])
def test_without_a_weight_the_gradient_flow_loses_twice_its_score(tiny, batches, balanced):
    """d(g^T g) = -2 theta (H g) when a weight shrinks to (1 - e) theta, weight by weight, sign included."""
    found = gradient_flow(copy_of(tiny).double(), batches, TEMPERATURE, balanced)
    network = copy_of(tiny).double().eval()
    flow = float(gradient(network, batches, balanced).square().sum())
    step = 1e-5
    signs = set()
    for name, weight in prunable_weights(network).items():
        flat, scores = weight.data.view(-1), found[name].view(-1)
        for index in (int(scores.argmax()), int(scores.argmin()), 7):
            origin = float(flat[index])
            flat[index] = origin * (1 - step)
            less = float(gradient(network, batches, balanced).square().sum())
            flat[index] = origin * (1 + step)
            more = float(gradient(network, batches, balanced).square().sum())
            flat[index] = origin
            assert (less - more) / (2 * step) == pytest.approx(-2 * float(scores[index]), rel=1e-4, abs=1e-9 * flow)
            signs.add(math.copysign(1, float(scores[index])))
    assert signs == {1.0, -1.0}  # the test saw both: an absolute value would have failed


def test_on_a_quadratic_it_is_the_closed_form():
    """At a high temperature the loss of a linear model is the quadratic ln 2 - s d / 2T + d^2 / 8T^2, d = z1 - z0."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(30, 60, generator=generator, dtype=torch.float64)
    labels = (torch.arange(30) % 3 == 0).to(torch.uint8)
    network = nn.Sequential(nn.Linear(60, 2, bias=False)).double()
    weight = network[0].weight.detach().clone()
    temperature = 1e4
    found = gradient_flow(network, [(inputs, labels)], temperature, balanced=False)["0.weight"]
    signs = 2.0 * labels - 1
    moment = inputs.T @ inputs / (4 * temperature**2 * len(inputs))
    towards = -(signs.double() @ inputs) / (2 * temperature * len(inputs)) + moment @ (weight[1] - weight[0])
    product = 2 * moment @ towards  # H = moment x [[1, -1], [-1, 1]] and g = (-towards, towards)
    torch.testing.assert_close(found, weight * torch.stack([-product, product]), rtol=1e-6, atol=0.0)


def test_chunks_and_batches_change_nothing(tiny, splits):
    train, _ = splits
    pixels = train.images[:40].double() / 255
    together = gradient_flow(copy_of(tiny).double(), [(pixels, train.labels[:40])], 200.0, balanced=True)
    parts = [(pixels[at : at + 7], train.labels[at : min(at + 7, 40)]) for at in range(0, 40, 7)]
    apart = gradient_flow(copy_of(tiny).double(), parts, 200.0, balanced=True)
    for name, score in together.items():
        torch.testing.assert_close(score, apart[name], rtol=1e-9, atol=1e-12 * float(score.abs().max()))


def test_balanced_is_the_same_for_any_share_of_positives(tiny, batches):
    """Every positive twice: another plain mean, the same mean of the classes' means."""
    doubled = [
        *batches,
        *[(images[labels == 1], labels[labels == 1]) for images, labels in batches],
    ]
    for balanced in (True, False):
        once = gradient_flow(copy_of(tiny).double(), batches, 200.0, balanced)
        twice = gradient_flow(copy_of(tiny).double(), doubled, 200.0, balanced)
        assert all(torch.allclose(once[name], twice[name], rtol=1e-9, atol=0.0) for name in once) == balanced


def test_one_class_alone_is_scored_too(tiny, batches):
    positives = [(images[labels == 1], labels[labels == 1]) for images, labels in batches]
    scores = gradient_flow(copy_of(tiny).double(), positives, 200.0, balanced=True)
    plain = gradient_flow(copy_of(tiny).double(), positives, 200.0, balanced=False)
    for name, score in scores.items():
        assert bool(score.abs().max() > 0)
        torch.testing.assert_close(score, plain[name])


@pytest.mark.parametrize("factory", ["alexnet-bn", "mobilenet-v1"])
def test_networks_with_inplace_relu_and_depthwise_convolutions_have_finite_scores_in_every_layer(factory):
    """Against the double backward pass of the same network with no operation in place, all images at once."""
    network = build(Architecture(factory, {"width": 0.1}) if factory == "mobilenet-v1" else narrowed(factory, 8))
    generator = torch.Generator().manual_seed(0)
    initialise(network, generator)
    images = torch.randn(4, 3, 64, 64, generator=generator)
    labels = torch.tensor([0, 1, 0, 0], dtype=torch.uint8)
    found = gradient_flow(copy_of(network).double(), [(images.double(), labels)], 1.0, balanced=False)
    other = copy_of(network).double()
    for layer in other.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    weights = {f"{n}.weight": m.weight for n, m in other.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    loss = F.cross_entropy(other(images.double()), labels.long())
    first = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    flow = sum(part.square().sum() for part in first) / 2  # its gradient is H g
    for name, product in zip(weights, torch.autograd.grad(flow, list(weights.values())), strict=True):
        if name in found:
            expected = weights[name].detach() * product
            assert bool(expected.abs().max() > 0)
            torch.testing.assert_close(found[name], expected, rtol=1e-7, atol=1e-9 * float(expected.abs().max()))


def test_the_largest_signed_scores_of_w0_remain_and_are_trained_from_w0(make_bench):
    bench = make_bench()
    (pruned,) = Grasp(images=20).prune(bench, [0.5])
    scores = gradient_flow(bench.network(), bench.batches(20), 200.0, balanced=True)
    ranked = sorted(
        ((-float(score), name, index) for name, values in scores.items() for index, score in enumerate(values.view(-1)))
    )
    kept = {(name, index) for _, name, index in ranked[: sum(int(mask.sum()) for mask in pruned.mask.values())]}
    assert kept == {(name, int(i)) for name, mask in pruned.mask.items() for i in mask.view(-1).nonzero()}
    assert pruned.mask.kept == round(0.5 * Mask.ones(bench.network()).total)
    expected = dict(bench.train(bench.network(), pruned.mask, round=1).named_parameters())
    assert all(torch.equal(value, expected[name]) for name, value in pruned.network.named_parameters())


def test_the_trained_network_can_be_scored_instead(make_bench):
    bench = make_bench()
    (pruned,) = Grasp(images=20, start="trained", retrain="none").prune(bench, [0.5])
    scores = gradient_flow(bench.dense(), bench.batches(20), 200.0, balanced=True)
    threshold = min(float(scores[name][mask].min()) for name, mask in pruned.mask.items())
    assert all(float(scores[name][~mask].max()) <= threshold for name, mask in pruned.mask.items())
    trained = dict(bench.dense().named_parameters())
    for name, weights in pruned.network.named_parameters():
        kept = pruned.mask[name] if name in pruned.mask else torch.ones_like(weights, dtype=torch.bool)
        assert torch.equal(weights[kept], trained[name][kept])


def test_single_precision_ranks_as_double_precision_does():
    network = build(Architecture("alexnet-bn"))
    initialise(network, torch.Generator().manual_seed(0))
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 0, 0, 1, 0, 1, 0, 0])
    exact = gradient_flow(copy_of(network).double(), [(images.double(), labels)], 200.0, True)
    single = gradient_flow(copy_of(network), [(images, labels)], 200.0, True)
    ones = Mask.ones(network)
    exact, single = (prune_least(scores, ones, 0.05, "global") for scores in (exact, single))
    shared = sum(int((exact[name] & single[name]).sum()) for name in ones)
    either = sum(int((exact[name] | single[name]).sum()) for name in ones)
    assert shared / either > 0.999


def test_a_layer_without_a_second_derivative_is_declined_with_a_sentence():
    network = build(Architecture("torchvision:mobilenet_v3_small"))
    assert "torch does not have of a Hardsigmoid" in Grasp().skip(network)
    assert Grasp().skip(build(Architecture("small-cnn"))) is None
    images = torch.ones(1, requires_grad=True)
    (first,) = torch.autograd.grad(nn.functional.hardsigmoid(images).sum(), images, create_graph=True)
    with pytest.raises(RuntimeError, match="hardsigmoid_backward is not implemented"):
        first.sum().backward()
