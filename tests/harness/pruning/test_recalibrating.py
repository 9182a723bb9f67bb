"""Who is asked whether there is anything to recalibrate, and what happens where no one was."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from harness.networks import registered
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.recalibrating import RecalibratingPruner
from harness.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Whole(RecalibratingPruner):
    """Prunes nothing."""

    source = "test"

    def prune(self, bench, densities):
        for _ in densities:
            yield self.finished(bench, PrunedNetwork(bench.network()))


@dataclass(frozen=True, kw_only=True)
class Forgetful(Whole):
    """Has a `skip` of its own, and does not ask the one that it replaces."""

    def skip(self, network):
        return None


class Normless(Network):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(8, 2))


@pytest.fixture
def normless(monkeypatch):
    monkeypatch.setitem(registered.INTERNAL, "normless", Normless)
    network = build(Architecture("normless"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def test_a_network_without_batch_norm_is_declined_where_it_would_be_recalibrated(normless, tiny):
    assert Whole(recalibrate=True).skip(normless) == "it has no batch norm to recalibrate"
    assert Whole(recalibrate=True).skip(tiny) is None
    assert Whole().skip(normless) is None


def test_a_method_that_forgot_to_ask_raises_rather_than_yield_what_is_not_recalibrated(make_bench, normless, tmp_path):
    bench, method = make_bench(initial=normless), Forgetful(recalibrate=True)
    assert method.skip(normless) is None
    with pytest.raises(ValueError, match="Forgetful cannot recalibrate a network without batch norm"):
        method.finished(bench, PrunedNetwork(bench.network()))
    with pytest.raises(ValueError, match="Forgetful cannot recalibrate"):
        next(method.prune(bench, [0.5]))
    assert list(Store(tmp_path / "store").folders()) == []


def test_without_recalibration_it_yields_what_it_has_to_the_bit(make_bench, normless, same_bits):
    pruned = PrunedNetwork(normless)
    assert Forgetful().finished(make_bench(initial=normless), pruned) is pruned
    (found,) = Forgetful().prune(make_bench(initial=normless), [0.5])
    assert same_bits(found.network, normless)


def test_where_there_are_norms_a_method_that_forgot_recalibrates_as_any_other(make_bench, same_bits):
    found, expected = (next(kind(recalibrate=True).prune(make_bench(), [0.5])) for kind in (Forgetful, Whole))
    assert same_bits(found.network, expected.network)
    (before,) = Whole().prune(make_bench(), [0.5])
    assert not same_bits(found.network, before.network)
