"""The source that a result depends on: a module, its neighbours, and what they take from the core."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NOT_COMPUTING = {"harness.pruning.pruner", "harness.pruning.templates", "harness.pruning.workbench"}
"""Core modules that a stored result cannot depend on: a computed function gets no bench and no method."""


def neighbours(module: str) -> set[str]:
    """Return the modules of a method's own package that ``module`` takes names from; none of the core's."""
    package = module.rpartition(".")[0]
    if not package or (module.startswith("harness.") and package != "harness.methods"):
        return set()
    return {origin for origin in _origins(module) if origin.startswith(f"{package}.")}


def modules_behind(module: str) -> list[str]:
    """Return ``module`` and every module of its package and of the core that names are taken from, theirs too; sorted.

    A module's source is all that is known of it: a name that is imported inside a function is not followed.
    """
    found: set[str] = set()
    waiting = {module}
    while waiting:
        following = {one for origin in waiting for one in neighbours(origin) | _core(origin)}
        found |= waiting
        waiting = following - found
    return sorted(found)


def texts(modules: list[str]) -> list[str]:
    """Return the source of each module that has a Python file."""
    files = [getattr(sys.modules[module], "__file__", None) for module in modules]
    return [Path(file).read_text("utf-8") for file in files if file and file.endswith(".py")]


def _core(module: str) -> set[str]:
    return {origin for origin in _origins(module) if origin.startswith("harness.")} - _NOT_COMPUTING


def _origins(module: str) -> set[str]:
    values = vars(sys.modules[module]).values()
    origins = {getattr(value, "__module__", None) for value in values}
    return {origin for origin in origins if isinstance(origin, str) and origin in sys.modules}


def source_of(function: Callable[..., Any]) -> list[str]:
    """Return the source of the module that defines ``function``, and of those behind it.

    Raises RuntimeError where the file no longer is what was imported: its result would be kept under the new text.
    """
    source = inspect.getsource(sys.modules[function.__module__])
    compiled = compile(source, function.__code__.co_filename, "exec", dont_inherit=True)
    if function.__code__ not in compiled.co_consts:
        raise RuntimeError(f"{function.__code__.co_filename} was edited while it ran: start the command again")
    return [source, *texts([module for module in modules_behind(function.__module__) if module != function.__module__])]
