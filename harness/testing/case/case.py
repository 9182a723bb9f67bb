"""What a check is given: the method under test, benches to try it on, and what it yields there."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from harness import plugins
from harness.losses.schedule import LossSchedule
from harness.networks.architecture import Network
from harness.networks.factories import parameter_count
from harness.planning.pruners import borrowed, why_skipped
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.running.inspection import inspect
from harness.sparsity.mask import DensityUnreachable
from harness.storage.canonical import digest
from harness.storage.store import Store
from harness.testing.case.failures import CheckFailed, CheckSkipped, raised
from harness.testing.case.networks import NETWORKS
from harness.testing.case.subject import Imported, Subject
from harness.testing.case.watched_bench import SCHEDULE, SIZE, WatchedBench, WatchedStore, first_of, split, start

LEVELS = (1.0, 0.6, 0.25)
"""Densities that checks ask for unless they are about densities."""


class Unreachable(CheckSkipped):
    """The method has no network of these densities, and says so."""


@dataclass(eq=False)
class Case:
    """One method in one check's process.

    ``shared`` is a store that all checks share, so that what is known is not computed again; ``folder`` has this
    process's captured output.
    """

    subject: Subject
    imported: Imported
    shared: Path
    folder: Path

    @property
    def pruner(self) -> Pruner:
        """The method under test. Raises `CheckSkipped` where it cannot be built."""
        if self.subject.pruner is None:
            raise CheckSkipped("no variant of the method can be built, see variants_can_be_built")
        return self.subject.pruner

    def networks(self) -> Iterator[str]:
        """Yield the names of the networks that the method does not decline. Raises `CheckSkipped` if there is none."""
        names = (name for name in NETWORKS if not self.declines(name))
        first = next(names, None)
        if first is None:
            raise CheckSkipped("the method declines every network of the suite")
        yield first
        yield from names

    def declines(self, network: str) -> str | None:
        """Return the sentence why the method, or one that it borrows from, does not apply, or None."""
        with blaming(network):
            return why_skipped(self.pruner, first_of(network))

    @property
    def network(self) -> str:
        """The first network that the method does not decline."""
        return next(self.networks())

    def fresh_store(self) -> WatchedStore:
        """Return an empty store."""
        return WatchedStore(Path(tempfile.mkdtemp(dir=self.folder)))

    def own_store(self) -> WatchedStore:
        """Return a store that is empty but for trained networks: the method's own work is done anew."""
        return WatchedStore(self.fresh_store().root, trainings=Store(self.shared))

    def bench(
        self,
        network: str | None = None,
        *,
        seed: int = 0,
        store: WatchedStore | None = None,
        initial: Network | None = None,
        losses: LossSchedule | None = None,
        kind: type[WatchedBench] = WatchedBench,
    ) -> WatchedBench:
        """Return a bench, on the shared store unless another is given; 48 training and 24 validation images."""
        plugins.available(plugins.PRUNERS)  # reads files of the harness's own concern, before a method is watched
        return kind(
            store=store or WatchedStore(self.shared),
            initial=initial or first_of(network or self.network, seed),
            own=lambda architecture: start(architecture, seed),
            train=split(48, seed=1),
            validation=split(24, seed=2),
            schedule=SCHEDULE,
            losses=losses or self.subject.losses,
            seed=seed,
            method=self.subject.method,
            environment="check",
            lend=borrowed,
        )

    def yields(self, bench: WatchedBench, densities: Sequence[float]) -> list[PrunedNetwork]:
        """Return what the method yields, one network per density; what it raises comes through as it is."""
        where = place(bench, densities)
        found = list(islice(self.pruner.prune(bench, tuple(densities)), len(densities) + 1))
        for pruned in found:
            if not (isinstance(pruned, PrunedNetwork) and isinstance(pruned.network, Network)):
                raise CheckFailed(f"the method yielded a {type(pruned).__name__}, expected a PrunedNetwork", where)
        if len(found) != len(densities):
            got = f"at least {len(found)}" if len(found) > len(densities) else str(len(found))
            raise CheckFailed(f"the method yielded {got} networks, expected {len(densities)}", where)
        return found

    def prune(self, bench: WatchedBench, densities: Sequence[float] = LEVELS) -> list[PrunedNetwork]:
        """Do as `yields`. Raises `CheckFailed` where the method raises, `Unreachable` where it has no such network."""
        with blaming(place(bench, densities)):
            return self.yields(bench, densities)

    def asked_for(self, density: float) -> tuple[float, ...]:
        """Return the densities with which the harness asks for one: 1 comes first where levels are sequential."""
        return (density,) if self.pruner.level_order == "independent" or density == 1 else (1.0, density)

    def reachable(self, bench: WatchedBench, densities: Sequence[float] = LEVELS) -> list[tuple[float, PrunedNetwork]]:
        """Return (density, network) for each density that the method has; each is asked for alone if not all are."""
        with suppress(Unreachable):
            return list(zip(densities, self.prune(bench, densities), strict=True))
        levels = []
        for density in densities:
            with suppress(Unreachable):
                levels.append((density, self.prune(bench, self.asked_for(density))[-1]))
        return levels

    @cached_property
    def standard(self) -> tuple[WatchedBench, list[PrunedNetwork]]:
        """What the method yields for `LEVELS` on the first network: for checks that only look at it."""
        bench = self.bench()
        return bench, self.prune(bench)

    def run(self, network: str | None = None, densities: Sequence[float] = LEVELS, **of_bench: Any) -> list[str]:
        """Return the bits of what the method yields on a bench of its own."""
        return [digest(pruned) for pruned in self.prune(self.bench(network, **of_bench), densities)]

    def require_no_fault(self, bench: WatchedBench, pruned: PrunedNetwork, density: float) -> None:
        """Raise `CheckFailed` unless all holds that the harness itself inspects in a yielded network."""
        with blaming(f"{bench.network().architecture}, density {density:g}"):
            dense = parameter_count(bench.network())
            faults = inspect(pruned, density, dense, self.pruner.density_tolerance, SIZE).faults
        if faults:
            raise CheckFailed("; ".join(faults) + "; expected none", place(bench, [density]))


@contextmanager
def blaming(where: str = "") -> Iterator[None]:
    """Turn what the method raises into a `CheckFailed` that says so."""
    try:
        yield
    except (CheckFailed, CheckSkipped):
        raise
    except DensityUnreachable as error:
        raise Unreachable(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:
        raise raised(error, where) from error


def place(bench: WatchedBench, densities: Sequence[float]) -> str:
    """Return where something happened: network and densities."""
    written = ", ".join(f"{density:g}" for density in densities)
    return f"network {bench.network().architecture}, densities {written}"


def differing(expected: Sequence[str], found: Sequence[str], densities: Sequence[float]) -> list[str]:
    """Return the densities whose bits differ, as text."""
    pairs = zip(expected, found, densities, strict=True)
    return [f"{density:g}" for one, other, density in pairs if one != other]
