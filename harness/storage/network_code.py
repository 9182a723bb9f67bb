"""The code of another distribution's network, which decides results as a method's does; ours has TRAINING_VERSION."""

import functools
from importlib.metadata import version
from typing import Any

from harness import plugins
from harness.networks import registered
from harness.networks.architecture import Architecture
from harness.storage.sources import digest_of_code, module_text, taken_from

_OURS = ("harness", "torch", "builtins", "abc", "typing")


def network_code(architecture: Architecture) -> list[str]:
    """Return what tells the code of an architecture's network, and of those that it is made of, from any other.

    Nothing for the harness's own networks, whose keys are as they always were, and for an unknown name; torchvision's
    version for its models.
    """
    name = architecture.factory
    if name.startswith(registered.TORCHVISION):
        return [f"torchvision {version('torchvision')}"]
    plugin = plugins.available(plugins.NETWORKS).get(name)
    if plugin is not None and plugin.is_ours:
        return []
    if plugin is None and name not in registered.INTERNAL:
        return []
    factory: Any = registered.factory_of(name)
    inner = [code for part in factory.made_of(architecture.arguments) for code in network_code(part)]
    return [*_code_of(factory), *inner]


@functools.cache
def _code_of(factory: Any) -> tuple[str, ...]:
    """Return a digest of each module behind a class that is not the harness's: of its bases and of its own package."""
    waiting = {kind.__module__ for kind in factory.__mro__}
    found: set[str] = set()
    while waiting:
        found |= waiting
        waiting = {home for module in waiting if _foreign(module) for home in _own_package(module)} - found
    texts = (module_text(module) for module in sorted(found) if _foreign(module))
    return tuple(digest_of_code(text) for text in texts if text is not None)


def _foreign(module: str) -> bool:
    return module.partition(".")[0] not in _OURS


def _own_package(module: str) -> set[str]:
    return taken_from(module, [module.partition(".")[0]])
