"""The control at equal total budget: another method's mask or channels on W0, trained once for all of its steps."""

import pytest
import torch

from harness.errors import UsageError
from harness.methods.lt import LotteryTicket
from harness.methods.magnitude import Magnitude
from harness.methods.random import Random
from harness.methods.scratch import Scratch
from harness.methods.snip import Snip
from harness.methods.structured import StructuredMagnitude
from harness.networks.factories import build, initialise, parameter_count
from harness.planning.pruners import build_pruner, why_skipped
from harness.pruning.meter import Meter
from harness.storage.store import Store
from harness.testing.narrowed import narrowed, widths_of

pytestmark = pytest.mark.slow

METHODS = {
    "lt": LotteryTicket(),
    "lt[rate=0.75]": LotteryTicket(rate=0.75),
    "magnitude": Magnitude(),
    "magnitude[retrain=none]": Magnitude(retrain="none"),
    "snip[start=W0]": Snip(images=20, start="W0"),
    "random": Random(),
    "structured-magnitude": StructuredMagnitude(),
    "scratch": Scratch(),
}
STEPS = 8
"""Of one training: two epochs of four batches."""

BUDGETS = [
    ("lt", 0.5, 2),
    ("lt", 0.35, 3),  # 1, 0.5 and a side step
    ("lt", 0.25, 3),
    ("lt[rate=0.75]", 0.25, 2),
    ("magnitude", 0.35, 2),
    ("magnitude[retrain=none]", 0.35, 1),
    ("snip[start=W0]", 0.35, 1),
    ("random", 0.35, 1),
]
"""(method, density, trainings that it makes on its way there, the dense network's among them)."""


@pytest.fixture
def small():
    network = build(narrowed("small-cnn", [8, 12, 16, 16]))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@pytest.fixture
def bench_with(make_bench):
    """Return a function that makes a bench which knows the other methods by name."""
    return lambda **changes: make_bench(lend=METHODS.__getitem__, **changes)


def run_of(of, density, bench):
    """The other method's own network at a density, and how many trainings its store then has."""
    method = METHODS[of]
    *_, pruned = method.prune(bench, [density] if method.level_order == "independent" else [1.0, density])
    return pruned, [kind for _, kind in bench._store.folders()].count("train")


@pytest.mark.parametrize(("of", "density", "trainings"), BUDGETS)
def test_the_same_mask_on_w0_is_trained_for_as_many_steps_as_the_method_takes(
    make_bench, bench_with, same_bits, tmp_path, of, density, trainings
):
    name = of.partition("[")[0]
    own, counted = run_of(of, density, make_bench("black", method=name, store=Store(tmp_path / "alone")))
    assert counted == trainings
    meter = Meter()
    bench = bench_with(loss="black", method="scratch", meter=meter)
    (found,) = Scratch(of=of).prune(bench, [density])
    assert same_bits(found.mask, own.mask)
    total = trainings * STEPS
    expected = bench.train(bench.network(), own.mask, round=1, schedule=bench.schedule.for_steps(total))
    assert same_bits(found.network, expected)
    for steps in {total - STEPS, total + STEPS} - {0}:
        other = bench.schedule.for_steps(steps)
        assert not same_bits(found.network, bench.train(bench.network(), own.mask, round=1, schedule=other))


def test_where_the_method_could_train_nothing_neither_can_its_control(bench_with, same_bits, tiny):
    """Equal weights give every image the same scores of both classes, so that no step can help."""
    with torch.no_grad():
        for weight in tiny.parameters():
            weight.fill_(0.05)
    meter = Meter()
    bench = bench_with(meter=meter)
    (found,) = Scratch(of="magnitude").prune(bench, [0.4])
    assert meter.untrained
    assert meter.steps == 0
    assert all(same_bits([("w", w[m])], [("w", torch.full((int(m.sum()),), 0.05))]) for w, m in layers(found))


def layers(pruned):
    weights = dict(pruned.network.named_parameters())
    return [(weights[name].detach(), mask) for name, mask in pruned.mask.items()]


def test_what_is_counted_is_the_controls_own_training_alone(bench_with):
    meter = Meter()
    list(Scratch(of="lt").prune(bench_with(meter=meter), [0.25]))
    assert meter.steps == meter.kept_step == 3 * STEPS
    assert meter.kept_epoch == 6


