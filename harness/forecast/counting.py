"""The steps of an entry, without training: the method itself runs on a `DryBench`, whoever wrote it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch

from harness.data.asked import load_dataset
from harness.data.image_split import ImageSplit
from harness.data.simulated_dataset import SimulatedDataset
from harness.errors import text_of
from harness.forecast.dry_bench import SIZE, DryBench, DryStore, NotCounted, drawn, no_network
from harness.forecast.work import Cost, EntryWork, Piece
from harness.initial.weights_choice import SIMULATED, own_weights
from harness.networks.architecture import Architecture, Network
from harness.networks.stand_in import NAME
from harness.planning.entries import Entry, entry_of
from harness.planning.plan import Plan, levels_of
from harness.planning.pruners import borrowed, why_skipped
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Workbench
from harness.results.names import DENSE, PROBE
from harness.storage.canonical import digest
from harness.storage.store import Store

PROBED = Piece("probe", Cost("probe"))


@dataclass(frozen=True)
class Ground:
    """What a method runs on here. ``exact``: what it raises is raised; else it ends what it was asked for."""

    store: DryStore
    network: Network
    own: Callable[[Architecture], Network]
    split: ImageSplit
    bench: type[Workbench]
    exact: bool


class Counter:
    """Counts entries under one plan, whose training split has ``positives`` and ``negatives``; nothing is decoded.

    ``architectures`` are the networks of methods' own that it met, by name.
    """

    def __init__(self, plan: Plan, positives: int, negatives: int) -> None:
        self.plan, self.architectures = plan, dict[str, Architecture]()
        image = torch.randint(256, (1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        labels = torch.cat([torch.ones(positives), torch.zeros(negatives)]).to(torch.uint8)
        self._split = ImageSplit(image.expand(len(labels), 3, SIZE, SIZE), labels, (), "dry")
        self._dense = entry_of(DENSE, {})

    def work(self, entry: Entry) -> EntryWork:
        """Return what an entry asks for with one seed. A method that fails asks for what it has asked for by then."""
        if entry.method == PROBE:
            return EntryWork(((PROBED,),))
        if reason := self.plan.unusable.get(entry.text):
            return EntryWork(unknown=reason)
        try:
            pruner = entry.pruner()
            if why_skipped(pruner, self.planned, trained=self.plan.trained):
                return EntryWork()
            return EntryWork(self._counted(pruner, entry))
        except NotCounted:
            return EntryWork(unknown="it computes on a network of its own")
        except Exception as error:
            return EntryWork(unknown=text_of(error))

    @cached_property
    def planned(self) -> Network:
        """The network that the plan prunes, with drawn weights."""
        return drawn(Architecture(self.plan.network))

    def on_planned(self, entry: Entry, store: DryStore, split: ImageSplit) -> None:
        """Run a method on the planned network and a common bench, for what its computing takes."""
        self._levels(entry.pruner(), entry, Ground(store, self.planned, self._own(store), split, Workbench, exact=True))

    def _counted(self, pruner: Pruner, entry: Entry) -> list[Sequence[Piece]]:
        """Count on the stand-in; on the planned network where that is too small or the method brings its own."""
        store = self._store(computes=True)
        try:
            small = Ground(store, drawn(Architecture(NAME)), no_network, self._split, DryBench, exact=True)
            return self._levels(pruner, entry, small)
        except (NotCounted, Exception):
            store = self._store(computes=False)
            large = Ground(store, self.planned, self._own(store), self._split, DryBench, exact=False)
            return self._levels(pruner, entry, large)

    def _store(self, *, computes: bool) -> DryStore:
        return DryStore(self.plan.network, len(self._split.labels), computes=computes)

    def _levels(self, pruner: Pruner, entry: Entry, on: Ground) -> list[Sequence[Piece]]:
        densities = levels_of(entry, self.plan.densities)
        bench, dense = self._bench(on, entry), self._bench(on, self._dense)
        found: list[Sequence[Piece]] = []
        for asked in [[one] for one in densities] if pruner.level_order == "independent" else [densities]:
            end = len(found) + len(asked)
            try:
                networks = iter(pruner.prune(bench, tuple(asked)))
                for _ in asked:
                    next(networks)
                    if not found:  # beside whose scores this entry's are judged
                        dense.dense()
                    found.append(on.store.taken())
            except Exception:
                if on.exact:
                    raise
                found += [on.store.taken(), *[()] * (end - len(found) - 1)]  # as its cells will end
        return found

    def _bench(self, on: Ground, entry: Entry) -> Workbench:
        return on.bench(
            store=cast("Store", on.store),
            initial=on.network,
            own=on.own,
            train=on.split,
            validation=on.split,
            schedule=self.plan.training,
            losses=entry.loss,
            seed=0,
            method=entry.method,
            environment=self.plan.environment,
            lend=borrowed,
            trained=self.plan.trained,
        )

    def _own(self, store: DryStore) -> Callable[[Architecture], Network]:
        """Return what gives a method its own networks, and notes a pretraining where they get one."""

        def own(architecture: Architecture) -> Network:
            self.architectures[str(architecture)] = architecture
            if own_weights(self.plan.weights) == SIMULATED:
                store.note(pretraining(self.plan, str(architecture)))
            return drawn(architecture)

        return own


def pretraining(plan: Plan, architecture: str) -> Piece:
    """Return the pretraining of an architecture, which all seeds share; a unit is a step of the plan's batch."""
    training = plan.pretraining.training
    simulator = load_dataset(plan.pretraining.dataset)
    assert isinstance(simulator, SimulatedDataset)
    images = len(simulator.labels("pretraining"))
    steps = training.total_steps(images - images // 5)
    key = digest([plan.pretraining, plan.data.size, architecture, plan.environment])
    units = steps * training.batch_size / plan.training.batch_size
    return Piece(f"pretrain {key}", Cost("pretrain", architecture), units, steps)
