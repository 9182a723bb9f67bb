"""The methods asked for, written `lt`, `snip[images=128]`, `all` or a glob, as entries."""

import contextlib
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from harness import plugins
from harness.entries import Entry, build_pruner, entry_of, own_parameters
from harness.errors import UsageError
from harness.loss_schedule import LossSchedule, schedule_named
from harness.reference import DENSE
from harness.suggestions import nearest

_WRITTEN = re.compile(r"^(?P<name>[^\[\]]+)(\[(?P<parameters>[^\[\]]*)\])?$")


def split_list(text: str) -> list[str]:
    """Split ``lt,snip[images=64,scope=layer]`` at the commas outside brackets."""
    parts = re.split(r",(?![^\[\]]*\])", text)
    return [part.strip() for part in parts if part.strip()]


def _parse(written: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(written, Mapping):
        parameters = dict(written)
        return str(parameters.pop("name", "")), parameters
    match = _WRITTEN.match(written)
    if match is None:
        raise UsageError(f"cannot read method {written!r}", fix="write it as name or name[parameter=value,...]")
    pairs = [pair.partition("=") for pair in (match["parameters"] or "").split(",") if pair.strip()]
    parameters = {name.strip(): value.strip() for name, _, value in pairs}
    if len(parameters) < len(pairs):
        raise UsageError(f"method {written!r} gives a parameter twice")
    return match["name"].strip(), parameters


def _expand(written: str | Mapping[str, Any], asked: "_Asked") -> list[Entry]:
    """Return the entries of a name, a glob or ``all``; ``all`` and globs run each method's variants.

    Among several methods, a plugin that cannot be imported becomes an entry whose cells fail; alone it is an error.
    """
    name, parameters = _parse(written)
    if "loss" in parameters and (not isinstance(parameters["loss"], str) or not parameters["loss"]):
        raise UsageError(f"{name}: loss = {parameters['loss']!r} is not the name of a loss", fix="write loss=green")
    if name != "all" and not any(sign in name for sign in "*?"):
        return [_entry(name, parameters, asked)]
    known = plugins.available(plugins.PRUNERS)
    matches = [method for method in known if name == "all" or fnmatch.fnmatchcase(method, name)]
    if not matches:
        raise UsageError(f"no method matches {name!r}", fix="`harness list methods` shows all names")
    entries = []
    for method in matches:
        try:
            variants = type(build_pruner(method, {})).variants
        except UsageError:
            entries.append(Entry(method, method, (), schedule_named(asked.loss or "plain", asked.losses)))
            continue
        entries += [_entry(method, {**variant, **parameters}, asked) for variant in variants]
    return entries


@dataclass(frozen=True)
class _Asked:
    """What holds for every entry: common parameters, a loss in the place of defaults, the user's own losses."""

    common: Mapping[str, Any]
    loss: str | None
    losses: Mapping[str, LossSchedule]


def resolve(
    written: Sequence[str | Mapping[str, Any]],
    common: Mapping[str, Any],
    loss: str | None,
    losses: Mapping[str, LossSchedule] | None = None,
) -> tuple[list[Entry], list[str]]:
    """Return the entries asked for and a note for each duplicate dropped.

    ``common`` are parameters for every method that has a field of that name and was not given one. ``loss`` replaces
    every method's default; ``losses`` are the configuration's own. Raises `UsageError` with all unknown names and
    wrong parameters at once.
    """
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    faults = _unknown(common)
    if DENSE in plugins.available(plugins.PRUNERS):
        faults.append(f"a plugin is registered as {DENSE!r}, the name of the reference that every run has")
    for item in written:
        try:
            for entry in _expand(item, _Asked(common, loss, losses or {})):
                if entry.text == DENSE:
                    notes.append(f"{DENSE} is part of every run")
                    continue
                if entry.text in entries:
                    notes.append(f"{item}: {entry.text} was asked for more than once and runs once")
                entries.setdefault(entry.text, entry)
        except UsageError as error:
            faults.append(str(error).replace("\n", "\n    "))
    if faults:
        raise UsageError("the methods asked for cannot be run", faults=faults)
    return list(entries.values()), notes


def _unknown(common: Mapping[str, Any]) -> list[str]:
    """Return a fault for each common parameter that no registered method has."""
    known: set[str] = set()
    for name in plugins.available(plugins.PRUNERS) if common else ():
        with contextlib.suppress(UsageError, TypeError):  # a broken plugin has no fields
            known |= {field.name for field in fields(plugins.load(plugins.PRUNERS, name))}
    return [f"parameters.{name}: no method has it{nearest(name, known)}" for name in common if name not in known]


def _entry(method: str, parameters: dict[str, Any], asked: _Asked) -> Entry:
    own_loss = parameters.get("loss")
    given = {name: value for name, value in parameters.items() if name != "loss"}
    known = {field.name for field in fields(type(build_pruner(method, own_parameters(method, given)[0])))}
    shared = {name: value for name, value in asked.common.items() if name in known and name not in given}
    return entry_of(method, {**shared, **given}, own_loss or asked.loss, asked.losses)
