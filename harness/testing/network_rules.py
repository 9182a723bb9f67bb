"""What a network must keep to, a rule each; `harness check NAME` asks all of them."""

import inspect
import json
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network, positive_scores
from harness.networks.contract import SMALLEST
from harness.networks.factories import build, copy_of, initialise, skeleton, state_of
from harness.networks.registered import factory_of
from harness.testing.case.failures import CheckFailed
from harness.testing.checks.registry import CheckOutcome
from harness.testing.network_rule import NETWORK_RULES, NetworkRule, network_rule
from harness.testing.registered_rule import require

_SIZES = (SMALLEST, SMALLEST + 11, 96)
_SOURCES = ("torchvision:", "package:")


def network_checks() -> tuple[NetworkRule, ...]:
    """Return every rule; call one with a registered network's name."""
    return tuple(NETWORK_RULES.values())


def network_outcome(name: str, rule: str) -> CheckOutcome:
    """Return what comes of a rule, asked of the network ``name``."""
    return NETWORK_RULES[rule].outcome(name)


def _drawn(name: str) -> Network:
    network = build(Architecture(name))
    initialise(network, torch.Generator().manual_seed(0))
    return network.eval()


def _images(count: int = 4, size: int = SMALLEST, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@network_rule("register a class derived from harness.networks.Network")
def class_is_a_network(name: str) -> None:
    """Catch a name that stands for something else."""
    factory_of(name)


@network_rule("give each argument of __init__ a default, a text, number or boolean")
def arguments_are_json(name: str) -> None:
    """Catch arguments that no record of a run can hold."""
    for argument in inspect.signature(factory_of(name)).parameters.values():
        require(argument.default is not argument.empty, f"the argument {argument.name} has no default")
        try:
            json.dumps(argument.default)
        except TypeError:
            raise CheckFailed(f"the default of {argument.name} is no JSON: {argument.default!r}") from None


@network_rule("make layers only; give constant tensors by register_buffer, made by torch.full and the like")
def builds_without_memory(name: str) -> None:
    """Catch values that are computed while the network is built: there are none under torch.device('meta')."""
    network = skeleton(Architecture(name))
    real = [key for key, tensor in network.state_dict().items() if not tensor.is_meta]
    require(not real, f"{', '.join(real[:3])} is made on another device than the one that is current")


@network_rule("set self.features and self.head, each a module; the head's first linear layer reads what pooled gives")
def has_features_and_a_head(name: str) -> None:
    """Catch a network in which the harness finds neither what is pretrained nor what is drawn for each seed."""
    network = skeleton(Architecture(name))
    for part in ("features", "head"):
        require(isinstance(getattr(network, part, None), nn.Module), f"it has no module {part!r}")
    require(any(isinstance(layer, nn.Linear) for layer in network.head.modules()), "its head has no linear layer")
    others = [key for key in network.state_dict() if not key.startswith(("features.", "head."))]
    require(not others, f"{', '.join(others[:3])} belongs to neither features nor head")


@network_rule("end the head with nn.Linear(..., 2), and keep one row for each image")
def gives_two_logits(name: str) -> None:
    """Catch outputs that are not the two logits."""
    network, images = _drawn(name), _images()
    with torch.no_grad():
        pooled, logits = network.pooled(images), network(images)
    require(tuple(logits.shape) == (4, 2), f"logits of 4 images have the shape {tuple(logits.shape)}, not (4, 2)")
    wanted = (4, network.pooled_width)
    require(tuple(pooled.shape) == wanted, f"pooled has the shape {tuple(pooled.shape)}, the head reads {wanted}")


@network_rule("leave forward to Network, or compute the head outside of autocast")
def logits_are_float32(name: str) -> None:
    """Catch logits in bfloat16, which tie."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = _drawn(name)(_images())
    require(logits.dtype == torch.float32, f"under autocast its logits are {logits.dtype}")


@network_rule("end the features with a mean over the map, whatever its size")
def takes_every_size(name: str) -> None:
    """Catch a fixed image size."""
    network = _drawn(name)
    for size in _SIZES:
        with torch.no_grad():
            shape = tuple(network(_images(2, size)).shape)
        require(shape == (2, 2), f"two images of {size} px give {shape}, not (2, 2)")


@network_rule("register parameters and persistent buffers, nothing else")
def state_is_all_in_tensors(name: str) -> None:
    """Catch tensors that are lost when a network is stored."""
    network = _drawn(name)
    stored = set(network.state_dict())
    hidden = [key for key, _ in network.named_buffers() if key not in stored]
    require(not hidden, f"the buffer {', '.join(hidden)} is not persistent")
    loose = [f"{home}.{key}" for home, key in _loose(network)]
    require(not loose, f"the tensor {', '.join(loose).lstrip('.')} is neither a parameter nor a buffer")


def _loose(network: Network) -> Iterator[tuple[str, str]]:
    for home, layer in network.named_modules():
        yield from ((home, key) for key, value in vars(layer).items() if isinstance(value, Tensor))


@network_rule("let what it computes depend on tensors and arguments")
def rebuilt_bit_for_bit(name: str) -> None:
    """Catch a network that a stored state does not bring back."""
    network, images = _drawn(name), _images()
    with torch.no_grad():
        same = torch.equal(copy_of(network)(images), network(images))
    require(same, "rebuilt from its architecture and tensors it gives other logits")


@network_rule("let the constructor set what is no convolution, linear or norm")
def every_tensor_is_drawn(name: str) -> None:
    """Catch weights that are whatever was in memory."""
    network = build(Architecture(name))
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(torch.nan)
    initialise(network, torch.Generator().manual_seed(0))
    bad = [key for key, tensor in network.state_dict().items() if not bool(torch.isfinite(tensor).all())]
    require(not bad, f"{', '.join(bad[:3])} is not finite once weights are drawn")
    again, state = _drawn(name).state_dict(), state_of(network)
    other = [key for key in state if not torch.equal(state[key], again[key])]
    require(not other, f"{', '.join(other[:3])} is drawn otherwise the second time from the same seed")


@network_rule("use a norm, or another start of the weights")
def responds_to_images(name: str) -> None:
    """Catch outputs that are the same, or no number."""
    with torch.no_grad():
        logits = _drawn(name)(_images(8))
    require(bool(torch.isfinite(logits).all()), "its logits are not finite")
    require(float(positive_scores(logits).std()) > 0, "its score is the same for 8 different images")


@network_rule("mix no images of a batch in evaluation mode")
def images_are_scored_alone(name: str) -> None:
    """Catch images that change each other's scores."""
    network, images = _drawn(name), _images()
    with torch.no_grad():
        together, alone = network(images), torch.cat([network(image[None]) for image in images])
    close = torch.allclose(together, alone, rtol=1e-3, atol=1e-4 * float(together.abs().max()))
    require(close, "an image's logits depend on the others of its batch in evaluation mode")


@network_rule("draw only in training mode and by torch; keep nothing between calls")
def is_deterministic(name: str) -> None:
    """Catch results that cannot be repeated."""
    network, images = _drawn(name), _images()
    before, random = state_of(network), torch.get_rng_state()
    with torch.no_grad():
        same = torch.equal(network(images), network(images))
    require(same, "the same images give other logits the second time, in evaluation mode")
    require(torch.equal(torch.get_rng_state(), random), "it draws random numbers in evaluation mode")
    changed = [key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])]
    require(not changed, f"in evaluation mode it changes {', '.join(changed[:3])}")
    first, second = (_gradients(copy_of(network), images) for _ in range(2))
    other = [key for key in first if not torch.equal(first[key], second[key])]
    require(not other, f"the same training step gives {', '.join(other[:3])} another gradient the second time")


@network_rule("leave out layers that nothing reads; detach nothing")
def gradients_reach_every_parameter(name: str) -> None:
    """Catch parameters that are counted and never trained."""
    found = _gradients(_drawn(name), _images())
    none = [key for key, gradient in found.items() if not bool((gradient != 0).any())]
    require(not none, f"no gradient reaches {', '.join(none[:3])}")


def _gradients(network: Network, images: Tensor) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network.train()(images).square().sum().backward()
    found = {key: parameter.grad for key, parameter in network.named_parameters()}
    return {key: torch.zeros(()) if gradient is None else gradient for key, gradient in found.items()}


@network_rule("write torchvision:ENUM or package:MODULE, or leave imagenet empty")
def imagenet_names_a_source(name: str) -> None:
    """Catch ImageNet weights that nobody finds."""
    source = factory_of(name).imagenet
    known = isinstance(source, str) and (not source or source.startswith(_SOURCES))
    require(known, f"imagenet is {source!r}")
