"""Networks rebuilt from an `Architecture` and tensors, without pickle."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network
from harness.networks.registered import factory_of


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight of ``module`` anew (He et al. 2015, normal, fan in); biases 0, norms 1 and 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.reset_parameters()


def skeleton(architecture: Architecture) -> Network:
    """Return the network of ``architecture`` without memory for its tensors: for counting and for shapes.

    Raises `UsageError` for an unknown factory.
    """
    factory = factory_of(architecture.factory)
    with torch.device("meta"):
        network = factory(**architecture.arguments)
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
