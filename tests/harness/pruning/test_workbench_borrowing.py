"""What one method has of another on its bench: its mask, or what it leaves of W0."""

from dataclasses import dataclass

import pytest
import torch

from harness.methods.l_obs import LayerwiseOptimalBrainSurgeon
from harness.methods.lt import LotteryTicket
from harness.methods.magnitude import Magnitude
from harness.methods.mobilenet import MobileNet
from harness.methods.random import Random
from harness.methods.snip import Snip
from harness.methods.structured import StructuredMagnitude
from harness.networks.factories import build, copy_of, initialise
from harness.pruning.meter import Meter
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Ticket
from harness.sparsity.mask import Mask
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store
from harness.testing.narrowed import narrowed, widths_of

pytestmark = pytest.mark.slow

STEPS = 8
"""Of one training: two epochs of four batches."""


@dataclass(frozen=True, kw_only=True)
class Drawn(Pruner):
    """Keeps random weights at the densities that it is asked for, and notes these; trains the dense network for 1."""

    source = "test"
    level_order = "independent"

    def prune(self, bench, densities):
        asked.append((type(self).__name__, list(densities)))
        for density in densities:
            network = bench.dense() if density == 1 else bench.network()
            mask = Mask.ones(network)
            draws = bench.generator("scores")
            scores = {name: torch.rand(mask[name].shape, generator=draws) for name in mask}
            yield PrunedNetwork(network, prune_least(scores, mask, density))


class DrawnInOrder(Drawn):
    level_order = "sequential"


class Maskless(Drawn):
    def prune(self, bench, densities):
        yield from (PrunedNetwork(bench.network()) for _ in densities)


class Borrower(Drawn):
    def prune(self, bench, densities):
        yield from (PrunedNetwork(bench.network(), bench.mask_of("drawn", density)) for density in densities)


class Controlled(Drawn):
    def prune(self, bench, densities):
        yield from (PrunedNetwork(bench.ticket_of("drawn", density).network) for density in densities)


OTHERS = {
    "drawn": Drawn(),
    "in-order": DrawnInOrder(),
    "maskless": Maskless(),
    "borrower": Borrower(),
    "controlled": Controlled(),
    "mobilenet": MobileNet(),
    "lt": LotteryTicket(),
    "magnitude": Magnitude(),
    "magnitude-alone": Magnitude(retrain="none"),
    "magnitude-recalibrated": Magnitude(recalibrate=True),
    "snip-at-w0": Snip(images=20, start="W0"),
    "random": Random(),
    "l-obs": LayerwiseOptimalBrainSurgeon(images=20),
    "structured": StructuredMagnitude(),
    "structured-alone": StructuredMagnitude(retrain="none"),
}
asked = []


def borrowing(make_bench, **changes):
    return make_bench(lend=OTHERS.__getitem__, **changes)


@pytest.fixture
def small():
    network = build(narrowed("small-cnn", [8, 12, 16, 16]))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def trainings(store):
    return [kind for _, kind in store.folders()].count("train")


# --- masks


@pytest.mark.parametrize(
    ("name", "densities"), [("drawn", [0.4]), ("in-order", [1.0, 0.4])], ids=["independent", "sequential"]
)
def test_another_methods_mask_is_the_one_that_it_has_on_its_own_bench(make_bench, same_bits, name, densities):
    asked.clear()
    bench = borrowing(make_bench, method="borrower")
    mask = bench.mask_of(name, 0.4)
    assert asked == [(type(OTHERS[name]).__name__, densities)]
    *_, own = OTHERS[name].prune(make_bench(method=name), densities)
    assert mask.kept == round(0.4 * mask.total)
    assert same_bits(mask, own.mask)
    *_, elsewhere = OTHERS[name].prune(make_bench(method="borrower"), densities)
    assert not same_bits(mask, elsewhere.mask)
    ours, fresh = bench.generator("x"), make_bench(method="borrower").generator("x")
    assert torch.equal(
        torch.rand(3, generator=ours), torch.rand(3, generator=fresh)
    )  # it is the borrower's bench still


def test_what_another_methods_mask_costs_is_counted(make_bench):
    meter = Meter()
    bench = borrowing(make_bench, meter=meter)
    bench.mask_of("drawn", 0.4)
    assert meter.steps == 0
    bench.mask_of("in-order", 0.4)  # trains the dense network on its way
    assert meter.steps == STEPS
    bench.dense()
    assert meter.steps == STEPS


