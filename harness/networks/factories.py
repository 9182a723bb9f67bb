"""Networks rebuilt from an `Architecture` and tensors, without pickle."""

from collections.abc import Mapping, Set

import torch
from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network
from harness.networks.narrowing import narrow_
from harness.networks.registered import factory_of


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight of ``module`` anew (He et al. 2015, normal, fan in); biases 0, norms 1 and 0.

    What is neither a convolution's, a linear layer's nor a batch norm's gets what its network's constructor gives it.
    """
    drawn: set[Tensor] = set()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.reset_parameters()
        else:
            continue
        drawn.update(layer.state_dict(keep_vars=True).values())
    for network in module.modules():
        if isinstance(network, Network) and hasattr(network, "architecture"):
            _construct_others(network, drawn, generator.initial_seed())


def _construct_others(network: Network, drawn: Set[Tensor], seed: int) -> None:
    """Give the tensors that are not ``drawn`` what the constructor gives them, under torch's global seed ``seed``."""
    others = {name: tensor for name, tensor in network.state_dict(keep_vars=True).items() if tensor not in drawn}
    if not others:
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = factory_of(network.architecture.factory)(**network.architecture.arguments).state_dict()
    with torch.no_grad():
        for name, tensor in others.items():
            tensor.copy_(made[name][tuple(slice(size) for size in tensor.shape)])  # a narrowed one's first channels


def skeleton(architecture: Architecture) -> Network:
    """Return the network of ``architecture`` without memory for its tensors: for counting and for shapes.

    Raises `UsageError` for an unknown factory.
    """
    factory = factory_of(architecture.factory)
    with torch.device("meta"):
        network = factory(**architecture.arguments)
    narrow_(network, architecture.shapes)
    network.architecture = architecture
    return network


def build(architecture: Architecture, state: Mapping[str, Tensor] | None = None) -> Network:
    """Return the network of ``architecture`` in evaluation mode with copies of ``state``'s tensors.

    Without a state the weights are uninitialised. Raises `UsageError` for an unknown factory.
    """
    network = skeleton(architecture).to_empty(device="cpu")
    if state is not None:
        network.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()}, assign=True)
    return network.eval()


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Return contiguous CPU copies of all parameters and buffers, by name."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in network.state_dict().items()}


def copy_of(network: Network) -> Network:
    """Return an independent copy: same architecture, same tensors, no hooks, evaluation mode."""
    return build(network.architecture, state_of(network))


def parameter_count(network: nn.Module) -> int:
    """Return the number of all parameters: weights, biases and norms."""
    return sum(parameter.numel() for parameter in network.parameters())
