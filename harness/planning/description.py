"""What planning knows of a method: plain values, so that another distribution's is never imported for them here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.entry_text import parse_entry
from harness.errors import UsageError
from harness.networks.architecture import Architecture
from harness.networks.factories import skeleton
from harness.planning.pruners import build_pruner, pruner_class, why_it_is_skipped
from harness.plugin_process import of_its_plugin
from harness.pruning.pruner import Borrowable
from harness.pruning.recalibrating import RecalibratingPruner
from harness.storage.canonical import digest
from harness.storage.code_behind import neighbours
from harness.storage.sources import module_text, without_facts

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Traits:
    """What a method's class says: the names of its parameters, its variants, whether it is a control, and of itself
    its family, a line of description and its source; empty where it says none.
    """

    parameters: tuple[str, ...]
    variants: tuple[Mapping[str, Any], ...]
    control: bool
    family: str = ""
    description: str = ""
    source: str = ""


@dataclass(frozen=True)
class Description:
    """What a method with parameters says: all their values, its loss, and what it borrows and gives.

    ``lent`` are the values as far as others borrow from it: recalibration changes neither mask nor ticket.
    """

    values: Mapping[str, Any]
    lent: Mapping[str, Any]
    loss: str
    borrows_from: tuple[str, ...]
    borrows: Borrowable
    gives: Borrowable | None


@dataclass(frozen=True)
class Written:
    """A method as entries name it: its name, its non-default values, and the name of its default loss."""

    method: str
    changed: Mapping[str, Any]
    loss: str


@of_its_plugin
def traits_of(method: str) -> Traits:
    """Return what the class registered as ``method`` says. Raises `UsageError`."""
    kind = pruner_class(method)
    return Traits(
        parameters=tuple(field.name for field in fields(kind)),
        variants=tuple(plain_value(dict(one)) for one in kind.variants),
        control=kind.control is True,
        family=_said(kind.family),
        description=_said(_own_docstring(kind)).partition("\n")[0].replace("``", "`"),
        source=_said(getattr(kind, "source", "")),
    )


def _said(value: Any) -> str:
    return str(value).strip() if isinstance(value, str) else ""


def _own_docstring(kind: type) -> str | None:
    """Return the docstring that a class was given: not the one that dataclass makes of its fields."""
    text = kind.__doc__
    return None if text and text.startswith(f"{kind.__name__}(") else text


@of_its_plugin
def search_space_of(method: str) -> "Mapping[str, BaseDistribution]":
    """Return what may be tuned of ``method``, by parameter. Raises `UsageError`."""
    return dict(pruner_class(method).search_space)


@of_its_plugin
def described(method: str, parameters: Mapping[str, Any]) -> Description:
    """Return what ``method`` with ``parameters`` says. Raises `UsageError` as `build_pruner` does."""
    pruner = build_pruner(method, parameters)
    values = {field.name: plain_value(getattr(pruner, field.name)) for field in fields(pruner)}
    same = {"recalibrate": False} if isinstance(pruner, RecalibratingPruner) else {}
    return Description(
        values=values,
        lent={**values, **same},
        loss=pruner.loss,
        borrows_from=tuple(pruner.borrows_from),
        borrows=pruner.borrows,
        gives=pruner.gives,
    )


@of_its_plugin
def written(method: str, parameters: Mapping[str, Any], *, other_loss: bool) -> Written:
    """Return ``method`` with ``parameters`` as entries name it, or as they do where its loss is replaced by another's.

    Raises `UsageError` as `build_pruner` does.
    """
    pruner = build_pruner(method, parameters)
    if other_loss:
        renamed, pruner = pruner.without_loss()
        method = renamed or method
    if not isinstance(pruner.loss, str):
        raise UsageError(f"method {method!r} says that its loss is {pruner.loss!r}, which is no name")
    changed = {
        field.name: plain_value(getattr(pruner, field.name))
        for field in fields(pruner)
        if getattr(pruner, field.name) != field.default
    }
    return Written(method, changed, pruner.loss)


@of_its_plugin
def code_of(method: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of each source file of a method, of those that it extends, and of what these import beside them."""
    modules = {kind.__module__ for kind in type(build_pruner(method, parameters)).__mro__} - {"builtins"}
    modules |= {neighbour for module in modules for neighbour in neighbours(module)}
    found = {module: module_text(module) for module in modules}
    return {module: digest(without_facts(text)) for module, text in found.items() if text is not None}


def skipped(method: str, parameters: Mapping[str, Any], network: str, *, trained: bool = False) -> str | None:
    """Return one sentence why a method, or one that it borrows from, does not apply to ``network``, or None.

    ``trained``: W0 was trained elsewhere.
    """
    if sentence := _skipped(method, parameters, network, trained=trained):
        return sentence
    lenders = described(method, parameters).borrows_from
    sentences = ((other, _skipped(*parse_entry(other), network, trained=trained)) for other in lenders)
    return next((f"{other}, which it borrows from: {sentence}" for other, sentence in sentences if sentence), None)


@of_its_plugin
def _skipped(method: str, parameters: Mapping[str, Any], network: str, *, trained: bool) -> str | None:
    return why_it_is_skipped(build_pruner(method, parameters), skeleton(Architecture(network)), trained=trained)


def plain_value(value: Any) -> Any:
    """Return a parameter's value as Python's own types, tuples and lists and tables of them; what is none as text."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    if isinstance(value, Mapping):
        return {str(name): plain_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(plain_value, value)) if type(value) in (list, tuple) else [*map(plain_value, value)]
    return None if value is None else str(value)
