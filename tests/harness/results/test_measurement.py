"""Records of what machines measured: there and back, hostile ones refused, and as metrics of the cells they are of."""

import copy
import json
import math

import pandas as pd
import pytest

from harness.errors import DataError
from harness.results.measurement import Measurement, labels, measurements_of, newest, with_measured
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.published import ReadDocument
from harness.shipping.measuring import measurement_publication


def values(**changes):
    """Return a measurement's JSON; ``changes`` by path: machine__name."""
    cell = {"dataset": "isic", "group": "g", "entry": "lt", "density": 0.25, "seed": 3, "fold": None}
    counts = {"parameters": 10, "nonzero": 4, "macs": 100, "effective_macs": 40, "peak_activations": 64}
    latency = {"median": 0.010, "p10": 0.009, "p90": 0.012, "n": 300}
    found = {
        "file": {
            "name": "lt at 25 %",
            "format": "onnx",
            "sha256": "0" * 64,
            "bytes": 1000,
            "compressed": 300,
            "counts": {**counts, "activations_to_parameters": 1.6},
            "uncounted": "",
            "cell": cell,
        },
        "machine": {
            "name": "Pi 4",
            "cpu": "Cortex",
            "system": "Linux aarch64",
            "runtime": "onnxruntime",
            "runtime_version": "1.22.0",
            "threads": 1,
        },
        "measured": "2026-01-02T03:04:05+00:00",
        "load_seconds": 0.5,
        "memory": 9_000_000,
        "memory_32": None,
        "latency": {"1": latency},
        "load_average": 0.1,
        "joules": None,
    }
    found = copy.deepcopy(found)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = found
        for one in way:
            place = place[one]
        place[last] = value
    return found


def measurement(**changes):
    return Measurement.from_json(values(**changes), "it")


def test_a_record_comes_back_as_it_was():
    one = measurement()
    assert one.to_json() == values()
    assert Measurement.from_json(json.loads(json.dumps(one.to_json())), "it") == one
    assert one.figures() == {"latency": 10.0, "memory": 9_000_000.0}


HOSTILE = {
    "machine__name": ["", "a/b", "a\x1b[2J", "n" * 101, None, 7, ["x"]],
    "machine__threads": [0, -1, 10**9, "many", 1.5],
    "measured": ["yesterday", "2026-01-02", "2026-01-02T03:04:05+00:00\n<script>"],
    "memory": [-1, 1e300, "much", math.inf, [1]],
    "load_seconds": [-1.0, math.nan, math.inf, 1e300],
    "load_average": [None, math.nan],
    "joules": [-1.0, math.inf],
    "latency": [{}, {"7": None}, {"1": {"median": 1.0}}, {"x": {}}, 3, []],
    "latency__1__median": [0.0, math.nan, 0.5, -1.0],
    "latency__1__n": [0, -3],
    "file__sha256": ["0" * 63, "Z" * 64, "0" * 64 + "\n"],
    "file__format": ["pickle"],
    "file__name": ["a\nb", "n" * 301],
    "file__cell__density": [0, 2, math.nan],
    "file__more": [1],
    "more": [1],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, every in HOSTILE.items() for value in every])
def test_what_cannot_be_is_refused_in_words(path, value):
    with pytest.raises(DataError, match="it is no measurement") as refused:
        measurement(**{path: value})
    assert len(str(refused.value)) < 4000


@pytest.mark.parametrize("value", [None, [], "text", 3, {}, {"latency": {"1": {"1": {}}}}])
def test_no_record_at_all(value):
    with pytest.raises(DataError):
        Measurement.from_json(value, "it")


def test_the_newest_of_a_cell_on_a_machine_counts():
    old, new = measurement(load_seconds=1.0), measurement(load_seconds=2.0, measured="2026-02-02T03:04:05+00:00")
    updated = measurement(measured="2026-03-02T03:04:05+00:00", machine__runtime_version="1.23.0")
    other = measurement(machine__name="phone")
    assert newest([new, old, other]) == (new, other)
    assert len(found := newest([updated, new, old, other])) == 2
    assert updated in found


def test_machines_of_one_name_are_told_apart_by_their_processor():
    first, second = measurement(), measurement(machine__cpu="Other/CPU")
    again = measurement(machine__runtime_version="1.23.0")
    phone = measurement(machine__name="phone")
    shown = labels([first, second, again, phone])
    assert shown[first.machine] == shown[again.machine] == "Pi 4 (Cortex)"
    assert shown[second.machine] == "Pi 4 (Other CPU)"
    assert shown[phone.machine] == "phone"


def cells():
    rows = [("g", "lt", 3, 0.25), ("g", "lt", 3, 0.5), ("g", "lt", 4, 0.25), ("h", "lt", 3, 0.25)]
    return pd.DataFrame(rows, columns=["group", "entry", "seed", "density"])


def test_each_machine_has_columns_of_its_own_in_the_rows_that_it_measured():
    phone = measurement(machine__name="phone", latency__1__median=0.0095, file__cell__seed=4, memory=None)
    gone = measurement(machine__name="tablet", file__cell__entry="of a run that was deleted")
    found = with_measured(cells(), [measurement(), phone, gone])
    told = found.drop(columns=cells().columns).astype(object).where(lambda one: one.notna(), None)
    assert told.to_dict("list") == {
        "measured/Pi 4/latency": [10.0, None, None, None],
        "measured/Pi 4/memory": [9_000_000.0, None, None, None],
        "measured/phone/latency": [None, None, 9.5, None],
    }
    assert with_measured(cells(), []).equals(cells())


def test_documents_that_hold_none_are_named():
    good = ReadDocument("r1", json.dumps(values()))
    bad = [ReadDocument("r2", "{"), ReadDocument("r3", "", "is not as it was logged"), ReadDocument("r4", "{}")]
    found, damage = measurements_of([good, *bad])
    assert found == (measurement(),)
    assert [line.split(":")[0] for line in damage] == [f"measurement of run r{number}" for number in (2, 3, 4)]
    assert "is not as it was logged" in damage[1]


def test_mlflow_keeps_each_once_and_gives_it_back(tmp_path):
    tracker = Tracker(default_uri(tmp_path), tmp_path, "isic")
    first, later = measurement(), measurement(measured="2026-02-02T03:04:05+00:00")
    added = [tracker.publish(measurement_publication(one)) for one in (first, first, later)]
    assert added == [True, False, True]
    found, damage = measurements_of(tracker.documents("measurement", "measurement.json"))
    assert (found, damage) == ((later,), [])
    (told, _) = tracker.tags("measurement")
    assert told["harness.machine"] == "Pi 4"
    assert told["harness.entry"] == "lt"
