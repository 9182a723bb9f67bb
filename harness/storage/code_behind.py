"""The code that a stored result depends on: a function's module, what is behind it, and what is handed in.

Not behind a result is what only raises, keeps, finds or plans: rewording an error computes nothing anew. Nor are the
networks, though any can be built by name: a result knows the class of the network, or the architecture, that is handed
in, so that a new network, or another one's forward, leaves it alone. A function that builds a network of its own choice
is to be handed its architecture.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from harness.networks import registered
from harness.networks.architecture import Architecture, Network
from harness.storage.sources import digest_of_code, module_text, taken_from

DECIDING_NOTHING = {
    *("errors", "environment", "plugins", "plugin_process", "progress", "field_values", "key_fields", "storage"),
    *("pruning", "planning", "running"),
}
"""Rooms of the core that no result depends on: a computed function gets no bench, no method, no store and no plan."""


def neighbours(module: str) -> set[str]:
    """Return the modules of a method's own package that ``module`` takes names from; none of the core's."""
    package = module.rpartition(".")[0]
    if not package or (module.startswith("harness.") and package != "harness.methods"):
        return set()
    return {home for home in taken_from(module, [package]) if f"{home}.".startswith(f"{package}.")}


def modules_behind(*modules: str) -> list[str]:
    """Return ``modules`` and all of their packages and of the core that names are taken from, theirs too; sorted."""
    found: set[str] = set()
    waiting = set(modules)
    while waiting:
        found |= waiting
        waiting = {home for module in waiting for home in neighbours(module) | _core(module)} - found
    return sorted(found)


def _core(module: str) -> set[str]:
    homes = {home for home in taken_from(module, ["harness"]) if home.startswith("harness.")}
    return {home for home in homes - {registered.__name__} if home.split(".")[1] not in DECIDING_NOTHING}


def texts(modules: list[str]) -> list[str]:
    """Return the source of each module that has a Python file."""
    return [text for text in map(module_text, modules) if text is not None]


def source_of(function: Callable[..., Any], *inputs: Any) -> list[str]:
    """Return what tells the code that computes ``function(*inputs)`` from any other: a digest a module.

    The modules are the function's own, those of the classes of ``inputs``, and those behind them. Raises RuntimeError
    where the function's file no longer is what was imported: its result would be kept under the new text.
    """
    _refuse_edited(function)
    handed_in = {kind.__module__ for kind in _classes(inputs)}
    return [digest_of_code(text) for text in texts(modules_behind(function.__module__, *handed_in))]


def foreign_code(value: Any) -> list[str]:
    """Return what tells the code of the dataclasses of ``value`` from any other, where it is not the harness's own.

    A digest a module: those of the classes and of what they extend, and those behind them. Empty where all of it is the
    harness's, whose versions keys know otherwise.
    """
    bases = {base for kind in _classes(value) for base in kind.__mro__}
    homes = {base.__module__ for base in bases} - {"builtins", "abc", "typing"}
    foreign = [home for home in homes if home.partition(".")[0] != "harness"]
    return [digest_of_code(text) for text in texts(modules_behind(*foreign))] if foreign else []


def _refuse_edited(function: Callable[..., Any]) -> None:
    file = function.__code__.co_filename
    compiled = compile(module_text(function.__module__) or "", file, "exec", dont_inherit=True)
    if function.__code__ not in compiled.co_consts:
        raise RuntimeError(f"{file} was edited while it ran: start the command again")


def _classes(value: Any) -> Iterator[type]:
    """Yield the classes whose code decides what ``value`` does: of networks and dataclasses, however deep."""
    if isinstance(value, Network):
        yield from _classes(value.architecture)
    elif isinstance(value, Architecture):
        yield registered.factory_of(value.factory)
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value)
        yield from _classes([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Mapping):
        yield from _classes(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _classes(item)
