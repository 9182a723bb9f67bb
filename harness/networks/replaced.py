"""Torch's functions as a network calls them, some of them others: whatever layer or line of a forward calls them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

Replacement = Callable[..., Tensor]


class Replaced(TorchFunctionMode):
    """Within it, some of torch's functions are others, wherever a network calls them: in a layer or by itself."""

    def __init__(self, replacements: Mapping[Any, Replacement]) -> None:
        super().__init__()
        self._replacements = replacements

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call what stands in the place of ``func``."""
        return self._replacements.get(func, func)(*args, **(kwargs or {}))
