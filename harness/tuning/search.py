"""What is tuned of a plan: one search per entry, all checked before any begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.data.loading import pool_fingerprint
from harness.errors import HarnessError, UsageError, nearest
from harness.losses.schedule import LossSchedule
from harness.planning.description import skipped
from harness.planning.entries import Entry
from harness.planning.plan import Plan, comparison, levels_of, setting_of
from harness.planning.tuning_options import TuningOptions
from harness.results.names import DENSE, PROBE
from harness.storage.canonical import digest
from harness.tuning.candidate import Candidate, Values
from harness.tuning.objective import Objective
from harness.tuning.spaces import Space, space_of
from harness.tuning.study_definition import Definition


@dataclass(frozen=True, kw_only=True)
class Search:
    """One entry under one plan, the definition of its study, and how both are tuned."""

    plan: Plan
    candidate: Candidate
    definition: Definition
    options: TuningOptions

    @property
    def entry(self) -> Entry:
        """The entry as it was asked for: trial 0."""
        return self.candidate.entry

    def planned(self, values: Values) -> tuple[Plan, Candidate]:
        """Return the plan and the candidate of a trial. Raises `UsageError` for values that a method refuses."""
        candidate = self.candidate.with_values(values)
        return replace(self.plan, training=candidate.schedule), candidate


def spaces(
    plan: Plan, options: TuningOptions, losses: Mapping[str, LossSchedule]
) -> tuple[dict[str, Space], list[str]]:
    """Return the search space of each of the plan's entries by text, and a note on each that is not tuned.

    Raises `UsageError` with everything that is wrong with any of them.
    """
    faults = _unknown_methods(plan, options)
    found: dict[str, Space] = {}
    notes = []
    for entry in _tunable(plan):
        try:
            if sentence := _skipped(entry, plan):
                notes.append(f"{entry.text} is not tuned: {sentence}")
                continue
            space = space_of(Candidate(entry, plan.training, losses), options.space)
        except HarnessError as error:
            faults.append(str(error).replace("\n", "\n    "))
            continue
        if space:
            found[entry.text] = space
        else:
            notes.append(f"{entry.text} has no search space: it runs its default")
    if overlap := sorted({*plan.seeds} & {*options.seeds}):
        faults.append(
            f"seeds {', '.join(map(str, overlap))} are for tuning and for the run: results would be flattered"
        )
    if faults:
        raise UsageError("this cannot be tuned", faults=faults)
    return found, notes


def _tunable(plan: Plan) -> list[Entry]:
    """Return the plan's entries but for twins, which take what their entries get, and the probe, which validation
    tunes by itself in every run.
    """
    return [entry for entry in plan.entries if entry.method != PROBE and not entry.is_quantised]


def _skipped(entry: Entry, plan: Plan) -> str | None:
    """Return why there is nothing to choose by an entry's network; one that is broken fails in its run, and alone."""
    if plan.trained and entry.method == DENSE:
        return "it was trained elsewhere, so that the schedule stays as it is"
    try:
        return skipped(entry.method, dict(entry.parameters), plan.network, trained=plan.trained)
    except Exception as error:
        return (str(error) or type(error).__name__).splitlines()[0]


def _unknown_methods(plan: Plan, options: TuningOptions) -> list[str]:
    known = {entry.method for entry in _tunable(plan)}
    return [
        f"tuning.space.{method}: no entry of this command is of that method{nearest(method, known)}"
        for method in options.space
        if method not in known
    ]


def searches(
    plan: Plan, options: TuningOptions, losses: Mapping[str, LossSchedule], found: Mapping[str, Space], *, dense: bool
) -> list[Search]:
    """Return the search of the dense network's schedule, or those of the other entries, by their spaces."""
    pool = pool_fingerprint(plan.data, plan.store)
    objective = Objective(name=options.objective, fpr_bound=options.fpr_bound if options.objective == "fnr" else None)
    result = []
    for entry in plan.entries:
        if entry.text not in found or (entry.method == DENSE) != dense:
            continue
        levels = levels_of(entry, plan.densities)
        same = digest([comparison(plan, {"pool": pool}), levels, options.seeds, entry, entry.code()])[:8]
        candidate = Candidate(entry, plan.training, losses)
        definition = Definition(
            name=f"{options.study}: {plan.data.name} {entry.text} {same}",
            space=found[entry.text],
            default=candidate.values(found[entry.text]),
            objective=objective,
            facts={"entry": entry.text, "data set": plan.data.name, "setting": setting_of(plan, pool)},
        )
        result.append(Search(plan=plan, candidate=candidate, definition=definition, options=options))
    return result
