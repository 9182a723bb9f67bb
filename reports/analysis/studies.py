"""Which studies of `harness tune` speak of a group of results."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.results.study_record import StudyRecord


def studies_of(records: Sequence[StudyRecord], facts: Mapping[str, Any]) -> tuple[StudyRecord, ...]:
    """Return the studies of the group with these ``facts``, that of the dense network first.

    ``records`` are the oldest first; of studies that ask the same of one entry the newest counts.
    """
    found = [one for one in records if one.setting == facts.get("setting")]
    newest = {(one.entry, one.objective, one.fpr_bound, frozenset(one.densities)): one for one in found}
    return tuple(sorted(newest.values(), key=lambda one: (not one.dense, one.entry, one.study)))
