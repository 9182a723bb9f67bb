import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.cli.expectation import Estimate, Expectation, asked, beginning
from harness.errors import DataError
from harness.progress import Reporter


def plan(cells=5):
    data = SimpleNamespace(name="isic-sim", size=64)
    facts = {"network": "alexnet-bn", "jobs": 2, "entries": [1, 2, 3], "densities": (1, 0.25), "seeds": (0, 1)}
    return SimpleNamespace(data=data, cell_count=cells, place="/s", **facts)


def test_a_run_begins_with_what_how_much_and_where(tmp_path):
    lines = beginning([plan(), plan()], 4, "http://me:secret@host:5000", tmp_path)
    assert lines[0] == "Running     isic-sim, 64 px, alexnet-bn, on 2 workers"
    assert lines[1].strip() == "3 entries, 2 levels, 2 seeds, 2 folds and ratios: 10 cells, 4 of them in the store"
    assert [line.split()[0] for line in lines[2:]] == ["Store", "MLflow", "Report"]
    assert "secret" not in lines[3]
    assert "in the store" not in beginning([plan()], 0, "sqlite:///x", tmp_path)[1]


def estimate(**changes):
    return Estimate(**{"seconds": 700.0, "processor_seconds": 1200.0, "cells": 9, "held": 2, "unknown": {}, **changes})


def test_what_is_not_in_an_estimate_is_named_with_the_reason():
    assert estimate().lines == ["Time        about 12 min if nothing else computes here"]
    unknown = dict.fromkeys(("a", "b", "c", "d", "e"), "it " + 90 * "x")
    lines = estimate(unknown=unknown).lines
    assert lines[0] == estimate().lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["without a", "without b", "without c", "and 2 more"]
    assert all(len(line) <= 80 for line in lines)
    assert estimate(seconds=None).lines == ["Time        not known before the first steps are timed"]
    assert estimate(seconds=None).values()["processor_seconds"] is None
    assert estimate(unknown={"a": "why"}).values() == {
        "seconds": 700.0,
        "processor_seconds": 1200.0,
        "cells": 9,
        "cells_in_store": 2,
        "unknown": {"a": "why"},
    }


def test_the_end_has_truth_and_estimate_and_without_one_the_truth(monkeypatch):
    reporter, now = Reporter(Console(file=io.StringIO(), width=200)), [100.0]
    monkeypatch.setattr("harness.cli.expectation.time.monotonic", lambda: now[0])
    found = Expectation([plan()], reporter, None, _began=100.0)
    assert found.read() is None
    now[0] = 780.0
    found.end()
    found.forecast, found.estimate = SimpleNamespace(spent=1260.0), estimate(unknown={"mine": "it fails"})
    found.end()
    assert reporter.console.file.getvalue().splitlines() == [
        "Took 11 min 20 s",
        "Took 11 min 20 s; estimated 11 min 40 s, without mine. Computed for 21 min of the processor, estimated 20 min",
    ]


def test_what_stops_a_run_is_left_for_the_run_to_say(monkeypatch):
    def fails(_):
        raise DataError("a part lacks a class")

    monkeypatch.setattr("harness.forecast.outlook.Outlook.of", fails)
    assert asked([plan()], estimate=True) is None
    monkeypatch.setattr("harness.forecast.outlook.Outlook.of", lambda _: pytest.fail("nobody asked"))
    assert asked([plan()], estimate=False) is None
