"""The methods asked for, written `lt`, `snip[images=128]`, `all` or a glob, as entries."""

import contextlib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from harness import plugins
from harness.errors import UsageError, nearest
from harness.losses.schedules import LossSchedule, schedule_named
from harness.planning.entries import Entry, entry_of
from harness.planning.entry_text import parse_entry, toml_text
from harness.planning.pruners import borrowed, build_pruner, pruner_class
from harness.pruning.pruner import Pruner
from harness.pruning.recalibrating import RecalibratingPruner
from harness.results.names import DENSE, PLAIN_LOSS

_LACKS = {"mask": "gives no mask", "ticket": "leaves no part of W0"}

Written = str | Mapping[str, Any]
"""One item of ``methods``: text, or a TOML table of a name and parameters."""


def resolve(
    written: Sequence[Written],
    common: Mapping[str, Any],
    loss: str | None,
    losses: Mapping[str, LossSchedule] | None = None,
) -> tuple[list[Entry], list[str]]:
    """Return the entries asked for, and notes: duplicates dropped, values not taken, what is borrowed.

    ``common`` are parameters for every method that has a field of that name, takes the value and was not given one.
    ``loss`` replaces every method's default; ``losses`` are the configuration's own. Raises `UsageError` with all
    unknown names and wrong parameters at once.
    """
    selection = Selection(common, loss, losses or {})
    faults = _unusable(common)
    if DENSE in plugins.available(plugins.PRUNERS):
        faults.append(f"a plugin is registered as {DENSE!r}, the name of the reference that every run has")
    for item in written:
        with _collected(faults):
            selection.add(item)
    for entry in selection.entries.values():
        with _collected(faults, f"{entry.text}: "):
            selection.notes += _borrowing(entry, selection.entries)
    if faults:
        raise UsageError("the methods asked for cannot be run", faults=faults)
    return list(selection.entries.values()), list(dict.fromkeys(selection.notes))


@dataclass
class Selection:
    """Entries by their text, as they are asked for; ``notes`` are what the user should know."""

    common: Mapping[str, Any]
    loss: str | None
    losses: Mapping[str, LossSchedule]
    entries: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, written: Written) -> None:
        """Add what one item stands for. Raises `UsageError` for an unknown name or a wrong parameter."""
        for entry in self._expanded(*_read(written)):
            if entry.text == DENSE:
                self.notes.append(f"{DENSE} is part of every run")
                continue
            if entry.text in self.entries:
                shown = written if isinstance(written, str) else toml_text(written)
                self.notes.append(f"{shown}: {entry.text} was asked for more than once and runs once")
            self.entries.setdefault(entry.text, entry)

    def _expanded(self, name: str, parameters: Mapping[str, Any]) -> list[Entry]:
        """Return the entries of a name, a glob or ``all``; the last two run each method's variants.

        Among several methods, a plugin that cannot be imported becomes an entry whose cells fail; alone it is an error.
        """
        if name != "all" and not any(sign in name for sign in "*?"):
            return [self._entry(name, parameters)]
        matches = [one for one in plugins.available(plugins.PRUNERS) if name == "all" or fnmatch.fnmatchcase(one, name)]
        if not matches:
            raise UsageError(f"no method matches {name!r}", fix="`harness list methods` shows all names")
        return [entry for method in matches for entry in self._variants(method, parameters)]

    def _variants(self, method: str, parameters: Mapping[str, Any]) -> list[Entry]:
        """Return the method's variants that ``parameters`` do not contradict; those that they make alike are one."""
        try:
            variants = type(build_pruner(method, {})).variants
        except UsageError:
            return [Entry(method, method, (), schedule_named(self.loss or "plain", self.losses))]
        alike = [
            variant
            for variant in variants
            if all(str(parameters.get(name, value)) == str(value) for name, value in variant.items())
        ]
        entries = [self._entry(method, {**variant, **parameters}) for variant in alike or [{}]]
        return list({entry.text: entry for entry in entries}.values())

    def _entry(self, method: str, parameters: Mapping[str, Any]) -> Entry:
        given = {name: value for name, value in parameters.items() if name != "loss"}
        loss = parameters.get("loss") or self.loss
        lenders = self._lenders(self._resolved(method, given, loss))
        return self._resolved(method, {**given, **lenders}, loss)

    def _lenders(self, entry: Entry) -> dict[str, str]:
        """Return the fields of an entry that name a method it borrows from, each with the common parameters too.

        But for what changes neither a mask nor a ticket.
        """
        found = {}
        others = {name: value for name, value in self.common.items() if name != "recalibrate"}
        with contextlib.suppress(UsageError):  # `_borrowing` tells of a method that is not there
            pruner = entry.pruner()
            for one in fields(pruner):
                written = getattr(pruner, one.name)
                if written in pruner.borrows_from:
                    found[one.name] = replace(self, common=others)._resolved(*parse_entry(written), None).text
        return found

    def _resolved(self, method: str, given: Mapping[str, Any], loss: str | None) -> Entry:
        """Return the entry of a method with what is ``given`` and the common parameters that it has and takes."""
        known = {one.name for one in fields(pruner_class(method))}
        shared = {name: value for name, value in self.common.items() if name in known and name not in given}
        try:
            return entry_of(method, {**shared, **given}, loss, self.losses)
        except UsageError:
            refused = [name for name, value in shared.items() if _refusal(method, name, value, given)]
            if not refused:
                raise
        for name in refused:
            value = shared.pop(name)
            own = method if _refusal(method, name, value) else entry_of(method, given, loss, self.losses).text
            self.notes.append(f"parameters.{name} = {toml_text(value)} is not for {own}, which keeps its own")
        return entry_of(method, {**shared, **given}, loss, self.losses)


