"""Checks on what a method yields: which networks it takes, how many it gives, masks, values, and rebuilding."""

from itertools import islice

import torch

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, parameter_count, state_of
from harness.pruning.pruned_network import PrunedNetwork
from harness.sparsity.mask import Mask
from harness.storage.canonical import digest
from harness.testing.case.case import LEVELS, Case, Unreachable, blaming, place
from harness.testing.case.failures import CheckFailed
from harness.testing.case.networks import NETWORKS
from harness.testing.case.watched_bench import SIZE, WatchedBench, start
from harness.testing.checks.registry import rule


@rule(
    "core",
    catches="a refusal without a reason: the report shows the sentence in the place of the result.",
    fix="return one sentence, or None, from skip; the same one every time, without touching the network",
    group="networks",
)
def declines_in_one_sentence(case: Case) -> None:
    """Ask twice about every network, of which W0 must stay what it was."""
    for name in NETWORKS:
        network = start(Architecture(name), 0)
        before = _values(network)
        with blaming(name):
            answers = [case.pruner.skip(network) for _ in range(2)]
        if answers[0] != answers[1]:
            raise CheckFailed(f"skip gives {answers[0]!r}, then {answers[1]!r}; expected the same twice", name)
        if answers[0] is not None and (
            not isinstance(answers[0], str) or len(answers[0].split()) < 3 or "\n" in answers[0]
        ):
            raise CheckFailed(f"skip gives {answers[0]!r}, expected None or a sentence of one line", name)
        if _values(network) != before:
            raise CheckFailed("skip changed the network that it was shown; expected it to look only", name)


def _values(network: Network) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in state_of(network).values()]


@rule(
    "core",
    catches="a method that declines everything: it would pass every other check without having run.",
    fix="make skip return None for networks of plain convolutions",
    group="networks",
)
def runs_on_some_network(case: Case) -> None:
    """Require one network that is not declined, and whose densities the method has."""
    reasons = []
    for name in NETWORKS:
        if reason := case.declines(name):
            reasons.append(f"{name}: {reason}")
            continue
        try:
            case.prune(case.bench(name))
        except Unreachable as unreachable:
            reasons.append(str(unreachable))
            continue
        return
    raise CheckFailed(f"it declines every network ({'; '.join(reasons)}); expected it to take one")


@rule(
    "core",
    catches="a crash on depthwise, residual, shared or one-channel layers, or on networks without batch norm.",
    fix="read layers from prunable_weights(network) and not by name; or let skip decline such networks",
    group="networks",
)
def runs_on_every_network(case: Case) -> None:
    """Prune every network that is not declined; everything that the harness inspects must hold."""
    for name in case.networks():
        bench = case.bench(name)
        for density, pruned in case.reachable(bench):
            case.require_no_fault(bench, pruned, density)


@rule(
    "core",
    catches="missing, surplus or malformed results: levels would be scored under another's name.",
    fix="yield exactly one PrunedNetwork for each density, in their order",
)
def one_network_per_density(case: Case) -> None:
    """Ask for one, two and three levels; for one below 1 only where levels are independent."""
    for densities in ((1.0,), case.asked_for(0.5), (1.0, 0.5), LEVELS):
        case.prune(case.bench(), densities)


def _yielded(case: Case) -> list[tuple[WatchedBench, float, PrunedNetwork]]:
    bench, found = case.standard
    return [(bench, density, pruned) for density, pruned in zip(LEVELS, found, strict=True)]


@rule(
    "core",
    catches="masks of unknown weights, wrong shapes or soft values, and a total that makes the density wrong.",
    fix="start from Mask.ones(network) and keep its names, shapes, bool type and total",
    group="yields",
)
def masks_fit_the_network(case: Case) -> None:
    """Compare masks with parameters."""
    for bench, density, pruned in _yielded(case):
        mask, where = pruned.mask, place(bench, [density])
        if mask is None:
            continue
        if not isinstance(mask, Mask):
            raise CheckFailed(f"the mask is a {type(mask).__name__}, expected a harness.sparsity.mask.Mask", where)
        parameters = dict(pruned.network.named_parameters())
        for name, tensor in mask.items():
            if name not in parameters:
                raise CheckFailed(f"the mask covers {name!r}, expected names of parameters", where)
            want = (torch.bool, tuple(parameters[name].shape), "cpu")
            got = (tensor.dtype, tuple(tensor.shape), tensor.device.type)
            if got != want:
                raise CheckFailed(f"the mask of {name} is {got}, expected {want}", where)
        if mask.total != parameter_count(pruned.network):
            total = parameter_count(pruned.network)
            raise CheckFailed(f"the mask counts {mask.total} parameters in all, expected {total}", where)


@rule(
    "core",
    catches="weights that are not numbers, which sort and compare in arbitrary ways.",
    fix="raise ValueError where a computation gives no finite result",
    group="yields",
)
def values_are_finite(case: Case) -> None:
    """Look at every tensor."""
    for bench, density, pruned in _yielded(case):
        for name, tensor in pruned.network.state_dict().items():
            if not bool(torch.isfinite(tensor).all()):
                raise CheckFailed(f"{name} is not finite, expected finite values", place(bench, [density]))


@rule(
    "core",
    catches="pruned weights that came back: by training, by weight decay, or because the mask was never applied.",
    fix="train with bench.train(network, mask), and call mask.apply_(network) on what is not trained",
    group="yields",
)
def pruned_weights_are_zero(case: Case) -> None:
    """Look under every mask; -0.0 counts as another value."""
    for bench, density, pruned in _yielded(case):
        parameters = dict(pruned.network.named_parameters())
        for name, mask in (pruned.mask or {}).items():
            under = parameters[name].detach()[~mask.bool()]
            alive = int(((under != 0) | torch.signbit(under)).sum())
            if alive:
                raise CheckFailed(f"{alive} pruned weights of {name} are not +0.0", place(bench, [density]))


@rule(
    "core",
    catches="networks that work only in memory: hooks, replaced layers and attributes are lost when it is stored.",
    fix="change weights, not modules; describe another structure by its Architecture",
    group="yields",
)
def networks_can_be_rebuilt(case: Case) -> None:
    """Rebuild each network from its architecture and tensors and compare outputs."""
    images = torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    for bench, density, pruned in _yielded(case):
        where = place(bench, [density])
        network = pruned.network
        with blaming(where), torch.inference_mode():
            again = build(network.architecture, state_of(network))
            given, rebuilt = network.eval()(images), again(images)
        if not torch.equal(given, rebuilt):
            apart = float((given - rebuilt).abs().max())
            raise CheckFailed(f"rebuilt from its tensors its outputs differ by {apart:g}, expected the same", where)


@rule(
    "core",
    catches="a network or mask that a later level changes after it was handed over.",
    fix="yield a copy (copy_of) of what you go on to change; never write into a mask",
)
def later_levels_leave_earlier_ones_alone(case: Case) -> None:
    """Hash each network when it comes and again at the end."""
    bench = case.bench()
    held, then = [], []
    with blaming(place(bench, LEVELS)):
        for pruned in islice(case.pruner.prune(bench, LEVELS), len(LEVELS)):
            held.append(pruned)
            then.append(digest(pruned))
    for pruned, first, density in zip(held, then, LEVELS, strict=False):
        if digest(pruned) != first:
            raise CheckFailed("the network changed after it was yielded", place(bench, [density]))
