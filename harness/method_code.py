"""The source of a method: what makes its results those of another method when it changes."""

from harness.errors import UsageError
from harness.planning.entries import Entry, borrowed
from harness.storage.canonical import digest
from harness.storage.code_behind import neighbours, texts


def code_of(entry: Entry) -> list[str]:
    """Return a hash of each source file of a method, of those that it extends or borrows from, and of what these
    import from beside them.

    A changed method is a new run.
    """
    try:
        pruner = entry.pruner()
        methods = [pruner, *map(borrowed, pruner.borrows_from)]
    except UsageError:  # a plugin that cannot be imported has failed cells and no code
        return []
    modules = {kind.__module__ for method in methods for kind in type(method).__mro__} - {"builtins"}
    modules |= {neighbour for module in modules for neighbour in neighbours(module)}
    return [digest(text) for text in texts(sorted(modules))]
