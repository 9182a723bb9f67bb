"""Published results, in MLflow and back; no torch. `load` gives them to a notebook as pandas frames."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.results.notebook import Frames, load

__all__ = ["Frames", "load"]


def __getattr__(name: str) -> Any:
    """Return what a notebook asks for, loaded then (PEP 562): nothing else of the package needs MLflow."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness.results import notebook

    return getattr(notebook, name)
