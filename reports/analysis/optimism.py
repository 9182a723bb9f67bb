"""How much choosing the best of many trials flattered it: its validation AUC against those on fresh seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.reports.analysis.estimates import mean
from harness.reports.analysis.outcomes import Outcome
from harness.results.names import TEST, VALIDATION, on
from harness.results.study_record import StudyRecord
from harness.results.trial_record import TrialRecord


@dataclass(frozen=True)
class Optimism:
    """AUCs of one entry, means over the levels of its study: where it was chosen, on fresh seeds, and on test.

    ``whole`` says that every level of the trial gave a network; where not, the trial's value counts it as 0.5.
    """

    entry: str
    role: str
    chosen: float
    fresh: float
    test: float
    whole: bool

    @property
    def fresh_drop(self) -> float:
        """Return how much lower the validation AUC is on the seeds that tuning did not see."""
        return self.chosen - self.fresh

    @property
    def test_drop(self) -> float:
        """Return how much lower the AUC on the test split is."""
        return self.chosen - self.test


def optimism(study: StudyRecord, cells: Sequence[Outcome]) -> tuple[Optimism, ...]:
    """Return the default's and the best's, as far as all their levels are done for every seed.

    Nothing for an FNR, and nothing for the dense network, whose default ran under another training schedule.
    """
    if study.dense or not study.by_auc:
        return ()
    asked = [("default", study.entry, study.default_trial)]
    if not study.kept:
        asked.append(("best", study.choice, study.best_trial))
    found = [_optimism(role, entry, trial, study, cells) for role, entry, trial in asked]
    return tuple(one for one in found if one is not None)


def _optimism(
    role: str, entry: str, trial: TrialRecord | None, study: StudyRecord, cells: Sequence[Outcome]
) -> Optimism | None:
    seeds = _seeds(study.entry, cells) & _seeds(study.choice, cells)  # both means over the same ones
    own = [cell for cell in cells if cell.entry == entry and cell.seed in seeds]
    wanted = {(seed, density) for seed in {cell.seed for cell in own} for density in study.densities}
    there = [cell for cell in own if cell.done and (cell.seed, cell.density) in wanted]
    if trial is None or trial.value is None or not there or len(there) < len(wanted):
        return None
    fresh, test = (mean(there, on(split, "auc")) for split in (VALIDATION, TEST))
    # NaN: results of before the metric was written.
    return None if math.isnan(fresh) else Optimism(entry, role, trial.value, fresh, test, trial.whole)


def _seeds(entry: str, cells: Sequence[Outcome]) -> set[int]:
    return {cell.seed for cell in cells if cell.entry == entry}
