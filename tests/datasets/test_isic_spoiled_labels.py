"""Label files spoiled by chance: labels as they are written, or every fault by its line."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from harness.datasets.isic import read_labels
from harness.errors import DataError


def module(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    loaded = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


spoiled_labels = module("spoiled_labels")


def read(tmp_path, content):
    """Return (labels, numbers of the lines with a fault); one of them is empty."""
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    try:
        return read_labels(path), []
    except DataError as error:
        return {}, [int(fault.split()[1].rstrip(":")) for fault in error.faults if fault.startswith("line ")] or [0]


def test_generated_files_give_their_labels_or_all_their_faults_by_line(tmp_path):
    outcomes = set()
    for file in spoiled_labels.label_files(0, 200, spoiled_labels.Dialect()):
        labels, lines = read(tmp_path, file.content)
        assert lines == file.faults[:50], file.content
        assert labels == ({} if file.faults else file.labels), file.content
        outcomes.add(bool(lines))
    assert outcomes == {True, False}


def plainly(content):
    """Read a file as its format says, one line at a time; None: there is a fault."""
    labels = {}
    for line in content.decode("utf-8-sig", "replace").splitlines():
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*(ISIC_[0-9]{7})\s*,\s*(?:(benign|0|0\.0)|malignant|1|1\.0)\s*", line, re.IGNORECASE)
        if not found or not line.strip().startswith("ISIC") or found[1] in labels:
            return None
        labels[found[1]] = int(found[2] is None)
    return labels or None


@pytest.mark.parametrize(("seed", "count"), [(0, 100), pytest.param(1, 1500, marks=pytest.mark.long)])
def test_mutated_files_are_read_as_a_plain_reading_does_or_refused(tmp_path, seed, count):
    refused = 0
    for content in spoiled_labels.mutated(seed, count, spoiled_labels.Dialect()):
        labels, _ = read(tmp_path, content)
        assert (labels or None) == plainly(content), content
        refused += not labels
    assert count / 10 < refused < count * 0.9
