import base64
from dataclasses import replace

import pytest

from harness.reports.charts.still import picture
from harness.reports.charts.tuning import best_so_far, history
from harness.reports.page import figures, page
from harness.reports.publishing.report import write
from harness.results.study_record import StudyRecord

EVERY = "data:image/svg+xml;base64,"
read = StudyRecord.from_json


def by_loop(study, better):
    """Walk the trials and remember the best that is complete and within the bound."""
    best, found = None, []
    for trial in study["trials"]:
        if trial["state"] == "complete" and trial["feasible"] and (best is None or better(trial["value"], best)):
            best = trial["value"]
        if best is not None:
            found.append((trial["number"], best))
    return found


def drawn(study):
    """Return what the chart draws: the values of each kind by trial, and the line."""
    tables = history(read(study))["datasets"].values()
    points = next(table for table in tables if "kind" in table[0])
    lines = [table for table in tables if "kind" not in table[0]]
    return {row["trial"]: (row["value"], row["kind"]) for row in points}, lines


def test_best_so_far_rises_with_the_auc_and_falls_with_the_fnr(written):
    up, down = written(), written(objective="fnr")
    assert best_so_far(read(up)) == by_loop(up, lambda new, old: new > old)
    assert best_so_far(read(down)) == by_loop(down, lambda new, old: new < old)
    assert best_so_far(read(up)) != best_so_far(read(down))
    # The broken bound at trial 4 (0.75) and the pruned trial 1 (0.61) count for neither.
    assert best_so_far(read(up))[-1] == (6, 0.71)
    assert best_so_far(read(down))[-1] == (6, 0.66)


def test_the_line_begins_with_the_first_trial_that_counts(written):
    late = written()
    late["trials"][0] |= {"feasible": False}
    assert best_so_far(read(late))[0] == (3, 0.69)
    for trial in late["trials"]:
        trial["feasible"] = False
    assert best_so_far(read(late)) == []
    assert drawn(late)[1] == []


def test_a_trial_without_any_network_or_beyond_the_budget_is_never_the_best(written):
    study = written()
    study["trials"][5]["levels"] = [{"density": level, "status": "diverged"} for level in (1.0, 0.5)]
    study["trials"][6] |= {"value": 0.9, "counted": False}
    assert best_so_far(read(study)) == [(number, 0.70) for number in range(6)]
    assert set(drawn(study)[0]) == {0, 1, 3, 4, 5}


def test_the_chart_holds_every_value_by_its_kind(written, record):
    points, lines = drawn(written())
    assert points == {
        0: (0.70, "complete"),
        1: (0.61, "pruned"),
        3: (0.69, "complete"),
        4: (0.75, "infeasible"),
        5: (0.71, "complete"),
        6: (0.66, "complete"),
    }
    assert [(row["trial"], row["value"]) for row in lines[0]] == best_so_far(record())


def test_the_kinds_look_different(record):
    drawing = base64.b64decode(picture(history(record())).removeprefix(EVERY)).decode()
    for kind, colour, marks in (("complete", "#0072B2", 4), ("pruned", "#5a6672", 1), ("infeasible", "#D55E00", 1)):
        found = [part for part in drawing.split("<path") if f"kind: {kind}" in part]
        assert len(found) == marks
        for mark in found:
            assert f'stroke="{colour}"' in mark
            assert ('fill-opacity="0"' in mark) == (kind != "complete")
            assert ("A" in mark.partition(' d="')[2].partition('"')[0]) == (kind != "infeasible")  # a circle has arcs


def test_a_study_without_values_has_words_for_a_chart(record, written, tuned, monkeypatch, parse, tmp_path):
    monkeypatch.setattr(page, "vega", lambda: "")
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])
    empty = written("random", "random", best=None)
    for trial in empty["trials"]:
        trial["value"] = None
    assert history(read(empty)) is None
    assert all(trial.value is None for trial in read(empty).counted)
    path = write(replace(tuned.results(setting="s"), studies=(record(), read(empty))), tmp_path)
    found = parse(path)
    images = [value for tag, name, value in found.attributes if (tag, name) == ("img", "src")]
    assert len(images) == 1
    assert images[0].startswith(EVERY)
    (words,) = [value for tag, name, value in found.attributes if (tag, name) == ("img", "alt")]
    assert words == (
        "Validation AUC of the trials of lt by number: 4 complete, 1 pruned, 1 infeasible; best so far 0.700 from "
        "trial 0 on, 0.710 at the end."
    )
    assert "Validation AUC of the trials of random by number: none has a value; no best so far." in found.text


@pytest.mark.parametrize("tag", ["img", "figure"])
def test_every_chart_is_a_still_picture(record, tuned, monkeypatch, tag, parse, tmp_path):
    monkeypatch.setattr(page, "vega", lambda: "")
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])
    path = write(replace(tuned.results(setting="s"), studies=(record(), record("random", "random"))), tmp_path)
    assert parse(path).elements.count(tag) == 2
