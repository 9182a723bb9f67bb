"""The source of a method: what makes its results those of another method when it changes."""

import sys
from pathlib import Path

from harness.canonical import digest
from harness.entries import Entry, pruner_class
from harness.errors import UsageError


def code_of(entry: Entry) -> list[str]:
    """Return the source files of a method, of those that it extends or borrows from, and of what these import there.

    A changed method is a new run.
    """
    try:
        pruner = entry.pruner()
        others = [pruner_class(name) for name in pruner.borrows_from]
    except UsageError:  # a plugin that cannot be imported has failed cells and no code
        return []
    kinds = {kind for method in (type(pruner), *others) for kind in method.__mro__}
    modules = {kind.__module__ for kind in kinds if kind.__module__ != "builtins"}
    modules |= {neighbour for module in modules for neighbour in _neighbours(module)}
    files = [getattr(sys.modules[module], "__file__", None) for module in sorted(modules)]
    return [digest(Path(file).read_text("utf-8")) for file in files if file and file.endswith(".py")]


def _neighbours(module: str) -> set[str]:
    """Return the modules of a method's package that ``module`` takes names from; the core has its own version."""
    package = module.rpartition(".")[0]
    if package in ("", "harness"):
        return set()
    origins = (getattr(value, "__module__", None) for value in vars(sys.modules[module]).values())
    return {origin for origin in origins if isinstance(origin, str) and origin.startswith(f"{package}.")}