@pytest.mark.parametrize("epochs", [(0, 1), (1, 2)])
def test_what_another_method_trains_for_its_mask_is_not_the_borrowers_last_training(make_bench, epochs):
    meter, lent = Meter(), Meter()
    bench = borrowing(make_bench, meter=meter)
    bench.mask_of("lt", 0.4)  # three trainings: dense, a round to 1/2, a side step
    assert meter.steps == 3 * STEPS
    assert (meter.kept_epoch, meter.kept_step, meter.untrained) == (None, None, False)
    bench.train(bench.network(), epochs=epochs)
    own = (epochs[1], epochs[1] * STEPS // 2, False)
    assert (meter.kept_epoch, meter.kept_step, meter.untrained) == own
    bench.mask_of("in-order", 0.4)  # it used the dense network last, for whole 2 epochs; that was counted
    assert (meter.kept_epoch, meter.kept_step, meter.untrained) == own
    assert meter.steps == 3 * STEPS + STEPS // 2
    list(OTHERS["lt"].prune(make_bench(meter=lent), [1.0, 0.4]))
    assert (lent.kept_epoch, lent.kept_step) == (2, STEPS)
    assert meter.seconds > lent.seconds > 0


def dead(network):
    network = copy_of(network)
    torch.nn.init.zeros_(network.head[1].weight)
    return network


def test_a_network_that_another_method_could_not_train_does_not_make_the_borrowers_untrained(make_bench, tiny):
    meter = Meter()
    bench = borrowing(make_bench, initial=dead(tiny), meter=meter)
    bench.train(tiny)
    bench.mask_of("in-order", 0.4)
    assert (meter.kept_epoch, meter.kept_step, meter.untrained) == (2, STEPS, False)
    bench.train(bench.network())
    assert meter.untrained


def test_nor_does_what_another_method_trains_make_the_borrowers_trained(make_bench, tiny):
    meter = Meter()
    bench = borrowing(make_bench, meter=meter)
    bench.train(dead(tiny))
    bench.mask_of("in-order", 0.4)
    assert (meter.kept_epoch, meter.kept_step, meter.untrained) == (0, 0, True)
    assert meter.steps == STEPS


@pytest.mark.parametrize(
    ("name", "steps"),
    [("magnitude", STEPS), ("magnitude-recalibrated", STEPS), ("l-obs", STEPS), ("snip-at-w0", 0), ("random", 0)],
)
def test_for_the_mask_of_a_one_shot_method_nothing_is_trained_but_what_it_prunes(
    make_bench, same_bits, tmp_path, name, steps
):
    meter = Meter()
    mask = borrowing(make_bench, meter=meter).mask_of(name, 0.3)
    assert meter.steps == steps
    assert trainings(Store(tmp_path / "store")) == steps // STEPS
    (own,) = OTHERS[name].prune(make_bench(method=name), [0.3])
    assert same_bits(mask, own.mask)


def test_a_method_without_a_mask_or_with_a_borrowed_one_lends_none(make_bench, small):
    bench = borrowing(make_bench)
    with pytest.raises(ValueError, match="maskless gives no mask"):
        bench.mask_of("maskless", 0.4)
    with pytest.raises(ValueError, match="structured gives no mask"):
        borrowing(make_bench, initial=small).mask_of("structured", 0.4)
    for name in ("borrower", "controlled"):
        with pytest.raises(ValueError, match=f"{name} borrows from another method itself"):
            bench.mask_of(name, 0.4)
    with pytest.raises(ValueError, match="test borrows from another method itself"):
        make_bench().mask_of("drawn", 0.4)
    assert bench.mask_of("drawn", 0.4).kept > 0  # a refusal leaves the bench as it was


# --- tickets


def zeroed(network, mask):
    """The tensors of ``network`` with 0 where ``mask`` prunes, weight by weight."""
    return {
        name: torch.where(mask[name], tensor, 0.0) if name in mask else tensor
        for name, tensor in network.state_dict().items()
    }


def rounds(density):
    """How many trainings a lottery ticket of rate 1/2 takes to a density: its rounds, the last perhaps a side step."""
    trained, reached = 1, 1.0
    while reached > density:
        trained, reached = trained + 1, reached / 2
    return trained


@pytest.mark.parametrize("density", [0.6, 0.5, 0.35, 0.25])
def test_a_lottery_tickets_is_w0_under_its_mask_after_all_of_its_rounds(make_bench, same_bits, tmp_path, density):
    bench = borrowing(make_bench, loss="black")
    ticket = bench.ticket_of("lt", density)
    assert ticket.steps == rounds(density) * STEPS == trainings(Store(tmp_path / "store")) * STEPS
    *_, own = OTHERS["lt"].prune(make_bench(loss="black", method="lt"), [1.0, density])
    assert same_bits(ticket.mask, own.mask)
    assert same_bits(ticket.network, zeroed(bench.network(), own.mask))


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("magnitude", 2 * STEPS),
        ("magnitude-alone", STEPS),
        ("magnitude-recalibrated", 2 * STEPS),
        ("l-obs", STEPS),
        ("snip-at-w0", STEPS),
        ("random", STEPS),
    ],
)
def test_a_one_shot_methods_ticket_is_w0_under_its_mask_with_the_training_that_follows(
    make_bench, same_bits, name, steps
):
    bench = borrowing(make_bench, method="other")
    ticket = bench.ticket_of(name, 0.3)
    (own,) = OTHERS[name].prune(make_bench(method=name), [0.3])
    assert same_bits(ticket.mask, own.mask)
    assert same_bits(ticket.network, zeroed(bench.network(), own.mask))
    assert ticket.steps == steps


