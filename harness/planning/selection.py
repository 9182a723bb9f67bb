"""The methods asked for, written `lt`, `snip[images=128]`, `all` or a glob, as entries."""

import contextlib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from harness import plugins
from harness.errors import UsageError, nearest
from harness.losses.schedules import LossSchedule, schedule_named
from harness.planning.entries import Entry, borrowed, build_pruner, entry_of, own_parameters
from harness.planning.entry_text import parse_entry
from harness.pruning.dense import DENSE


def _parse(written: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(written, Mapping):
        parameters = dict(written)
        return str(parameters.pop("name", "")), parameters
    return parse_entry(written)


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
    """What holds for every entry: common parameters, a loss in the place of defaults, the user's own losses.

    ``notes`` collects what the user should know.
    """

    common: Mapping[str, Any]
    loss: str | None
    losses: Mapping[str, LossSchedule]
    notes: list[str]


def resolve(
    written: Sequence[str | Mapping[str, Any]],
    common: Mapping[str, Any],
    loss: str | None,
    losses: Mapping[str, LossSchedule] | None = None,
) -> tuple[list[Entry], list[str]]:
    """Return the entries asked for, and notes: duplicates dropped, values not taken, what is borrowed.

    ``common`` are parameters for every method that has a field of that name, takes the value and was not given one.
    ``loss`` replaces every method's default; ``losses`` are the configuration's own. Raises `UsageError` with all
    unknown names and wrong parameters at once.
    """
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    faults = _unusable(common)
    if DENSE in plugins.available(plugins.PRUNERS):
        faults.append(f"a plugin is registered as {DENSE!r}, the name of the reference that every run has")
    for item in written:
        try:
            for entry in _expand(item, _Asked(common, loss, losses or {}, notes)):
                if entry.text == DENSE:
                    notes.append(f"{DENSE} is part of every run")
                    continue
                if entry.text in entries:
                    notes.append(f"{item}: {entry.text} was asked for more than once and runs once")
                entries.setdefault(entry.text, entry)
        except UsageError as error:
            faults.append(str(error).replace("\n", "\n    "))
    for entry in entries.values():
        try:
            notes += _borrowing(entry, entries)
        except UsageError as error:
            faults.append(f"{entry.text}: {error}".replace("\n", "\n    "))
    if faults:
        raise UsageError("the methods asked for cannot be run", faults=faults)
    return list(entries.values()), notes


def _borrowing(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[str]:
    """Yield a note where an entry borrows from a method that the run has otherwise, or that has a loss of its own.

    Raises `UsageError` where that method is unknown, lends no mask, or borrows itself.
    """
    try:
        lenders = entry.pruner().borrows_from
    except UsageError:  # a plugin that cannot be imported fails in its run, and alone
        return
    for written in lenders:
        lender = borrowed(written)
        if lender.borrows_from or not lender.gives_mask:
            what = "takes its mask from another method itself" if lender.borrows_from else "gives no mask"
            raise UsageError(f"{written} {what}", fix="borrow from a method that chooses among a network's weights")
        if lender.loss != entry.loss.name:
            yield f"{entry.text}: {written} runs under this entry's loss {entry.loss.name}, not its own {lender.loss}"
        method = parse_entry(written)[0]
        others = [one.text for one in entries.values() if one.method == method and one.loss == entry.loss]
        if others and written not in others:
            yield f"{entry.text} borrows from {written}; the run has {', '.join(others)}: of=NAME may say that"


def _unusable(common: Mapping[str, Any]) -> list[str]:
    """Return a fault for each common parameter that no registered method has, or whose value every method refuses."""
    known: dict[str, list[str]] = {}
    for method in plugins.available(plugins.PRUNERS) if common else ():
        with contextlib.suppress(UsageError, TypeError):  # a broken plugin has no fields
            for field in fields(plugins.load(plugins.PRUNERS, method)):
                known.setdefault(field.name, []).append(method)
    return [
        f"parameters.{name} = {value!r}: {_refusal(known[name][0], name, value)}"
        if name in known
        else f"parameters.{name}: no method has it{nearest(name, known)}"
        for name, value in common.items()
        if all(_refusal(method, name, value) for method in known.get(name, ()))
    ]


def _refusal(method: str, name: str, value: Any) -> str:
    """Return why a method refuses a parameter's value, or an empty text."""
    try:
        build_pruner(method, {name: value})
    except UsageError as error:
        return str(error).replace("\n", " ")
    return ""


def _entry(method: str, parameters: dict[str, Any], asked: _Asked) -> Entry:
    own_loss = parameters.get("loss")
    given = {name: value for name, value in parameters.items() if name != "loss"}
    known = {field.name for field in fields(type(build_pruner(method, own_parameters(method, given)[0])))}
    shared = {name: value for name, value in asked.common.items() if name in known and name not in given}
    for name in [name for name, value in shared.items() if _refusal(method, name, value)]:
        asked.notes.append(f"parameters.{name} = {shared.pop(name)!r} is not for {method}, which keeps its own")
    return entry_of(method, {**shared, **given}, own_loss or asked.loss, asked.losses)