@contextlib.contextmanager
def _collected(faults: list[str], before: str = "") -> Iterator[None]:
    """Make a `UsageError` one of ``faults``, so that all are told at once."""
    try:
        yield
    except UsageError as error:
        faults.append(f"{before}{error}".replace("\n", "\n    "))


def _read(written: Written) -> tuple[str, dict[str, Any]]:
    if not isinstance(written, Mapping):
        name, parameters = parse_entry(written)
    else:
        parameters = dict(written)
        name = str(parameters.pop("name", ""))
    loss = parameters.get("loss", "plain")
    if not isinstance(loss, str) or not loss:
        raise UsageError(f"{name}: loss = {toml_text(loss)} is not the name of a loss", fix="write loss=green")
    return name, parameters


def _borrowing(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[str]:
    """Yield a note where an entry borrows from a method that the run has otherwise, or that has a loss of its own.

    Raises `UsageError` where that method is unknown, lends nothing that it could use, or borrows itself.
    """
    try:
        borrower = entry.pruner()
    except UsageError:  # a plugin that cannot be imported fails in its run, and alone
        return
    for written in borrower.borrows_from:
        lender = borrowed(written)
        if lender.borrows_from:
            raise UsageError(f"{written} borrows from another method itself", fix="borrow from that one")
        if lender.gives not in ("mask", borrower.borrows):
            raise UsageError(
                f"{written} {_LACKS[borrower.borrows]}",
                fix="borrow from a method that chooses among a network's weights"
                + (" or channels" if borrower.borrows == "ticket" else ""),
            )
        if lender.loss not in (PLAIN_LOSS, entry.loss.name):
            yield f"{entry.text}: {written} runs under this entry's loss {entry.loss.name}, not its own {lender.loss}"
        method = parse_entry(written)[0]
        others = [one for one in entries.values() if one.method == method and one.loss == entry.loss]
        if others and _lent(lender) not in [_lent(one.pruner()) for one in others]:
            texts = ", ".join(one.text for one in others)
            yield f"{entry.text} borrows from {written}; the run has {texts}: of=NAME may say that"


def _lent(lender: Pruner) -> Pruner:
    """Return a method as far as others borrow from it: recalibration changes neither mask nor ticket."""
    return replace(lender, recalibrate=False) if isinstance(lender, RecalibratingPruner) else lender


def _unusable(common: Mapping[str, Any]) -> list[str]:
    """Return a fault for each common parameter that no registered method has, or whose value every method refuses."""
    known: dict[str, list[str]] = {}
    for method in plugins.available(plugins.PRUNERS) if common else ():
        with contextlib.suppress(UsageError, TypeError):  # a broken plugin has no fields
            for one in fields(plugins.load(plugins.PRUNERS, method)):
                known.setdefault(one.name, []).append(method)
    return [
        f"parameters.{name} = {toml_text(value)}: {_refusal(known[name][0], name, value)}"
        if name in known
        else f"parameters.{name}: no method has it{nearest(name, known)}"
        for name, value in common.items()
        if all(_refusal(method, name, value) for method in known.get(name, ()))
    ]


def _refusal(method: str, name: str, value: Any, given: Mapping[str, Any] | None = None) -> str:
    """Return why a method refuses a parameter's value, beside what is ``given``, or an empty text."""
    try:
        build_pruner(method, {**(given or {}), name: value})
    except UsageError as error:
        return str(error).replace("\n", " ")
    return ""