def strongest_filters(network, widths):
    """The indices of each layer's filters with the largest sums of absolute weights, in order."""
    layers = [layer for layer in network.features if isinstance(layer, torch.nn.Conv2d)]
    for layer, width in zip(layers, widths, strict=True):
        sizes = [sum(abs(value) for value in row.flatten().tolist()) for row in layer.weight.detach().double()]
        yield sorted(sorted(range(len(sizes)), key=lambda index: -sizes[index])[:width])


@pytest.mark.parametrize(("name", "steps"), [("structured", 2 * STEPS), ("structured-alone", STEPS)])
def test_of_a_channel_method_the_trained_networks_channels_are_cut_out_of_w0(make_bench, small, name, steps):
    bench = borrowing(make_bench, initial=small)
    ticket = bench.ticket_of(name, 0.4)
    assert ticket.mask is None
    assert ticket.steps == steps
    widths = widths_of(ticket.network)
    (own,) = OTHERS[name].prune(make_bench(initial=small), [0.4])
    assert widths == widths_of(own.network)
    found, w0, before = ticket.network.state_dict(), small.state_dict(), [0, 1, 2]
    for number, kept in enumerate(strongest_filters(bench.dense(), widths), start=1):
        assert torch.equal(found[f"features.conv{number}.weight"], w0[f"features.conv{number}.weight"][kept][:, before])
        assert torch.equal(found[f"features.norm{number}.weight"], w0[f"features.norm{number}.weight"][kept])
        before = kept
    assert torch.equal(found["head.1.weight"], w0["head.1.weight"][:, before])


def test_what_a_ticket_costs_is_not_counted_and_what_is_trained_from_it_is(make_bench):
    meter = Meter()
    bench = borrowing(make_bench, meter=meter)
    ticket = bench.ticket_of("lt", 0.5)
    assert meter == Meter()
    bench.train(ticket.network, ticket.mask, round=1)  # a stage that the ticket has trained too
    assert meter.steps == STEPS
    assert meter.seconds > 0
    assert bench.ticket_of("lt", 0.5).steps == 2 * STEPS  # nor does one bench's count touch another's


def test_the_other_method_draws_as_on_its_own_bench(make_bench, same_bits):
    ticket = borrowing(make_bench, method="controlled").ticket_of("random", 0.4)
    own, other = (next(Random().prune(make_bench(method=name), [0.4])) for name in ("random", "controlled"))
    assert same_bits(ticket.mask, own.mask)
    assert not same_bits(ticket.mask, other.mask)


def test_what_is_no_part_of_w0_or_borrowed_itself_gives_no_ticket(make_bench):
    bench = borrowing(make_bench)
    with pytest.raises(ValueError, match="Maskless gives no mask and does not say what it leaves of W0"):
        bench.ticket_of("maskless", 0.4)
    for name in ("borrower", "controlled"):
        with pytest.raises(ValueError, match=f"{name} borrows from another method itself"):
            bench.ticket_of(name, 0.4)
    with pytest.raises(ValueError, match="test borrows from another method itself"):
        make_bench().ticket_of("drawn", 0.4)
    assert isinstance(bench.ticket_of("drawn", 0.4), Ticket)
