"""What one trial trains: an entry under a schedule, with some of their values changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from harness.errors import UsageError
from harness.losses.schedule import LossSchedule
from harness.planning.description import traits_of
from harness.planning.entries import Entry, reparametrised, values_of
from harness.results.names import DENSE
from harness.training.schedule import Schedule

Values = Mapping[str, Any]

SCHEDULE_FIELDS = ("learning_rate", "weight_decay")
"""What is tuned of the schedule, on the dense network alone."""


@dataclass(frozen=True)
class Candidate:
    """An entry under a schedule: what one trial trains."""

    entry: Entry
    schedule: Schedule
    losses: Mapping[str, LossSchedule]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all that could be tuned."""
        if self.entry.method == DENSE:
            return SCHEDULE_FIELDS
        return tuple(sorted({*traits_of(self.entry.method).parameters, *self.entry.loss.parameters}))

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return this candidate's own values of some parameters."""
        known = values_of(self.entry, self.losses)
        if self.entry.method == DENSE:
            known = {name: getattr(self.schedule, name) for name in SCHEDULE_FIELDS}
        return {name: known[name] for name in names}

    def with_values(self, values: Values) -> "Candidate":
        """Return the candidate with other ``values``. Raises `UsageError` where one is out of its field's range."""
        if self.entry.method != DENSE:
            return replace(self, entry=reparametrised(self.entry, values, self.losses))
        try:
            return replace(self, schedule=replace(self.schedule, **values))
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
            raise UsageError("the schedule got wrong values", faults=faults) from None
