"""The methods asked for, written `lt`, `snip[images=128]`, `all` or a glob, as entries."""

import contextlib
import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness import plugins
from harness.entry_text import parse_bits, parse_entry, toml_text
from harness.errors import UsageError, nearest
from harness.losses.registered import schedule_named
from harness.losses.schedule import LossSchedule
from harness.planning.description import described, traits_of
from harness.planning.entries import FLOAT, Entry, entry_of
from harness.results.names import DENSE, PLAIN_LOSS, PROBE, REFERENCES

_LACKS = {"mask": "gives no mask", "ticket": "leaves no part of W0"}

Written = str | Mapping[str, Any]
"""One item of ``methods``: text, or a TOML table of a name and parameters."""


def resolve(
    written: Sequence[Written],
    common: Mapping[str, Any],
    loss: str | None,
    losses: Mapping[str, LossSchedule] | None = None,
    *,
    twins: bool = False,
) -> tuple[list[Entry], list[str]]:
    """Return the entries asked for, and notes: duplicates dropped, values not taken, what is borrowed.

    ``common`` are parameters for every method that has a field of that name, takes the value and was not given one.
    ``loss`` replaces every method's default; ``losses`` are the configuration's own. ``twins`` adds to each
    entry its twin in int8. Raises `UsageError` with all unknown names and wrong parameters at once.
    """
    selection = Selection(common, loss, losses or {}, twins)
    faults = _unusable(common, _named(written))
    for name in [name for name in REFERENCES if name in plugins.available(plugins.PRUNERS)]:
        faults.append(f"a plugin is registered as {name!r}, the name of a reference that every run has")
    for item in written:
        with _collected(faults):
            selection.add(item)
    floats = {entry.text: entry for entry in (one.in_float() for one in selection.entries.values())}
    for entry in floats.values():
        with _collected(faults, f"{entry.text}: "):
            selection.notes += _borrowing(entry, floats)
    if faults:
        raise UsageError("the methods asked for cannot be run", faults=list(dict.fromkeys(faults)))
    return list(selection.entries.values()), list(dict.fromkeys(selection.notes))


@dataclass
class Selection:
    """Entries by their text, as they are asked for; ``notes`` are what the user should know."""

    common: Mapping[str, Any]
    loss: str | None
    losses: Mapping[str, LossSchedule]
    twins: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, written: Written) -> None:
        """Add what one item stands for. Raises `UsageError` for an unknown name or a wrong parameter."""
        name, parameters, bits = _read(written)
        for entry in self._expanded(name, parameters):
            asked = [*([entry] if bits == FLOAT else []), *([entry.twin()] if bits != FLOAT or self.twins else [])]
            for one in asked:
                self._take(one, written if isinstance(written, str) else toml_text(written))

    def _take(self, entry: Entry, written: str) -> None:
        if entry.method == PROBE and entry.is_quantised:
            self.notes.append(f"{PROBE} is a regression on features, which nobody ships: it is not quantised")
        elif entry.text == DENSE or entry.method == PROBE:  # which no loss changes
            self.notes.append(f"{entry.method} is part of every run")
        else:
            if entry.text in self.entries:
                self.notes.append(f"{written}: {entry.text} was asked for more than once and runs once")
            self.entries.setdefault(entry.text, entry)

    def _expanded(self, name: str, parameters: Mapping[str, Any]) -> list[Entry]:
        """Return the entries of a name, a glob or ``all``; the last two run each method's variants.

        Among several methods, a plugin that cannot be imported becomes an entry whose cells fail; alone it is an error.
        """
        if not _is_pattern(name):
            return [self._entry(name, parameters)]
        matches = _matching(name)
        if not matches:
            raise UsageError(f"no method matches {name!r}", fix="`harness list methods` shows all names")
        return [entry for method in matches for entry in self._variants(method, parameters)]

    def _variants(self, method: str, parameters: Mapping[str, Any]) -> list[Entry]:
        """Return the method's variants that ``parameters`` do not contradict; those that they make alike are one."""
        try:
            entry_of(method, {}, None, self.losses)
            variants = traits_of(method).variants
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
            borrower = entry.described()
            for name, written in borrower.values.items():
                if written in borrower.borrows_from:
                    found[name] = replace(self, common=others)._resolved(*parse_entry(written), None).text
        return found

    def _resolved(self, method: str, given: Mapping[str, Any], loss: str | None) -> Entry:
        """Return the entry of a method with what is ``given`` and the common parameters that it has and takes."""
        known = traits_of(method).parameters
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


def _read(written: Written) -> tuple[str, dict[str, Any], int]:
    """Return name, parameters and bits of an item. Raises `UsageError`."""
    if not isinstance(written, Mapping):
        text, bits = parse_bits(written)
        name, parameters = parse_entry(text)
    else:
        parameters = dict(written)
        name, bits = parse_bits(str(parameters.pop("name", "")))
    loss = parameters.get("loss", "plain")
    if not isinstance(loss, str) or not loss:
        raise UsageError(f"{name}: loss = {toml_text(loss)} is not the name of a loss", fix="write loss=green")
    return name, parameters, bits


def _borrowing(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[str]:
    """Yield a note where an entry borrows from a method that the run has otherwise, or that has a loss of its own.

    Raises `UsageError` where that method is unknown, lends nothing that it could use, or borrows itself.
    """
    try:
        borrower = entry.described()
    except UsageError:  # a plugin that cannot be imported fails in its run, and alone
        return
    for written in borrower.borrows_from:
        lender = described(*parse_entry(written))
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
        if others and lender.lent not in [one.described().lent for one in others]:
            texts = ", ".join(one.text for one in others)
            yield f"{entry.text} borrows from {written}; the run has {texts}: of=NAME may say that"


def _is_pattern(name: str) -> bool:
    return name == "all" or any(sign in name for sign in "*?")


def _matching(pattern: str) -> list[str]:
    known = plugins.available(plugins.PRUNERS)
    return [one for one in known if pattern == "all" or fnmatch.fnmatchcase(one, pattern)]


def _named(written: Sequence[Written]) -> set[str]:
    """Return the names of the registered methods that are asked for."""
    found: set[str] = set()
    for item in written:
        with contextlib.suppress(UsageError):  # which adding it tells
            name = _read(item)[0]
            found |= {*(_matching(name) if _is_pattern(name) else [name])}
    return found


def _unusable(common: Mapping[str, Any], asked: Collection[str]) -> list[str]:
    """Return a fault for each common parameter that no method has, or whose value every method refuses.

    The methods are the harness's own and those asked for: nobody asked for what others there are.
    """
    known: dict[str, list[str]] = {}
    for method, plugin in plugins.available(plugins.PRUNERS).items() if common else ():
        if method in asked or plugin.is_ours:
            with contextlib.suppress(UsageError, TypeError):  # a broken plugin has no fields
                for name in traits_of(method).parameters:
                    known.setdefault(name, []).append(method)
    return [
        f"parameters.{name} = {toml_text(value)}: {_refusal(known[name][0], name, value)}"
        if name in known
        else f"parameters.{name}: no method has it, of those asked for and the harness's own{nearest(name, known)}"
        for name, value in common.items()
        if all(_refusal(method, name, value) for method in known.get(name, ()))
    ]


def _refusal(method: str, name: str, value: Any, given: Mapping[str, Any] | None = None) -> str:
    """Return why a method refuses a parameter's value, beside what is ``given``, or an empty text."""
    try:
        described(method, {**(given or {}), name: value})
    except UsageError as error:
        return str(error).replace("\n", " ")
    return ""
