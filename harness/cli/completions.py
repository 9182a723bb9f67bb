"""What the shell offers at TAB: names from entry points' metadata alone, so that nothing of theirs is imported."""

from collections.abc import Callable, Iterable

from harness import plugins
from harness.entry_text import INT8
from harness.errors import HarnessError

Completion = Callable[[str], list[str]]

_PATHS = ("folder", "csv")
_WEIGHTS = ("auto", "imagenet", "simulated", "kaiming")


def _names(group: str) -> list[str]:
    try:
        return list(plugins.available(group))
    except HarnessError:  # two distributions share a name: the verb itself says so
        return []


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def methods(incomplete: str) -> list[str]:
    """Complete the last of a comma-separated list of methods, after + its twin; nothing within brackets."""
    before, comma, last = incomplete.rpartition(",")
    if incomplete.count("[") > incomplete.count("]"):
        return []
    names = ["all", *_names(plugins.PRUNERS)]
    if "+" in last:
        names = [f"{name}{INT8}" for name in names]
    return [f"{before}{comma}{name}" for name in _starting(names, last)]


def datasets(incomplete: str) -> list[str]:
    """Complete a data set; those of one's own images go on with a path."""
    names = [f"{name}:" if name in _PATHS else name for name in _names(plugins.DATASETS)]
    return _starting(names, incomplete)


def networks(incomplete: str) -> list[str]:
    """Complete a network; torchvision's go on with a name."""
    return _starting([*_names(plugins.NETWORKS), "torchvision:"], incomplete)


def losses(incomplete: str) -> list[str]:
    """Complete a loss."""
    return _starting(_names(plugins.LOSSES), incomplete)


def checked(incomplete: str) -> list[str]:
    """Complete what `harness check` takes: a method, a network, a loss or a data set."""
    groups = (plugins.PRUNERS, plugins.NETWORKS, plugins.LOSSES, plugins.DATASETS)
    return _starting(sorted({name for group in groups for name in _names(group)}), incomplete)


def presets(incomplete: str) -> list[str]:
    """Complete a preset."""
    from harness.planning.presets import presets as known

    return _starting(known(), incomplete)


def one_of(*names: str) -> Completion:
    """Return a completion of some words."""

    def complete(incomplete: str) -> list[str]:
        return _starting(names, incomplete)

    return complete


quantisations = one_of("int8")

weights = one_of(*_WEIGHTS)
