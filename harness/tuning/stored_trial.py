"""A trial as the studies' database has it: what Optuna keeps of every trial, and what we write beside that.

``claim``: who has the trial in hand (owner), what it tries (values) and its last sign of life (alive, seconds since
1970). ``outcome``: its levels, what they cost (spent) and the objective's mean over them. ``reason``: why it did not
end well. ``counted``: it is in the budget though it failed. ``tries`` and ``retry_of``: how often these values took
their process with them, and the trial that had them before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.results.trial_record import LevelResult, TrialRecord
from harness.tuning.candidate import Values
from harness.tuning.metered_store import Spent
from harness.tuning.objective import Objective

CLAIM, OUTCOME, REASON, COUNTED, TRIES, RETRY_OF = "claim", "outcome", "reason", "counted", "tries", "retry_of"


@dataclass(frozen=True, kw_only=True)
class StoredTrial:
    """One trial. ``state``: complete, pruned, failed, running, waiting; the values it has been ``suggested``.

    ``queued`` are the values that a person or we set for it. ``written`` is what we wrote, by name.
    """

    number: int
    state: str
    value: float | None
    suggested: Values
    queued: Values
    constraints: Mapping[str, float]
    written: Mapping[str, Any]

    def record(self, used: Callable[[Values], Values], objective: Objective) -> TrialRecord:
        """Return what is told of it; ``used`` turns suggested values into those that are trained."""
        outcome = self.written.get(OUTCOME, {})
        told = self.state in ("complete", "pruned")
        bounded = told and objective.fpr_bound is not None
        return TrialRecord(
            number=self.number,
            state=self.state,
            counted=told or bool(self.written.get(COUNTED)),
            value=float(outcome.get("mean", self.value)) if told else None,
            feasible=all(value <= 0 for value in self.constraints.values()) if bounded else None,
            parameters=self.written.get(CLAIM, {}).get("values") or used(self.suggested),
            levels=tuple(map(LevelResult.from_json, outcome.get("levels", []))),
            reason=str(self.written.get(REASON, "")),
            **asdict(Spent(**outcome.get("spent", {}))),
        )


def written_outcome(levels: Sequence[LevelResult], spent: Spent) -> dict[str, Any]:
    """Return what is written of how a trial went."""
    return {"levels": [level.to_json() for level in levels], "spent": asdict(spent)}
