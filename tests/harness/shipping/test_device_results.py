"""measured.json as an enemy would write it: only numbers of what was sent are taken, and every fault is named."""

import copy
import json

import pytest

from harness.errors import DataError
from harness.results.measurement import MeasuredCell, MeasuredFile
from harness.shipping.device_package import Package
from harness.shipping.device_results import read_document, results_of

CELL = MeasuredCell(dataset="isic", group="g", entry="lt", density=0.25, seed=0)
FILE = MeasuredFile(name="lt", format="onnx", sha256="a" * 64, bytes=10, compressed=5, cell=CELL)
PACKAGE = Package("f" * 64, {"a" * 64: FILE})
NETWORK = {
    "file": "1-lt.onnx",
    "sha256": "a" * 64,
    "bytes": 10,
    "load_seconds": 0.1,
    "memory": {"before": 50, "loaded": 60, "batch 1": 80, "batch 32": 90},
    "latency": {"1": {"median": 0.01, "p10": 0.009, "p90": 0.02, "n": 20, "attempts": 2}},
    "load_average": 0.5,
    "energy": {"joules": 0.25, "note": "package-0"},
}
MACHINE = {"name": "Pi", "cpu": "c", "system": "s", "runtime": "onnxruntime", "runtime_version": "1", "threads": 1}
DOCUMENT = {
    "format": "prune-harness/measured",
    "schema": 1,
    "package": "f" * 64,
    "machine": {**MACHINE, "numpy": "2", "cores": 4},
    "measured": "2026-01-02T03:04:05+00:00",
    "networks": [NETWORK],
}


def changed(**changes):
    document = copy.deepcopy(DOCUMENT)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = document
        for one in way:
            place = place[int(one) if one.isdigit() and isinstance(place, list) else one]
        place[int(last) if isinstance(place, list) else last] = value
    return document


def test_numbers_are_the_device_s_and_everything_else_is_ours():
    lying = changed(networks__0__bytes=1, networks__0__file="../../x", networks__0__cell={"entry": "mine"})
    (found,) = results_of(lying, PACKAGE, "it").measurements
    assert found.file == FILE
    assert (found.memory, found.memory_32) == (30, 40)
    assert found.latency[1].median == 0.01
    assert (found.joules, found.load_average) == (0.25, 0.5)
    assert found.machine.name == "Pi"


def test_a_path_in_a_name_is_not_published():
    with pytest.raises(DataError):
        results_of(changed(machine__name="/home/ann/pi"), PACKAGE, "it")


def test_what_was_refused_there_is_told_here():
    document = changed(networks__0={"file": "1-lt.onnx", "problem": "too noisy: 3", "code": 7})
    (refusal,) = results_of(document, PACKAGE, "it").refusals
    assert (refusal.name, refusal.why, refusal.noisy) == ("1-lt.onnx", "too noisy: 3", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": None},
        {"networks": [3]},
        {"networks": [None, []]},
        {"networks__0__sha256": "b" * 64},
        {"networks__0__sha256": ["a"]},
        {"networks__0__latency": None},
        {"networks__0__latency": {"1": [1]}},
        {"networks__0__latency": {"2": NETWORK["latency"]["1"]}},
        {"networks__0__latency__1__median": -1},
        {"networks__0__latency__1__median": "fast"},
        {"networks__0__memory": {"before": 90, "batch 1": 10}},
        {"networks__0__memory": {"before": "x", "batch 1": "y"}},
        {"networks__0__load_seconds": float("inf")},
        {"networks__0__energy": {"joules": float("nan")}},
        {"machine": "a Pi"},
        {"machine__threads": 0},
        {"machine__name": "\x1b[2J"},
        {"measured": 3},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_all_faults(wrong):
    with pytest.raises(DataError, match="it") as refused:
        results_of(changed(**wrong), PACKAGE, "it")
    assert len(str(refused.value)) < 5000


def test_all_networks_faults_are_said_at_once():
    document = changed(networks=[{**NETWORK, "sha256": "b"}, {**NETWORK, "load_seconds": -1}])
    with pytest.raises(DataError) as refused:
        results_of(document, PACKAGE, "it")
    assert "network 1" in str(refused.value)
    assert "load_seconds" in str(refused.value)


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", "{}", "[" * 100_000, json.dumps({**DOCUMENT, "schema": 2}), "\x00"], ids=range(7)
)
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "measured.json"
    path.write_text(content)
    with pytest.raises(DataError):
        read_document(path)
    with pytest.raises(DataError, match="No such file"):
        read_document(tmp_path / "absent.json")
