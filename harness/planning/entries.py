"""Entries: a method with its parameters and its loss, under a canonical name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from harness.entry_text import INT8, parse_entry
from harness.errors import UsageError, nearest
from harness.key_fields import YOUNGER
from harness.losses.registered import schedule_named
from harness.losses.schedule import LossSchedule
from harness.planning.description import Description, Written, code_of, described, traits_of, written
from harness.planning.method_facts import facts_of
from harness.planning.pruners import build_pruner
from harness.portable.quantisation import quantiser_versions
from harness.pruning.pruner import Pruner
from harness.results.method_facts import MethodFacts
from harness.results.names import PLAIN_LOSS
from harness.storage.canonical import digest
from harness.storage.code_behind import foreign_code

FLOAT = 32


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard: a method, its non-default parameters, its loss schedule and the bits of its weights.

    ``text`` is canonical (non-default fields, sorted) and the entry's name everywhere. ``bits`` is 32; or 8 of a
    `twin`, whose networks are those of the same entry, quantised.
    """

    key_name: ClassVar[str] = ""
    text: str
    method: str
    parameters: tuple[tuple[str, Any], ...]
    loss: LossSchedule
    bits: int = field(default=FLOAT, metadata=YOUNGER)

    @property
    def is_quantised(self) -> bool:
        """Whether its networks are quantised."""
        return self.bits != FLOAT

    def twin(self) -> "Entry":
        """Return the entry of the same networks in int8."""
        return self if self.is_quantised else replace(self, text=f"{self.text}{INT8}", bits=8)

    def in_float(self) -> "Entry":
        """Return the entry whose networks these are before they are quantised."""
        return replace(self, text=self.text.removesuffix(INT8), bits=FLOAT) if self.is_quantised else self

    def pruner(self) -> Pruner:
        """Return the method, built from its parameters: imported in this process, which is for jobs to do."""
        return build_pruner(self.method, dict(self.parameters))

    def described(self) -> Description:
        """Return what the method says of itself with its parameters. Raises `UsageError`."""
        return described(self.method, dict(self.parameters))

    @property
    def plain(self) -> str:
        """The text of the same method under the plain loss: what tells two losses of one method."""
        try:
            plain = entry_of(self.method, dict(self.parameters), "plain")
            return (plain.twin() if self.is_quantised else plain).text
        except UsageError:  # a plugin that cannot be imported
            return self.text

    @property
    def control(self) -> bool:
        """Whether it is there for others to be compared with."""
        try:
            return traits_of(self.method).control
        except UsageError:  # a plugin that cannot be imported
            return False

    def facts(self) -> MethodFacts:
        """Return what is told of the method with its results; of one that cannot be imported, who registers it."""
        return facts_of(self.method)

    def code(self) -> list[str]:
        """Return a hash of each source file of the method, of those that it extends or borrows from, and of what these
        import from beside them; of a loss of another distribution, too.

        A changed method or loss is a new run, and so is a network quantised by another version.
        """
        try:
            lenders = [parse_entry(one) for one in self.described().borrows_from]
            found = [code_of(*one) for one in ((self.method, dict(self.parameters)), *lenders)]
        except UsageError:  # a plugin that cannot be imported has failed cells and no code
            return []
        codes = sorted({module: code for one in found for module, code in one.items()}.items())
        quantiser = [digest(quantiser_versions())] if self.is_quantised else []
        return [*(code for _, code in codes), *foreign_code(self.loss), *quantiser]


def entry_of(
    method: str,
    parameters: Mapping[str, Any],
    loss: str | None = None,
    losses: Mapping[str, LossSchedule] | None = None,
) -> Entry:
    """Return the canonical entry of a method, with its default loss unless ``loss`` names another.

    ``losses`` are the configuration's own by name. Parameters that the method has no field for are the loss's. Raises
    `UsageError` with every one that neither has, and every wrong value.
    """
    known = traits_of(method).parameters
    own = {name: value for name, value in parameters.items() if name in known}
    others = {name: value for name, value in parameters.items() if name not in known}
    said, faults = _attempted(lambda: written(method, own, other_loss=loss is not None))
    usual = schedule_named(_default_loss(method, said) if loss is None else loss, losses)
    has = {name: value for name, value in usual.parameters.items() if name not in known}
    schedule, wrong = _attempted(
        lambda: usual.with_parameters({name: value for name, value in others.items() if name in has})
    )
    unknown = [f"{name!r} is not a parameter{nearest(name, [*known, *has])}" for name in others if name not in has]
    if said is None or schedule is None or unknown:
        raise UsageError(
            f"method {method!r} got wrong parameters",
            faults=[*unknown, *faults, *wrong],
            fix=f"its parameters are: {', '.join(known) or 'none'}; those of its loss, {usual.name}:"
            f" {', '.join(has) or 'none'}",
        )
    return _entry(said, usual, schedule)


Said = TypeVar("Said")


def _attempted(ask: Callable[[], Said]) -> tuple[Said | None, list[str]]:
    """Return an answer, or what is wrong with the values that were given. Raises any other `UsageError`."""
    try:
        return ask(), []
    except UsageError as error:
        if not error.faults:
            raise
        return None, error.faults


def _default_loss(method: str, said: Written | None) -> str:
    """Return the loss that a method trains with; that of its defaults where its values are wrong."""
    said = said or _attempted(lambda: written(method, {}, other_loss=False))[0]
    return said.loss if said else PLAIN_LOSS


def _entry(said: Written, usual: LossSchedule, schedule: LossSchedule) -> Entry:
    """Return the entry of a method under ``schedule``, which is ``usual`` with other values."""
    before = usual.parameters
    others = {name: value for name, value in schedule.values(before).items() if value != before[name]}
    shown = {**said.changed, **others, **({"loss": usual.name} if usual.name != said.loss else {})}
    inside = ",".join(f"{name}={shown[name]}" for name in sorted(shown))
    text = f"{said.method}[{inside}]" if inside else said.method
    return Entry(text, said.method, tuple(sorted(said.changed.items())), schedule)


def values_of(entry: Entry, losses: Mapping[str, LossSchedule] | None = None) -> dict[str, Any]:
    """Return all parameters of an entry by name, defaults included, its loss's among them."""
    usual = schedule_named(entry.loss.name, losses).parameters
    return entry.loss.values(usual) | dict(entry.described().values)


def reparametrised(entry: Entry, values: Mapping[str, Any], losses: Mapping[str, LossSchedule] | None = None) -> Entry:
    """Return the entry with other ``values`` of some parameters. Raises `UsageError` as `entry_of` does."""
    usual = schedule_named(entry.loss.name, losses).parameters
    numbers = {name: value for name, value in entry.loss.values(usual).items() if value != usual[name]}
    loss = None if entry.loss.name == entry.described().loss else entry.loss.name
    return entry_of(entry.method, {**numbers, **dict(entry.parameters), **values}, loss, losses)
