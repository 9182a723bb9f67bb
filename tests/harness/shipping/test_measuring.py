"""`harness measure` as a user gives it: cells and files here, a package to a device and back, and what is refused."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.measure import refusal_of
from harness.errors import MachineError
from harness.results.measurement import Measurement
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.reading import read
from harness.shipping.device import measure_onnx
from harness.shipping.device_results import DeviceResults, Refusal
from harness.shipping.measurable import of_cell, of_file
from harness.shipping.measuring import TooNoisy
from harness.shipping.replay import replayed

SPEC = importlib.util.spec_from_file_location("onnx_graphs", Path(__file__).parents[1] / "portable" / "onnx_graphs.py")
graphs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graphs)

QUICK = ("--seconds", "0.02", "--noise-limit", "10")
CELLS = ("--entry", "magnitude", "--entry", "structured-magnitude", "--density", "0.25")


@pytest.fixture
def measure(commands, tmp_path):
    """Gives `harness measure` in a folder of its own; JSON where it is asked for, else what subprocess.run has."""

    def give(*words, code=0):
        ran = commands.harness("measure", *words, cwd=tmp_path, check=code)
        return json.loads(ran.stdout) if "--json" in words and code in (0, 3) else ran

    return give


@pytest.mark.slow
def test_cells_are_measured_published_and_read_back(copied, measure):
    told = measure(*CELLS, "--store", copied, "--device", "this one", *QUICK, "--json")
    assert told["refused"] == []
    masked, cut = told["measured"]
    results = read(default_uri(copied), copied, "isic-sim")
    assert [one.to_json() for one in results.measurements] == [
        {name: value for name, value in one.items() if name != "published"} for one in (masked, cut)
    ]
    cells = results.cells.set_index(["entry", "density"])
    for one in (masked, cut):
        cell, counts = one["file"]["cell"], one["file"]["counts"]
        row = cells.loc[cell["entry"], cell["density"]]
        assert 2 * counts["effective_macs"] == row["size/flops"]
        assert row["measured/this one/latency"] == pytest.approx(1000 * one["latency"]["1"]["median"])
        assert row["measured/this one/memory"] == one["memory"] > 0
        assert one["published"]
    assert cells["measured/this one/latency"].notna().sum() == 2
    assert masked["file"]["counts"]["macs"] > masked["file"]["counts"]["effective_macs"]
    assert cut["file"]["counts"]["macs"] == cut["file"]["counts"]["effective_macs"]
    assert cut["file"]["bytes"] < masked["file"]["bytes"] / 2
    assert masked["file"]["compressed"] < masked["file"]["bytes"] / 2


@pytest.mark.long
def test_a_package_goes_to_a_device_and_its_numbers_come_back(copied, measure, tmp_path):
    measure(*CELLS, "--store", copied, "--package", "package")
    on_the_device(tmp_path)
    told = measure("--import", "package/measured.json", "--store", copied, "--json")
    again = measure("--import", "package/measured.json", "--store", copied, "--json")
    assert told == again
    found = read(default_uri(copied), copied, "isic-sim").measurements
    assert {(one.machine.name, one.file.cell.entry) for one in found} == {
        ("a phone", "magnitude"),
        ("a phone", "structured-magnitude"),
    }


def on_the_device(place):
    script = place / "package" / "measure_onnx.py"
    words = [sys.executable, script, "--device", "a phone", *QUICK]
    subprocess.run(words, check=True, cwd=place, capture_output=True)


@pytest.mark.long
def test_the_network_of_a_cell_is_what_ships_with_images_that_it_reads(copied, held, machine, telling, tmp_path):
    cell = of_cell(replayed(held(copied), machine(copied), telling[0]))
    path = tmp_path / "network.onnx"
    path.write_bytes(cell.content)
    assert of_file(path).file.sha256 == cell.file.sha256
    assert cell.images.shape[1:] == (3, 63, 63)
    assert cell.may_leave  # simulated


@pytest.fixture
def file(tmp_path):
    """A small network with zeros."""
    path = tmp_path / "theirs.onnx"
    weights = {"w": graphs.floats(300, 50, zeros=9000)}
    product = [graphs.node("Gemm", "x w", "y")]
    path.write_bytes(graphs.graph(product, {"x": [None, 300]}, {"y": None}, weights))
    return path


def test_a_file_is_measured_and_not_published(file, measure):
    (told,) = measure(file, *QUICK, "--device", "here", "--json")["measured"]
    content = file.read_bytes()
    assert told["file"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert told["file"]["bytes"] == len(content)
    assert told["file"]["compressed"] == len(zstandard.compress(content, 9))
    assert (told["file"]["counts"]["macs"], told["file"]["counts"]["effective_macs"]) == (15_000, 6_000)
    assert told["machine"]["name"] == "here"
    assert (told["file"]["cell"], told["published"]) == (None, False)
    shown = measure(file, *QUICK).stdout
    assert "15,000 MACs an image, 6,000 of them left: by weights that are not zero" in shown
    assert "no run faster" in shown


def test_files_go_to_a_device_and_come_back_and_a_forged_hash_does_not(file, measure, tmp_path):
    measure(file, "--package", "package", "--store", "store")
    on_the_device(tmp_path)
    (told,) = measure("--import", "package/measured.json", "--store", "store", "--json")["measured"]
    assert (told["machine"]["name"], told["file"]["name"]) == ("a phone", "theirs.onnx")
    assert not (tmp_path / "store" / "mlflow.db").exists()
    document = json.loads((tmp_path / "package" / "measured.json").read_text())
    document["networks"][0]["sha256"] = "0" * 64
    (tmp_path / "forged.json").write_text(json.dumps(document))
    forged = measure("--import", "forged.json", "--store", "store", code=4)
    assert "none of the networks that were sent" in forged.stderr
    elsewhere = measure("--import", "package/measured.json", "--store", "other", code=4)
    assert "no package that" in elsewhere.stderr


def test_an_address_alone_asks_for_no_cell(file, measure):
    (told,) = measure(file, *QUICK, "--tracking-uri", "sqlite:///absent.db", "--json")["measured"]
    assert told["file"]["name"] == "theirs.onnx"


@pytest.fixture
def unanswered(monkeypatch):
    """What a device measured of two published cells, and MLflow takes the first alone."""
    taken = []

    def publish(self, publication):
        taken.append(publication)
        if len(taken) == 2:
            raise MachineError("MLflow did not take it")
        return True

    numbers = {"load_seconds": 1, "memory": 1, "load_average": 1, "measured": "2026-01-02T03:04:05+00:00"}
    machine = {"name": "Pi", "cpu": "", "system": "", "runtime": "", "runtime_version": "", "threads": 1}
    latency = {"1": {"median": 0.01, "p10": 0.01, "p90": 0.01, "n": 20}}
    cells = ({"dataset": "isic", "group": "g", "entry": "lt", "density": at, "seed": 0} for at in (0.5, 0.25))
    files = ({"name": "x", "format": "onnx", "sha256": "0" * 64, "bytes": 1, "compressed": 1, "cell": c} for c in cells)
    every = ({**numbers, "machine": machine, "latency": latency, "file": one} for one in files)
    found = DeviceResults(tuple(Measurement.from_json(one, "it") for one in every), (Refusal("y", "noise", True),))
    monkeypatch.setattr("harness.cli.measure._imported", lambda *_: found)
    monkeypatch.setattr(Tracker, "publish", publish)
    return lambda *words: CliRunner().invoke(
        app, ["measure", "--import", "x", "--tracking-uri", "sqlite:///x.db", *words], env={"COLUMNS": "200"}
    )


def test_what_was_measured_is_shown_where_mlflow_does_not_take_it(unanswered):
    done = unanswered()
    assert isinstance(done.exception, MachineError)
    assert done.stdout.count("1 image: 10 ms") == 2
    assert "NOT MEASURED: y: noise" in done.output


def test_json_says_what_mlflow_took(unanswered):
    done = unanswered("--json")
    assert isinstance(done.exception, MachineError)
    assert [one["published"] for one in json.loads(done.stdout)["measured"]] == [True, False]


def test_noise_alone_is_exit_7():
    noisy = Refusal("theirs.onnx", "too noisy: 3", noisy=True)
    assert refusal_of([noisy]).exit_code == TooNoisy.exit_code == measure_onnx.NOISY == 7
    assert refusal_of([noisy, replace(noisy, noisy=False)]).exit_code == 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "nothing to measure"),
        (("--entry", "lt"), 2, "both --entry and --density"),
        (("--import", "x.json", "y.onnx"), 2, "takes no files"),
        (("x.pickle",), 2, "ends in .onnx"),
        (("absent.onnx", "--device", "a/b"), 2, "--device: 'a/b' is no name of a device"),
        (("absent.onnx",), 4, "No such file"),
        (("--import", "absent.json"), 4, "No such file"),
        (("--entry", "lt", "--density", "0.5"), 2, "no results in"),
        (("a.onnx", "b.onnx"), 4, "b.onnx"),
    ],
    ids=str,
)
def test_bad_input_is_one_message_and_its_code(measure, words, code, said):
    ran = measure(*words, code=code)
    assert said in ran.stderr
    assert ran.stdout == ""