def strongest_filters(network, widths):
    """The indices of each layer's filters with the largest sums of absolute weights, in order."""
    layers = [layer for layer in network.features if isinstance(layer, torch.nn.Conv2d)]
    for layer, width in zip(layers, widths, strict=True):
        sizes = [sum(abs(value) for value in row.flatten().tolist()) for row in layer.weight.detach().double()]
        yield sorted(sorted(range(len(sizes)), key=lambda index: -sizes[index])[:width])


def cut(network, channels):
    """The state of a small network with some channels of each layer alone, tensor by tensor."""
    state, before = dict(network.state_dict()), [0, 1, 2]
    for number, kept in enumerate(channels, start=1):
        state[f"features.conv{number}.weight"] = state[f"features.conv{number}.weight"][kept][:, before]
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"features.norm{number}.{name}"] = state[f"features.norm{number}.{name}"][kept]
        before = kept
    state["head.1.weight"] = state["head.1.weight"][:, before]
    return state


def test_the_same_channels_of_w0_are_trained_for_as_many_steps_as_the_method_takes(
    make_bench, bench_with, small, same_bits, tmp_path
):
    alone = make_bench("black", initial=small, method="structured-magnitude", store=Store(tmp_path / "alone"))
    own, trainings = run_of("structured-magnitude", 0.4, alone)
    assert trainings == 2
    bench = bench_with(loss="black", initial=small)
    (found,) = Scratch(of="structured-magnitude").prune(bench, [0.4])
    widths = widths_of(own.network)
    assert found.mask is None
    assert widths_of(found.network) == widths
    start = build(own.network.architecture, cut(bench.network(), strongest_filters(bench.dense(), widths)))
    schedule = bench.schedule.for_steps(trainings * STEPS)
    assert same_bits(found.network, bench.train(start, round=1, schedule=schedule))
    assert not same_bits(found.network, own.network)
    achieved = parameter_count(found.network) / parameter_count(small)
    assert abs(achieved - 0.4) <= Scratch(of="structured-magnitude").density_tolerance * 0.4


def test_the_loss_is_that_of_the_later_rounds(bench_with, same_bits):
    bench = bench_with(loss="black")
    (found,) = Scratch(of="random").prune(bench, [0.4])
    dense_loss, later = (bench.train(bench.network(), found.mask, round=round) for round in (0, 2))
    assert same_bits(found.network, later)
    assert not same_bits(found.network, dense_loss)


def test_density_one_is_the_dense_network_and_levels_are_what_they_are_alone(bench_with, same_bits):
    bench = bench_with()
    dense, half, low = Scratch().prune(bench, [1.0, 0.5, 0.3])
    assert dense.mask is None
    assert same_bits(dense.network, bench.dense())
    (half_alone,), (low_alone,) = (Scratch().prune(bench_with(), [density]) for density in (0.5, 0.3))
    assert same_bits(half.network, half_alone.network)
    assert same_bits(low.network, low_alone.network)
    assert Scratch().level_order == "independent"


def test_the_other_method_sees_its_own_draws(make_bench, bench_with, same_bits):
    (found,) = Scratch(of="random").prune(bench_with(method="scratch"), [0.4])
    own, other = (next(Random().prune(make_bench(method=name), [0.4])) for name in ("random", "scratch"))
    assert same_bits(found.mask, own.mask)
    assert not same_bits(found.mask, other.mask)


def test_a_control_of_a_control_is_refused(bench_with):
    with pytest.raises(ValueError, match="scratch borrows from another method itself"):
        list(Scratch(of="scratch").prune(bench_with(), [0.4]))


def test_it_is_declined_where_the_other_method_is(tiny, small):
    assert why_skipped(Scratch(of="structured-magnitude"), small) is None
    declined = why_skipped(Scratch(of="lt[variant=released-code]"), tiny)
    assert declined.startswith("lt[variant=released-code], which it borrows from: ")
    assert why_skipped(Scratch(), tiny) is None


def test_it_lends_nothing_and_borrows_tickets():
    assert Scratch(of="snip").borrows_from == ("snip",)
    assert (Scratch.gives, Scratch.borrows) == (None, "ticket")


@pytest.mark.parametrize("of", ["", "lt[of=lt[rate=0.5]]", "lt,snip", "*"])
def test_of_is_one_method_with_or_without_parameters(of):
    assert build_pruner("scratch", {"of": "lt[rate=0.75,scope=global]"}) == Scratch(of="lt[rate=0.75,scope=global]")
    with pytest.raises(UsageError, match="should match pattern"):
        build_pruner("scratch", {"of": of})
