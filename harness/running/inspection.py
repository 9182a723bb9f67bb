"""What the harness checks on every network that a method yields: size, zeros, names, what is still alive."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.factories import parameter_count
from harness.networks.paths import ALL_PATHS, unit_network
from harness.networks.replaced import Replaced
from harness.pruning.pruned_network import PrunedNetwork
from harness.sparsity.mask import Mask


@dataclass(frozen=True)
class Inspection:
    """Sizes of a yielded network, and every rule it breaks (empty = it may be scored).

    ``layers`` are the weights of each convolution and linear layer by parameter name: left, alive, all.
    """

    density: float
    parameters: int
    alive: int
    flops: int
    faults: tuple[str, ...]
    layers: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def emptied(self) -> tuple[str, ...]:
        """The weights of which none is left."""
        return tuple(name for name, (left, _, _) in self.layers.items() if not left)

    @property
    def disconnected(self) -> bool:
        """Whether no path leads from the input to the output: then the last layer has no alive weight."""
        return bool(self.layers) and not list(self.layers.values())[-1][1]

    @property
    def collapse(self) -> str:
        """In words, where the network is cut in two and which layers are empty; an empty text where neither is so."""
        parts = [f"{name} has none of its {self.layers[name][2]:,} weights left" for name in self.emptied]
        return "; ".join(["no path leads from the input to the output"] * self.disconnected + parts)


def inspect(pruned: PrunedNetwork, asked: float, dense_parameters: int, tolerance: float, size: int) -> Inspection:
    """Return the sizes and faults of ``pruned`` for images of ``size`` pixels.

    ``tolerance`` is the allowed |achieved - asked| / asked density; 0 = exact to one weight.
    """
    faults = _mask_faults(pruned) or _value_faults(pruned)
    if faults:
        return Inspection(float("nan"), 0, 0, 0, tuple(faults))
    removed = pruned.mask.pruned if pruned.mask else 0
    kept = parameter_count(pruned.network) - removed
    allowed = max(1.0, tolerance * asked * dense_parameters)
    if abs(kept - asked * dense_parameters) > allowed:
        faults = [f"{kept:,} parameters left where density {asked:g} asks for {asked * dense_parameters:,.0f}"]
    alive = alive_parameters(pruned.network, pruned.mask, size)
    flops = effective_flops(pruned.network, pruned.mask, size)
    layers = _layers(pruned, alive)
    return Inspection(kept / dense_parameters, kept, sum(alive.values()), flops, tuple(faults), layers)


def _layers(pruned: PrunedNetwork, alive: Mapping[str, int]) -> dict[str, tuple[int, int, int]]:
    mask: Mapping[str, Tensor] = pruned.mask or {}
    weights = {
        f"{name}.weight": layer.weight.numel()
        for name, layer in pruned.network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    return {
        name: (int(mask[name].sum()) if name in mask else count, alive[name], count) for name, count in weights.items()
    }


def _mask_faults(pruned: PrunedNetwork) -> list[str]:
    parameters = dict(pruned.network.named_parameters())
    faults = []
    for name, mask in (pruned.mask or {}).items():
        if name not in parameters:
            faults.append(f"mask of {name}, which the network does not have")
        elif mask.dtype != torch.bool:
            faults.append(f"mask of {name} is {mask.dtype}, not bool")
        elif mask.shape != parameters[name].shape:
            faults.append(f"mask of {name} is {tuple(mask.shape)}, its weights {tuple(parameters[name].shape)}")
    return faults


def _value_faults(pruned: PrunedNetwork) -> list[str]:
    faults = []
    for name, tensor in pruned.network.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            faults.append(f"{name} is not finite")
        elif pruned.mask and name in pruned.mask:
            alive = int((tensor[~pruned.mask[name]] != 0).sum())
            if alive:
                faults.append(f"{alive} pruned weights of {name} are not zero")
    return faults


def alive_parameters(network: Network, mask: Mask | None, size: int) -> dict[str, int]:
    """Return how many remaining parameters of each tensor lie on a path from the input to the output, by name.

    Remaining weights become positive, biases 0, norms the identity, activations ReLU, and gates stay open, so that a
    signal is positive exactly where a path from the image leads; a parameter is alive when the output's gradient by it
    is positive. A unit that only biases feed is dead: it sends the same constant for every image.
    """
    unit = unit_network(network)
    if mask:
        mask.apply_(unit)
    with Replaced(ALL_PATHS):
        unit(torch.ones(1, 3, size, size, dtype=torch.float64)).sum().backward()
    return {name: _on_path(parameter, mask, name) for name, parameter in unit.named_parameters()}


def _on_path(parameter: nn.Parameter, mask: Mask | None, name: str) -> int:
    if parameter.grad is None:  # the network does not use it
        return 0
    on_path = parameter.grad > 0
    return int((on_path & mask[name]).sum() if mask and name in mask else on_path.sum())


def effective_flops(network: Network, mask: Mask | None, size: int) -> int:
    """Return the floating-point operations of one image, 2 per remaining weight and output position.

    Convolutions and linear layers only, biases and norms left out, as in `torch.utils.flop_counter`. A masked weight
    costs nothing here; ordinary dense kernels still multiply by its zero.
    """
    flops = 0
    layers = {layer: name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal flops
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        name = f"{layers[layer]}.weight"
        left = int(mask[name].sum()) if mask and name in mask else layer.weight.numel()
        positions = output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        flops += 2 * left * positions

    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return flops
