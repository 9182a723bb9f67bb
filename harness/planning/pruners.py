"""Registered methods built from parameters, and what one borrows from another."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import plugins
from harness.errors import UsageError, nearest
from harness.losses.schedules import WEIGHTS
from harness.networks.architecture import Network
from harness.planning.entry_text import parse_entry, toml_text
from harness.pruning.dense import Dense
from harness.pruning.probe import Probe
from harness.pruning.pruner import Pruner
from harness.results.names import DENSE, PROBE

_REFERENCES: Mapping[str, type[Pruner]] = {DENSE: Dense, PROBE: Probe}


def pruner_class(method: str) -> type[Pruner]:
    """Return the class that is registered as ``method``. Raises `UsageError`."""
    kind = _REFERENCES.get(method) or plugins.load(plugins.PRUNERS, method)
    if not (isinstance(kind, type) and issubclass(kind, Pruner)):
        raise UsageError(f"plugin {method!r} is not a Pruner class", fix="derive it from harness.pruning.Pruner")
    return kind


def build_pruner(method: str, parameters: Mapping[str, Any]) -> Pruner:
    """Return the registered ``method`` with ``parameters``; numbers may be given as text.

    Raises `UsageError` with every unknown or wrong parameter at once.
    """
    kind = pruner_class(method)
    known = [field.name for field in fields(kind)]
    faults = [f"{name!r} is not a parameter{nearest(name, known)}" for name in parameters if name not in known]
    try:
        given = {name: value for name, value in parameters.items() if name in known}
        pruner: Pruner = TypeAdapter(kind).validate_python(given)
        faults += [text for name, value in given.items() if (text := _other_type(name, value, getattr(pruner, name)))]
    except ValidationError as error:
        faults += [_fault(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
    if faults:
        raise UsageError(
            f"method {method!r} got wrong parameters",
            faults=faults,
            fix=f"its parameters are: {', '.join(known) or 'none'}",
        )
    return pruner


def _other_type(name: str, given: Any, taken: Any) -> str:
    """Return why a value of TOML's is refused that Python would turn into another: true for 1, 1 for true."""
    if isinstance(given, str) or isinstance(given, bool) == isinstance(taken, bool):
        return ""
    return f"{name}: should be {'true or false' if isinstance(taken, bool) else 'a number'}, not {toml_text(given)}"


def _fault(place: str, message: str) -> str:
    """Return what is wrong where; a method's own refusal has no place and stands as the method writes it."""
    return f"{place}: {message}" if place else message.removeprefix("Value error, ")


def borrowed(written: str) -> Pruner:
    """Return the method that another one borrows from, written as an entry. Raises `UsageError`."""
    return build_pruner(*parse_entry(written))


def why_skipped(pruner: Pruner, network: Network) -> str | None:
    """Return one sentence why a method, or one that it borrows from, does not apply to ``network``, or None."""
    if sentence := pruner.skip(network):
        return sentence
    sentences = ((other, borrowed(other).skip(network)) for other in pruner.borrows_from)
    return next((f"{other}, which it borrows from: {sentence}" for other, sentence in sentences if sentence), None)


def own_parameters(method: str, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the method's own parameters and those of its loss."""
    known = {field.name for field in fields(pruner_class(method))}
    own = {name: value for name, value in parameters.items() if name in known or name not in WEIGHTS}
    return own, {name: value for name, value in parameters.items() if name not in own}
