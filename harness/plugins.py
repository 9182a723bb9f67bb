"""Methods, data sets, networks and losses by entry point: built-ins and third parties by the same path."""

import functools
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.errors import UsageError, nearest, text_of

PRUNERS = "harness.pruners"
DATASETS = "harness.datasets"
NETWORKS = "harness.networks"
LOSSES = "harness.losses"

_KINDS = {PRUNERS: "method", DATASETS: "data set", NETWORKS: "network", LOSSES: "loss"}

OURS = "prune-harness"


@dataclass(frozen=True)
class Plugin:
    """One registered name, and where it comes from; nothing is imported before `load`."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def source(self) -> str:
        """The distribution and version that registers the name."""
        return f"{self.distribution} {self.version}"

    @property
    def is_ours(self) -> bool:
        """Whether the harness itself registers the name."""
        return self.distribution == OURS

    def load(self) -> Any:
        """Import and return the registered object. Raises `UsageError` with the reason when that fails."""
        try:
            return self.entry_point.load()
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"plugin {self.name!r} of {self.source} cannot be imported from {self.entry_point.value}:"
                f" {text_of(error)}",
                fix=f"mend or uninstall {self.distribution}; `harness list --check` tries all",
            ) from error


@functools.lru_cache(maxsize=4)
def _registered(group: str, path: tuple[str, ...]) -> tuple[Plugin, ...]:  # noqa: ARG001
    """Return what is registered on ``path``; read once, since that takes longer than all else that a lookup does."""
    found: dict[tuple[str, str, str], Plugin] = {}
    for point in entry_points(group=group):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown", "?")
        # A checkout on the path shows its metadata twice.
        found.setdefault((point.name, point.value, name), Plugin(point.name, name, version, point))
    return tuple(found.values())


def available(group: str) -> dict[str, Plugin]:
    """Return the plugins of ``group`` by name, sorted. Raises `UsageError` where two distributions share a name."""
    plugins: dict[str, Plugin] = {}
    clashes = []
    for plugin in sorted(_registered(group, tuple(sys.path)), key=lambda plugin: plugin.name):
        if other := plugins.get(plugin.name):
            clashes.append(f"{plugin.name!r} is registered by {other.source} and by {plugin.source}")
        plugins[plugin.name] = plugin
    if clashes:
        raise UsageError(
            "plugins of one name: which one is meant cannot be known",
            faults=clashes,
            fix="uninstall one of the two distributions",
        )
    return plugins


def load(group: str, name: str) -> Any:
    """Return the object registered as ``name``. Raises `UsageError` naming the nearest name."""
    plugins = available(group)
    if name not in plugins:
        raise UsageError(
            f"unknown {_KINDS[group]} {name!r}{nearest(name, plugins)}", fix=f"use one of: {', '.join(plugins)}"
        )
    return plugins[name].load()
