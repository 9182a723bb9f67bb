"""Hessians of each layer's squared output error, and their damped inverses: what L-OBS knows of the data."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.pruning import Network, prunable_weights

Layer = nn.Conv2d | nn.Linear

_CHUNK = 2**21
"""Patch entries held at once: 16 MiB in float64, or one image's where that is more."""

_COLUMNS = 512
"""Columns of a Hessian that are summed together: what lies below its diagonal blocks is mirrored, not summed."""


def pruned_layers(network: nn.Module) -> dict[str, Layer]:
    """Return the layers that are pruned, by the name of their weight."""
    layers = {}
    for name in prunable_weights(network):
        layer = network.get_submodule(name.removesuffix(".weight"))
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        layers[name] = layer
    return layers


def without_patches(network: nn.Module) -> str | None:
    """Return why a pruned convolution of ``network`` has no patches here, or None: other paddings have other values."""
    for name, layer in pruned_layers(network).items():
        if isinstance(layer, nn.Conv2d) and (layer.padding_mode != "zeros" or isinstance(layer.padding, str)):
            return f"{name} belongs to a convolution without plain zero padding, which has no patches here"
    return None


def by_group(inverse: Tensor, *rows: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield the inverse of each group of a layer with its part of ``rows``: all of them where there are no groups."""
    if inverse.dim() == 2:
        yield inverse, *rows
    else:
        yield from zip(inverse, *(one.chunk(len(inverse)) for one in rows), strict=True)


def inverse_hessians(network: Network, batches: Sequence[tuple[Tensor, Tensor]], damping: float) -> dict[str, Tensor]:
    """Return the `damped_inverse` of each pruned layer's Hessian, (D, D) or (groups, D, D) float64, by weight name.

    Raises ValueError with the layer's name where there is none.
    """
    inverses: dict[str, Tensor] = {}
    hessians = layer_hessians(network, batches)
    for name, layer in pruned_layers(network).items():
        try:
            inputs, hessian = layer.weight[0].numel(), hessians.pop(name)
            found = [damped_inverse(one, inputs, damping) for (one,) in by_group(hessian)]
            inverses[name] = found[0] if hessian.dim() == 2 else torch.stack(found)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return inverses


def layer_hessians(network: nn.Module, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return H = (1/N) sum x x^T over the N input vectors of each pruned layer, (D, D) float64, by weight name.

    A convolution with groups, a depthwise one too, is as many layers side by side, each with inputs of its own: it has
    (groups, D, D).

    It is the Hessian of E(dw) = 1/2 sum_r dw_r^T H dw_r, half the layer's mean squared output error, by each output
    row r. D is the number of weights in a row, plus 1 where the layer has a bias. Evaluation mode.
    Source: Dong, Chen & Pan 2017, Sec. 3.
    """
    layers = pruned_layers(network)
    sums = {name: torch.zeros(_sizes(layer), dtype=torch.float64) for name, layer in layers.items()}
    counts = dict.fromkeys(layers, 0)

    def add(name: str, layer: Layer, arguments: tuple[Tensor, ...]) -> None:
        for vectors in input_vectors(layer, arguments[0]):
            _add_products(sums[name], vectors)
            counts[name] += vectors.shape[-2]

    hooks = [layer.register_forward_pre_hook(partial(add, name)) for name, layer in layers.items()]
    network.eval()
    with torch.no_grad():
        for images, _ in batches:
            network(images)
    for hook in hooks:
        hook.remove()
    return {name: (_mirror(total) if total.dim() == 2 else total).div_(counts[name]) for name, total in sums.items()}


def _groups(layer: Layer) -> int:
    return layer.groups if isinstance(layer, nn.Conv2d) else 1


def _sizes(layer: Layer) -> tuple[int, ...]:
    size = layer.weight[0].numel() + (layer.bias is not None)
    return (size, size) if _groups(layer) == 1 else (_groups(layer), size, size)


def _add_products(total: Tensor, vectors: Tensor) -> None:
    """Add sum x x^T to ``total``'s diagonal blocks and to what is right of them; of groups, to all of each."""
    if total.dim() == 3:
        total.baddbmm_(vectors.mT, vectors)
        return
    for start in range(0, len(total), _COLUMNS):
        block = slice(start, start + _COLUMNS)
        total[block, start:].addmm_(vectors[:, block].T, vectors[:, start:])


def _mirror(total: Tensor) -> Tensor:
    for start in range(0, len(total), _COLUMNS):
        end = start + _COLUMNS
        total[end:, start:end] = total[start:end, end:].T
    return total


def input_vectors(layer: Layer, inputs: Tensor) -> Iterator[Tensor]:
    """Yield, a part at a time, the vectors (n, D) float64 that the weights of ``layer`` meet in a batch of inputs.

    A convolution meets one patch per image and position, in the weights' own order: channel, row, column. The last
    entry is 1 where the layer has a bias. Of a convolution with groups each group meets its own: (groups, n, D).
    """
    ones = layer.bias is not None
    if isinstance(layer, nn.Linear):
        yield _vectors(inputs, ones=ones)
        return
    assert not isinstance(layer.padding, str)
    entries = layer.groups * layer.weight[0].numel() * inputs[0, 0].numel() // math.prod(layer.stride)
    for images in torch.split(inputs, max(1, _CHUNK // max(entries, 1))):
        patches = F.unfold(images, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        if layer.groups == 1:
            yield _vectors(patches.transpose(1, 2), ones=ones)
        else:
            grouped = patches.view(len(images), layer.groups, -1, patches.shape[2]).permute(1, 0, 3, 2)
            vectors = _vectors(grouped, ones=ones)
            yield vectors.view(layer.groups, -1, vectors.shape[1])


def _vectors(inputs: Tensor, *, ones: bool) -> Tensor:
    """Return inputs (..., d) as (n, d) or (n, d + 1) in float64, copied once."""
    size = inputs.shape[-1]
    vectors = torch.empty(*inputs.shape[:-1], size + ones, dtype=torch.float64)
    vectors[..., :size] = inputs
    vectors[..., size:] = 1.0
    return vectors.flatten(0, -2)


def damped_inverse(hessian: Tensor, inputs: int, damping: float) -> Tensor:
    """Return (H + damping m I)^-1, m the mean of H's diagonal over its first ``inputs`` entries; (D, D).

    The ones of a bias are not damped, like the intercept of a ridge regression, so that the scale of the inputs does
    not matter. Inputs that are always zero get (H + I)^-1: then saliency is magnitude and nothing is compensated.
    Raises ValueError where H is not finite, or the damping too small for its rank.
    """
    if not bool(torch.isfinite(hessian).all()):
        raise ValueError("the layer's inputs are not finite, so that they have no Hessian")
    damped = hessian.clone()
    diagonal = damped.diagonal()[:inputs]
    mean = float(diagonal.mean())
    diagonal += damping * mean if mean > 0 else 1.0
    factor, fault = torch.linalg.cholesky_ex(damped)
    inverse = None if int(fault) else torch.cholesky_inverse(factor).T.contiguous()  # symmetric; read by rows
    if inverse is None or not bool(torch.isfinite(inverse).all()):
        raise ValueError(f"the Hessian has no inverse with damping {damping:g}: use more")
    return inverse
