"""Entries: a method with its parameters and its loss, under a canonical name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from harness.errors import UsageError
from harness.losses.schedules import WEIGHTS, LossSchedule, schedule_named
from harness.planning.description import Description, code_of, described, plain_value
from harness.planning.entry_text import parse_entry
from harness.planning.pruners import build_pruner, own_parameters
from harness.plugin_process import of_its_plugin
from harness.pruning.pruner import Pruner


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard: a method, its non-default parameters and its loss schedule.

    ``text`` is canonical (non-default fields, sorted) and the entry's name everywhere.
    """

    key_name: ClassVar[str] = ""
    text: str
    method: str
    parameters: tuple[tuple[str, Any], ...]
    loss: LossSchedule

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
            return entry_of(self.method, dict(self.parameters), "plain").text
        except UsageError:  # a plugin that cannot be imported
            return self.text

    def code(self) -> list[str]:
        """Return a hash of each source file of the method, of those that it extends or borrows from, and of what these
        import from beside them.

        A changed method is a new run.
        """
        try:
            lenders = [parse_entry(written) for written in self.described().borrows_from]
            found = [code_of(*one) for one in ((self.method, dict(self.parameters)), *lenders)]
        except UsageError:  # a plugin that cannot be imported has failed cells and no code
            return []
        return [code for _, code in sorted({module: code for one in found for module, code in one.items()}.items())]


@of_its_plugin
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
    own, weights = own_parameters(method, parameters)
    pruner = build_pruner(method, own)
    schedule = schedule_named(pruner.loss if loss is None else loss, losses)
    usual = schedule.weights
    if weights:
        schedule = schedule.with_weights({name: _number(name, value) for name, value in weights.items()})
    if loss is not None:
        renamed, pruner = pruner.without_loss()
        method = renamed or method
    changed = {
        field.name: plain_value(getattr(pruner, field.name))
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
    weights = schedule_named(entry.loss.name, losses).weights
    now = {name: entry.loss.weights.get(name, WEIGHTS[name]) for name in weights}
    return now | dict(entry.described().values)


def reparametrised(entry: Entry, values: Mapping[str, Any], losses: Mapping[str, LossSchedule] | None = None) -> Entry:
    """Return the entry with other ``values`` of some parameters. Raises `UsageError` as `entry_of` does."""
    usual = schedule_named(entry.loss.name, losses).weights
    weights = {name: value for name, value in values_of(entry, losses).items() if value != usual.get(name, value)}
    loss = None if entry.loss.name == entry.described().loss else entry.loss.name
    return entry_of(entry.method, {**dict(entry.parameters), **weights, **values}, loss, losses)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} is not a number", fix=f"write {name}=5") from None
