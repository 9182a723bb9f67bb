"""What a terminal shows of studies: what was chosen, and what must not be overlooked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.tuning_summary import chosen_lines, warning_lines
from harness.results.study_record import StudyRecord

RECORD = StudyRecord.from_json(json.loads((Path(__file__).parents[1] / "results" / "study.json").read_text()))


def test_a_study_is_a_paragraph_with_its_budget_and_what_changed():
    assert chosen_lines([RECORD]) == [
        "lt",
        "  4 trials, 1 of them stopped early; 700 steps, 0.2 min",
        "  validation FNR at sens95 0.250 -> 0.125: rate 0.75 -> 0.2, criterion",
        "    magnitude-increase -> distance",
    ]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"objective": "auc", "tuned": "lt"}, "  validation AUC 0.250 -> 0.125: the default stays"),
        ({"default_number": None, "tuned": "lt"}, "  validation FNR at sens95 - -> 0.125: the default stays"),
        ({"best": None, "tuned": None}, "  no trial gave a network: the default stays"),
    ],
)
def test_a_default_that_stays_is_told(changed, line):
    whole = replace(RECORD, budget=replace(RECORD.budget, pruned=0), **changed)
    assert chosen_lines([whole]) == ["lt", "  4 trials; 700 steps, 0.2 min", line]


def test_a_best_value_on_the_edge_and_a_bound_that_no_trial_kept_are_warnings():
    edge = "lt: the best rate, 0.2, is on the edge of 0.2 to 0.8: widen tuning.space"
    assert warning_lines([RECORD]) == [edge]
    over = replace(RECORD, best=replace(RECORD.best, feasible=False))
    bound = "lt: no trial kept the mean FPR under 0.5; the nearest was taken"
    assert warning_lines([over, replace(RECORD, edges=())]) == [edge, bound]
    assert warning_lines([replace(RECORD, best=None, edges=())]) == []
