"""The plan of a run: every choice resolved and frozen, before anything is computed. Workers get nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.locating import DataPlan
from harness.evaluation.terms import Terms
from harness.initial.pretraining_options import Pretraining
from harness.initial.weights_choice import SIMULATED, is_trained
from harness.networks.architecture import Architecture
from harness.planning.cell_limit import CellLimit
from harness.planning.entries import Entry
from harness.results.names import REFERENCES
from harness.storage.canonical import digest
from harness.storage.network_code import network_code
from harness.training.schedule import Schedule
from harness.training.version import TRAINING_VERSION


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides a result, and where it is kept.

    ``densities`` descend from 1. ``weights`` names W0's convolutions as `Weights` does, and ``weights_file`` is their
    file where there is one. ``entries`` begin with the plain-loss dense network and, where its features are trained
    here, the probe; ``unusable`` tells of those that cannot be run, by their text, why. ``shared`` is the address
    of the object storage that ``store`` mirrors, empty where it is a store of its own.
    """

    preset: str
    entries: tuple[Entry, ...]
    seeds: tuple[int, ...]
    densities: tuple[float, ...]
    network: str
    weights: str
    weights_file: str | None
    data: DataPlan
    training: Schedule
    pretraining: Pretraining
    environment: str
    store: Path
    jobs: int
    cell_limit: CellLimit = field(default_factory=CellLimit)
    verdict: Terms = field(default_factory=Terms)
    unusable: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""

    @property
    def place(self) -> str:
        """Where stages are kept, in words."""
        return f"{self.shared}, mirrored in {self.store}" if self.shared else str(self.store)

    @property
    def trained(self) -> bool:
        """Whether W0 is a network that was trained elsewhere: it is the dense network, and is not trained here."""
        return is_trained(self.weights)

    @property
    def cell_count(self) -> int:
        """Number of (entry, seed, level) cells; the references have one level."""
        return len(self.seeds) * sum(len(levels_of(entry, self.densities)) for entry in self.entries)


def comparison(plan: Plan, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """Return what two results must share to stand in one table: data, network, size, schedule, W0, machine class.

    With another distribution's network goes its code.
    """
    return {
        "training version": TRAINING_VERSION,
        "dataset": plan.data.name,
        "stands in for": plan.data.fallback_for,
        "cutting": plan.data.cutting._asdict(),
        "fingerprints": dict(fingerprints),
        "network": plan.network,
        "size": plan.data.size,
        "weights": plan.weights,
        "pretraining": plan.pretraining if plan.weights == SIMULATED else None,
        "training": plan.training,
        "environment": plan.environment,
        **({"network code": code} if (code := network_code(Architecture(plan.network))) else {}),
    }


def setting_of(plan: Plan, pool: str) -> str:
    """Return a hash of what tuning and a run must share for the one to speak of the other; test is no part of it.

    ``pool`` is the hash of the images that training and validation are drawn from.
    """
    return digest(comparison(plan, {"pool": pool}))[:12]


def levels_of(entry: Entry, densities: Sequence[float]) -> tuple[float, ...]:
    """Return the levels that an entry runs at; the references only at density 1."""
    return (1.0,) if entry.method in REFERENCES else tuple(densities)
