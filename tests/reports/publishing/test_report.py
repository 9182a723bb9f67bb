import os

import pytest

from harness.reports.publishing.report import write

pytestmark = pytest.mark.usefixtures("undrawn")


def test_half_a_character_does_not_cost_the_report(usual, tmp_path):
    path = write(usual.results(command="harness run \udc80"), tmp_path)
    assert "harness run \\udc80" in path.read_text(encoding="utf-8")


def test_write_replaces_whole_files(usual, tmp_path, parse):
    folder = tmp_path / "new" / "report"
    path = write(usual.results(), folder)
    assert path == folder / "index.html"
    assert write(usual.results(), folder) == path
    assert sorted(file.name for file in folder.iterdir()) == [
        "cells.csv",
        "index.html",
        "results.json",
        "scores.csv.gz",
    ]
    assert set(parse(path).links) >= {"cells.csv", "results.json"}
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_failed_write_leaves_the_old_file_alone(usual, tmp_path, monkeypatch):
    path = write(usual.results(), tmp_path)
    before = path.read_bytes()

    def broken(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write(usual.results(experiment="other"), tmp_path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "cells.csv",
        "index.html",
        "results.json",
        "scores.csv.gz",
    ]
