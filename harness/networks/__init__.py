"""What a network is to the harness, and all that a new one needs; no torch before a name is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.networks.architecture import Architecture, Network, positive_scores
    from harness.networks.factories import build, copy_of, initialise, parameter_count, skeleton, state_of

__all__ = [
    "Architecture",
    "Network",
    "build",
    "copy_of",
    "initialise",
    "parameter_count",
    "positive_scores",
    "skeleton",
    "state_of",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in ("harness.networks.architecture", "harness.networks.factories"):
            if hasattr(module := import_module(home), name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
