"""Pruning methods side by side on imbalanced images: how small before a network misses more positives."""

TYPE_CHECKING = False  # typing's own would be an import
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"
__all__ = ["load_network", "read_network"]

_HOMES = {"load_network": "harness.shipping.load", "read_network": "harness.portable.network_file"}


def __getattr__(name: str) -> "Any":
    """Import what is asked for only then, so that `import harness` loads nothing. Source: PEP 562."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
