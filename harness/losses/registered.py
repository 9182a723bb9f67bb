"""Losses by name: those registered as entry points, and those of a configuration. No torch before one is asked for.

The losses of another distribution are imported where they are asked for by name, in the command's own process and in
the workers': what they are is first tried in a process of its own.
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from harness import plugins
from harness.errors import UsageError, nearest, text_of
from harness.losses.schedule import NAMES, LossSchedule
from harness.plugin_process import ask
from harness.plugins import LOSSES, Plugin

ALIASES = {"class-dependent": "black"}

_KIND = "kind"


def schedule_named(name: str, own: Mapping[str, LossSchedule] | None = None) -> LossSchedule:
    """Return a loss by name, one of ``own`` before the registered ones.

    Raises `UsageError` naming the nearest one, or what is wrong with the registered object.
    """
    resolved = ALIASES.get(name, name)
    if own and resolved in own:
        return own[resolved]
    registered = plugins.available(LOSSES)
    if resolved not in registered:
        known = list(dict.fromkeys([*registered, *(own or ()), *ALIASES]))
        raise UsageError(f"unknown loss {name!r}{nearest(name, known)}", fix=f"use one of: {', '.join(known)}")
    return _loaded(registered[resolved])


def own_schedule(name: str, table: Mapping[str, Any]) -> LossSchedule:
    """Return the loss that a configuration's table ``[losses.NAME]`` says.

    Its keys are the fields of its kind, see `base_of`. Raises `UsageError` with all that is wrong.
    """
    base = base_of(table)
    return base.called(name, base.kind).with_fields({key: value for key, value in table.items() if key != _KIND})


def base_of(table: Mapping[str, Any]) -> LossSchedule:
    """Return the registered loss that a table changes: its ``kind``, else the plain one. Raises `UsageError`."""
    kind = table.get(_KIND, "plain")
    if not isinstance(kind, str):
        raise UsageError("should be a text", fix="`harness list losses` shows all")
    return schedule_named(kind)


def recorded_loss(values: Mapping[str, Any]) -> LossSchedule:
    """Return the loss that a recorded plan holds: its fields, by name. Raises `UsageError` where it is not here."""
    kind = values.get(_KIND) or ""
    base = schedule_named(kind or "plain")
    own = {name: value for name, value in values.items() if name not in NAMES}
    return base.called(str(values["name"]), base.kind).with_fields(own)


def taken_names() -> set[str]:
    """Return the names that a loss of a configuration cannot have: results of both would stand under one name."""
    return {*plugins.available(LOSSES), *ALIASES}


@functools.cache
def _loaded(plugin: Plugin) -> LossSchedule:
    """Return a registered loss under its name. Raises `UsageError` where it is none, or breaks a rule of losses."""
    if not plugin.is_ours and (broken := _first_broken(plugin)):
        raise UsageError(
            f"loss {plugin.name!r} of {plugin.source} cannot be used: {broken}",
            fix=f"mend {plugin.entry_point.value}; `harness check {plugin.name}` tries every rule (docs/plugins.md)",
        )
    return called(plugin)


def called(plugin: Plugin) -> LossSchedule:
    """Return the registered object under its name. Raises `UsageError` where it is no loss."""
    found = plugin.load()
    if not isinstance(found, LossSchedule):
        what = "the class itself: register an object of it" if isinstance(found, type) else f"a {type(found).__name__}"
        raise UsageError(
            f"plugin {plugin.name!r} of {plugin.source} is no LossSchedule: {plugin.entry_point.value} is {what}",
            fix="derive a frozen dataclass from harness.losses.LossSchedule, and register an object: NAME = Mine()",
        )
    return found.called(plugin.name, plugin.name).with_fields({})


def _first_broken(plugin: Plugin) -> str:
    from harness.losses.tried import process_state

    state = {**process_state(), "torch's number of threads": "1"}  # as every plugin's process has it
    del state["Python's random state"]  # which is drawn anew in each fork
    return ask(plugin, first_broken, plugin.name, state)


def first_broken(name: str, state: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return which rule of losses the one registered as ``name`` breaks first, and how; empty where it keeps them.

    ``state`` is that of its process before it was imported.
    """
    from harness.losses.tried import process_state

    if moved := [what for what, text in process_state().items() if state.get(what, text) != text]:
        return f"its import changes {', '.join(moved)}"
    return next((f"{rule}: {what}" for rule, what in outcomes(name) if what), "")


def outcomes(name: str) -> list[tuple[str, str]]:
    """Return (rule, what is wrong or an empty text) for each rule of losses, of the one registered as ``name``."""
    from harness.losses.rules import broken_rules

    try:
        loss = called(plugins.available(LOSSES)[name])
    except UsageError as error:
        return [("is_a_loss", " ".join([error.message, *error.faults]))]
    except Exception as error:
        return [("is_a_loss", text_of(error))]
    return list(broken_rules(loss))
