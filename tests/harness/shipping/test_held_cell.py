"""Cells found among published results, and refused with what there is."""

import csv
import json
from dataclasses import replace

import pytest

from harness.errors import DataError, UsageError
from harness.results import names
from harness.results.mlflow_tracker import Tracker, default_uri
from tests.harness.integrity.conftest import Forger


def test_a_cell_is_found_with_its_figures_and_scores(filled, held):
    found = held(filled, entry="structured-magnitude")
    cells = Tracker(default_uri(filled), filled, "isic-sim").runs(names.RESULT)
    (run,) = [run for run in cells if run.tags[names.ENTRY] == "structured-magnitude"]
    folder = filled / "artifacts" / "isic-sim" / run.run_id / "artifacts" / found.level.folder
    assert dict(found.record.metrics) == json.loads((folder / "cell.json").read_text())["metrics"]
    rows = [row for row in csv.DictReader((folder / "scores.csv").read_text().splitlines()) if row["split"] == "test"]
    assert found.ids == tuple(row["id"] for row in rows)
    assert found.labels == tuple(int(row["label"]) for row in rows)
    assert found.record.test_scores == tuple(float(row["score"]) for row in rows)


def test_an_entry_may_be_written_with_its_defaults(filled, held):
    assert held(filled, entry="magnitude[retrain=rewind-rate]").run.run_id == held(filled).run.run_id


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"dataset": "isic"}, "no results of 'isic'"),
        ({"entry": "magnitud"}, "did you mean 'magnitude'?"),
        ({"density": 0.3}, "no level of density 0.3 (did you mean 0.25?)"),
        ({"density": 0.3}, "--density one of: 1, 0.25"),
        *(({"density": wrong}, f"density {wrong:g} is no share") for wrong in (0, -0.25, 2, float("nan"))),
        ({"seed": 7}, "--seed one of: 0"),
        ({"fold": 2}, "no fold '2'"),
        ({"group": "abc"}, "no group 'abc'"),
        ({"imbalance": 4.0}, "'4'"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(filled, held, asked, what):
    with pytest.raises(UsageError) as refused:
        held(filled, **asked)
    assert what in str(refused.value)


def test_two_groups_are_told_apart_by_name(filled, held, monkeypatch):
    runs = Tracker(default_uri(filled), filled, "isic-sim").runs(names.RESULT)
    others = [replace(run, run_id="other", tags={**run.tags, names.GROUP: "other"}) for run in runs]
    monkeypatch.setattr(Tracker, "runs", lambda *_: [*runs, *others])
    with pytest.raises(UsageError, match="was run in 2 ways") as refused:
        held(filled)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "group other",
        f"group {runs[0].tags[names.GROUP]}",
    ]
    assert "small-cnn, 63 px, kaiming" in refused.value.faults[0]
    assert held(filled, group="other").run.run_id == "other"


def test_folds_are_asked_for(filled, held, monkeypatch):
    runs = Tracker(default_uri(filled), filled, "isic-sim").runs(names.RESULT)
    folds = [
        replace(run, run_id=fold, tags={**run.tags, names.GROUP: f"group {fold}", names.FOLD: fold})
        for run in runs
        for fold in ("1", "2")
    ]
    monkeypatch.setattr(Tracker, "runs", lambda *_: folds)
    with pytest.raises(UsageError, match=r"which fold\?") as refused:
        held(filled)
    assert "--fold one of: 1, 2" in str(refused.value)
    assert held(filled, fold=2).run.run_id == "2"


def test_the_newest_run_counts(filled, held, monkeypatch):
    runs = Tracker(default_uri(filled), filled, "isic-sim").runs(names.RESULT)
    newer = [replace(run, run_id="newer", started=run.started + 1) for run in runs]
    monkeypatch.setattr(Tracker, "runs", lambda *_: [*newer, *runs])
    assert held(filled).run.run_id == "newer"


def test_a_level_that_failed_has_no_network(copied, held):
    forger = Forger(copied)
    cell = forger.cell() | {"status": "failed", "reason": "it burnt", "metrics": {}}
    forger.rewrite("cell.json", json.dumps(cell).encode())
    with pytest.raises(UsageError, match=r"has no network: it failed \(it burnt\)"):
        held(copied)


def test_a_level_that_is_damaged_is_refused(copied, held):
    (path,) = copied.glob(f"artifacts/*/{held(copied).run.run_id}/artifacts/levels/0.25/scores.csv")
    path.write_text(path.read_text()[:-1])
    with pytest.raises(DataError, match=r"scores\.csv"):
        held(copied)
