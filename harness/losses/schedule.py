"""A loss as users name it: with numbers of its own, and resolved by round and class counts. No torch here."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from harness.field_values import built
from harness.key_fields import YOUNGER

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from harness.losses.loss import Loss

NAMES = ("name", "kind")
"""The fields that the harness fills in."""


@dataclass(frozen=True)
class LossSchedule(ABC):
    """A loss by name: a frozen dataclass whose fields, all with defaults, are its numbers and words.

    They are parameters of an entry, ``lt[loss=focal,focusing=1]``, checked against their types. ``source`` cites paper,
    section and equation; ``search_space`` has what `harness tune` searches, by field.

    ``name`` is what the loss is called, ``kind`` the registered loss that it is made of (empty: the paper's, whose keys
    are older than kinds). The harness sets both.
    """

    source: ClassVar[str] = ""
    search_space: ClassVar[Mapping[str, "BaseDistribution"]] = {}

    name: str = ""
    kind: str = field(default="", kw_only=True, metadata=YOUNGER)

    @abstractmethod
    def resolve(self, round: int, positives: int, negatives: int) -> "Loss":
        """Return the loss of pruning ``round`` (0 = dense) for a training split with these counts, each at least 1."""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that the class adds, with their values."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in NAMES}

    @property
    def parameters(self) -> dict[str, Any]:
        """What an entry may say of this loss, with its values."""
        return self.fields

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of parameters that the loss of this name usually has."""
        return {name: self.parameters[name] for name in names}

    def with_parameters(self, given: Mapping[str, Any]) -> Self:
        """Return the loss with other values of some `parameters`; numbers may be given as text.

        Raises `UsageError` with every one that the loss does not have, and every value that it does not take.
        """
        return self.with_fields(given)

    def with_fields(self, given: Mapping[str, Any]) -> Self:
        """Return the loss with other values of some fields, as a table of a configuration gives them.

        Raises `UsageError` as `with_parameters` does.
        """
        fixed = {name: getattr(self, name) for name in NAMES}
        return built(type(self), {**self.fields, **given}, f"loss {self.name!r}", fixed)

    def called(self, name: str, kind: str) -> Self:
        """Return the loss under a ``name``, made of the registered loss ``kind``."""
        return replace(self, name=name, kind=kind)
