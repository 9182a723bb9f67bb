"""What a check is given: the method under test, benches to try it on, and its networks with their bits."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from harness.losses.schedules import LossSchedule
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import parameter_count, state_of
from harness.pruning.pruner import PrunedNetwork, Pruner
from harness.running.inspection import Inspection, inspect
from harness.sparsity.mask import DensityUnreachable, Mask
from harness.storage.canonical import digest
from harness.storage.store import Store
from harness.testing.case.failures import CheckFailed, CheckSkipped, raised
from harness.testing.case.networks import NETWORKS
from harness.testing.case.subject import Subject
from harness.testing.case.watched_bench import SIZE, WatchedBench, WatchedStore, make_bench, start
from harness.testing.case.watched_import import Imported

DECLINES_ALL = "the method declines every network of the suite"
NONE_REACHED = "on no network has the method any of the densities below 1 that are asked for"

LEVELS = (1.0, 0.6, 0.25)
"""Densities that checks ask for unless they are about densities."""


class Unreachable(CheckSkipped):
    """The method has no network of these densities, and says so."""


@dataclass
class Case:
    """One method in one check's process.

    ``folder`` has a store that all checks share, so that what is known is not computed again, and this process's
    captured output.
    """

    subject: Subject
    imported: Imported
    shared: Path
    folder: Path
    memo: dict[str, Any] = field(default_factory=dict)
    _initial: dict[tuple[str, int], Network] = field(default_factory=dict)

    @property
    def pruner(self) -> Pruner:
        """The method under test. Raises `CheckSkipped` where it cannot be built."""
        if self.subject.pruner is None:
            raise CheckSkipped("no variant of the method can be built, see variants_can_be_built")
        return self.subject.pruner

    def networks(self) -> list[str]:
        """Return the names of the networks that the method does not decline. Raises `CheckSkipped` if there is none."""
        taken = [name for name in NETWORKS if not self.declines(name)]
        if not taken:
            raise CheckSkipped(DECLINES_ALL)
        return taken

    def declines(self, network: str) -> str | None:
        """Return the method's sentence why it does not apply, or None."""
        with self.blaming(network):
            return self.pruner.skip(self.initial(network))

    @property
    def network(self) -> str:
        """The first network that the method does not decline."""
        taken = next((name for name in NETWORKS if not self.declines(name)), None)
        if taken is None:
            raise CheckSkipped(DECLINES_ALL)
        return taken

    def initial(self, network: str, seed: int = 0) -> Network:
        """Return W0 of a network, made once: the bench gives copies of it."""
        key = (network, seed)
        if key not in self._initial:
            self._initial[key] = start(Architecture(network), seed)
        return self._initial[key]

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
        """Return a bench; on the shared store unless another is given."""
        return make_bench(
            initial or self.initial(network or self.network, seed),
            store=store or WatchedStore(self.shared),
            seed=seed,
            method=self.subject.method,
            losses=losses or self.subject.losses,
            kind=kind,
        )

    def prune(self, bench: WatchedBench, densities: Sequence[float] = LEVELS) -> list[PrunedNetwork]:
        """Return what the method yields, one network per density. Raises `CheckFailed` where it does not."""
        found, refusal = self._until_refused(bench, densities)
        if refusal:
            raise refusal
        return found

    def _until_refused(
        self, bench: WatchedBench, densities: Sequence[float]
    ) -> tuple[list[PrunedNetwork], Unreachable | None]:
        """Return what the method yields, and the refusal if it ends in one. Raises `CheckFailed` as `prune` does."""
        where = place(bench, densities)
        found: list[PrunedNetwork] = []
        refusal = None
        try:
            with self.blaming(where):
                found.extend(islice(self.pruner.prune(bench, tuple(densities)), len(densities) + 1))
        except Unreachable as error:
            refusal = error
        for pruned in found:
            if not (isinstance(pruned, PrunedNetwork) and isinstance(pruned.network, Network)):
                raise CheckFailed(f"the method yielded a {type(pruned).__name__}, expected a PrunedNetwork", where)
        if refusal is None and len(found) != len(densities):
            got = f"at least {len(found)}" if len(found) > len(densities) else str(len(found))
            raise CheckFailed(f"the method yielded {got} networks, expected {len(densities)}", where)
        return found, refusal

    def asked_for(self, density: float) -> tuple[float, ...]:
        """Return the densities with which the harness asks for one: 1 comes first where levels are sequential."""
        return (density,) if self.pruner.level_order == "independent" or density == 1 else (1.0, density)

    def alone(self, bench: WatchedBench, density: float) -> PrunedNetwork:
        """Return what the method yields for one density; what it raises comes through as it is."""
        asked = self.asked_for(density)
        found = list(islice(self.pruner.prune(bench, asked), len(asked)))
        if len(found) != len(asked):
            what = f"the method yielded {len(found)} networks, expected {len(asked)}"
            raise CheckFailed(what, place(bench, asked))
        return found[-1]

    def reachable(self, bench: WatchedBench, densities: Sequence[float] = LEVELS) -> list[tuple[float, PrunedNetwork]]:
        """Return (density, network) for each density that the method has: those after a refusal are asked for alone.

        The refused one is asked for again, since a method may look at all densities before it yields the first.
        """
        found, _ = self._until_refused(bench, densities)
        levels = list(zip(densities, found, strict=False))
        for density in densities[len(found) :]:
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
        return [bits(pruned) for pruned in self.prune(self.bench(network, **of_bench), densities)]

    @contextmanager
    def blaming(self, where: str = "") -> Iterator[None]:
        """Turn what the method raises into a `CheckFailed` that says so."""
        try:
            yield
        except (CheckFailed, CheckSkipped):
            raise
        except DensityUnreachable as error:
            raise Unreachable(f"{where}: {error}") from error
        except (Exception, SystemExit) as error:
            raise raised(error, where) from error

    def apart(self, function: Callable[[], Any]) -> tuple[int, Any]:
        """Run ``function`` in a forked process; return its wait status and its JSON result, or None without one.

        Fork before anything is trained: afterwards torch's threads would be missing in the child.
        """
        result = Path(tempfile.mkdtemp(dir=self.folder)) / "result.json"
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(BaseException):
                result.write_text(json.dumps(_outcome(function)))
                status = 0
            os._exit(status)
        _, waited = os.waitpid(child, 0)
        if not result.exists():
            return waited, None
        failure, value = json.loads(result.read_text())
        if failure:
            kind, *parts = failure
            raise CheckFailed(*parts) if kind == "failed" else CheckSkipped(*parts)
        return waited, value

    def run_apart(self, function: Callable[[], Any]) -> Any:
        """Do as `apart`, and return the result alone. Raises `CheckFailed` where there is none."""
        status, value = self.apart(function)
        if value is None:
            raise CheckFailed(f"a process of its own ended with status {status}; expected it to run to its end")
        return value

    def inspected(self, pruned: PrunedNetwork, density: float, bench: WatchedBench) -> Inspection:
        """Return what the harness itself finds about a yielded network."""
        with self.blaming(f"{bench.network().architecture}, density {density:g}"):
            dense = parameter_count(bench.network())
            return inspect(pruned, density, dense, self.pruner.density_tolerance, SIZE)


def _outcome(function: Callable[[], Any]) -> tuple[list[str] | None, Any]:
    try:
        return None, function()
    except CheckFailed as failure:
        return ["failed", failure.what, failure.where], None
    except CheckSkipped as skipped:
        return ["skipped", str(skipped)], None


def place(bench: WatchedBench, densities: Sequence[float]) -> str:
    """Return where something happened: network and densities."""
    written = ", ".join(f"{density:g}" for density in densities)
    return f"network {bench.network().architecture}, densities {written}"


def bits(pruned: PrunedNetwork) -> str:
    """Return the hash of a yielded network: architecture, tensors, mask."""
    mask = None if pruned.mask is None else dict(pruned.mask)
    return digest([pruned.network.architecture, state_of(pruned.network), mask])


def floor_of(network: Network) -> int:
    """Return how many parameters no mask can remove."""
    ones = Mask.ones(network)
    return ones.total - sum(mask.numel() for mask in ones.values())


def differing(expected: Sequence[str], found: Sequence[str], densities: Sequence[float]) -> list[str]:
    """Return the densities whose bits differ, as text."""
    pairs = zip(expected, found, densities, strict=True)
    return [f"{density:g}" for one, other, density in pairs if one != other]
