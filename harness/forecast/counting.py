"""The steps of an entry, without training: the method itself runs on a `DryBench`, whoever wrote it."""

from collections.abc import Callable

import torch

from harness.data.image_split import ImageSplit
from harness.errors import text_of
from harness.forecast.dry_bench import SIZE, DryBench, DryStore, NotCounted, drawn, no_network
from harness.forecast.stand_in import NAME
from harness.forecast.work import Cost, EntryWork, Piece
from harness.initial.weights_choice import SIMULATED, own_weights
from harness.networks.architecture import Architecture, Network
from harness.planning.entries import Entry, entry_of
from harness.planning.plan import Plan, levels_of
from harness.planning.pruners import borrowed, why_skipped
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Workbench
from harness.results.names import DENSE, PROBE
from harness.storage.canonical import digest

PROBED = Piece("probe", Cost("probe"))


class Counter:
    """Counts entries under one plan, whose training split has ``positives`` and ``negatives``; nothing is decoded."""

    def __init__(self, plan: Plan, positives: int, negatives: int) -> None:
        self.plan = plan
        count = positives + negatives
        images = torch.randint(256, (1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        labels = torch.cat([torch.ones(positives), torch.zeros(negatives)]).to(torch.uint8)
        self._split = ImageSplit(images.expand(count, 3, SIZE, SIZE), labels, (), "dry")
        self._planned: Network | None = None
        self._dense = entry_of(DENSE, {})

    def work(self, entry: Entry) -> EntryWork:
        """Return what an entry asks for with one seed. A method that fails asks for what it has asked for by then."""
        if entry.method == PROBE:
            return EntryWork(((PROBED,),))
        if reason := self.plan.unusable.get(entry.text):
            return EntryWork(unknown=reason)
        try:
            pruner = entry.pruner()
            if why_skipped(pruner, self.planned):
                return EntryWork()
            return self._counted(pruner, entry)
        except NotCounted:
            return EntryWork(unknown="it computes on a network of its own")
        except Exception as error:
            return EntryWork(unknown=text_of(error))

    @property
    def planned(self) -> Network:
        """The network that the plan prunes, with drawn weights."""
        if self._planned is None:
            self._planned = drawn(Architecture(self.plan.network))
        return self._planned

    def _counted(self, pruner: Pruner, entry: Entry) -> EntryWork:
        """Count on the stand-in; on the planned network where that is too small or the method brings its own."""
        try:
            return EntryWork(self._levels(pruner, entry, drawn(Architecture(NAME)), computes=True))
        except (NotCounted, Exception):
            return EntryWork(self._levels(pruner, entry, self.planned, computes=False))

    def _levels(self, pruner: Pruner, entry: Entry, network: Network, *, computes: bool) -> list[list[Piece]]:
        store = DryStore(self.plan.network, len(self._split.images), computes=computes)
        own = no_network if computes else self._own(store)
        bench = self._bench(store, network, own, entry)
        densities = levels_of(entry, self.plan.densities)
        calls = [[one] for one in densities] if pruner.level_order == "independent" else [densities]
        found: list[list[Piece]] = []
        for asked in calls:
            networks = iter(pruner.prune(bench, tuple(asked)))
            for _ in asked:
                next(networks)
                if not found:  # beside whose scores this entry's are judged
                    self._bench(store, network, own, self._dense).dense()
                found.append(store.taken())
        return found

    def _bench(
        self, store: DryStore, network: Network, own: Callable[[Architecture], Network], entry: Entry
    ) -> Workbench:
        return DryBench(
            store=store,
            initial=network,
            own=own,
            train=self._split,
            validation=self._split,
            schedule=self.plan.training,
            losses=entry.loss,
            seed=0,
            method=entry.method,
            environment=self.plan.environment,
            lend=borrowed,
        )

    def _own(self, store: DryStore) -> Callable[[Architecture], Network]:
        """Return what gives a method its own networks, and notes a pretraining where they get one."""

        def own(architecture: Architecture) -> Network:
            if own_weights(self.plan.weights) == SIMULATED:
                store.note(pretraining(self.plan, str(architecture)))
            return drawn(architecture)

        return own


def pretraining(plan: Plan, architecture: str) -> Piece:
    """Return the pretraining of an architecture, which all seeds share."""
    key = digest([plan.pretraining, plan.data.size, architecture, plan.environment])
    return Piece(f"pretrain {key}", Cost("pretrain", architecture), 1.0)
