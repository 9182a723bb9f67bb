"""The methods asked for, written `lt`, `snip[images=128]`, `all` or a glob, as canonical entries."""

import contextlib
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import plugins
from harness.errors import UsageError
from harness.loss_schedule import WEIGHTS, LossSchedule, schedule_named
from harness.pruner import Pruner
from harness.reference import DENSE, Dense
from harness.suggestions import nearest

_WRITTEN = re.compile(r"^(?P<name>[^\[\]]+)(\[(?P<parameters>[^\[\]]*)\])?$")


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard: a method, its non-default parameters and its loss schedule.

    ``text`` is canonical (non-default fields, sorted) and the entry's name everywhere.
    """

    text: str
    method: str
    parameters: tuple[tuple[str, Any], ...]
    loss: LossSchedule

    def pruner(self) -> Pruner:
        """Return the method, built from its parameters."""
        return build_pruner(self.method, dict(self.parameters))


def pruner_class(method: str) -> type[Pruner]:
    """Return the class that is registered as ``method``. Raises `UsageError`."""
    kind = Dense if method == DENSE else plugins.load(plugins.PRUNERS, method)
    if not (isinstance(kind, type) and issubclass(kind, Pruner)):
        raise UsageError(f"plugin {method!r} is not a Pruner class", fix="derive it from harness.pruner.Pruner")
    return kind


def build_pruner(method: str, parameters: Mapping[str, Any]) -> Pruner:
    """Return the registered ``method`` with ``parameters``; numbers may be given as text.

    Raises `UsageError` with every unknown or wrong parameter at once.
    """
    kind = pruner_class(method)
    known = [field.name for field in fields(kind)]
    faults = [f"{name!r} is not a parameter{nearest(name, known)}" for name in parameters if name not in known]
    try:
        pruner: Pruner = TypeAdapter(kind).validate_python({k: v for k, v in parameters.items() if k in known})
    except ValidationError as error:
        faults += [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    if faults:
        raise UsageError(
            f"method {method!r} got wrong parameters",
            faults=faults,
            fix=f"its parameters are: {', '.join(known) or 'none'}",
        )
    return pruner


def entry_of(
    method: str,
    parameters: Mapping[str, Any],
    loss: str | None = None,
    losses: Mapping[str, LossSchedule] | None = None,
) -> Entry:
    """Return the canonical entry of a method, with its default loss unless ``loss`` names another schedule.

    ``losses`` are the configuration's own schedules by name. Parameters ``gamma`` and ``lambda`` replace the loss's own
    where it has them, unless the method has fields of these names.
    """
    own, weights = _split(method, parameters)
    pruner = build_pruner(method, own)
    schedule = schedule_named(pruner.loss if loss is None else loss, losses)
    usual = schedule.weights
    if weights:
        schedule = schedule.with_weights({name: _number(name, value) for name, value in weights.items()})
    if loss is not None:
        renamed, pruner = pruner.without_loss()
        method = renamed or method
    changed = {
        field.name: getattr(pruner, field.name)
        for field in fields(pruner)
        if getattr(pruner, field.name) != field.default
    }
    now = {name: schedule.weights.get(name, WEIGHTS[name]) for name in usual}
    shown = changed | {name: value for name, value in now.items() if value != usual[name]}
    if schedule.name != pruner.loss:
        shown["loss"] = schedule.name
    written = ",".join(f"{name}={shown[name]}" for name in sorted(shown))
    text = f"{method}[{written}]" if written else method
    return Entry(text, method, tuple(sorted(changed.items())), schedule)


def values_of(entry: Entry, losses: Mapping[str, LossSchedule] | None = None) -> dict[str, Any]:
    """Return all parameters of an entry by name, defaults included, its loss's weights among them."""
    pruner = entry.pruner()
    weights = schedule_named(entry.loss.name, losses).weights
    now = {name: entry.loss.weights.get(name, WEIGHTS[name]) for name in weights}
    return now | {field.name: getattr(pruner, field.name) for field in fields(pruner)}


def reparametrised(entry: Entry, values: Mapping[str, Any], losses: Mapping[str, LossSchedule] | None = None) -> Entry:
    """Return the entry with other ``values`` of some parameters. Raises `UsageError` as `entry_of` does."""
    pruner = entry.pruner()
    usual = schedule_named(entry.loss.name, losses).weights
    weights = {name: value for name, value in values_of(entry, losses).items() if value != usual.get(name, value)}
    loss = None if entry.loss.name == pruner.loss else entry.loss.name
    return entry_of(entry.method, {**dict(entry.parameters), **weights, **values}, loss, losses)


def _split(method: str, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the method's own parameters and those of its loss."""
    known = {field.name for field in fields(pruner_class(method))}
    own = {name: value for name, value in parameters.items() if name in known or name not in WEIGHTS}
    return own, {name: value for name, value in parameters.items() if name not in own}


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} is not a number", fix=f"write {name}=5") from None


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
    known = {field.name for field in fields(type(build_pruner(method, _split(method, given)[0])))}
    shared = {name: value for name, value in asked.common.items() if name in known and name not in given}
    return entry_of(method, {**shared, **given}, own_loss or asked.loss, asked.losses)
