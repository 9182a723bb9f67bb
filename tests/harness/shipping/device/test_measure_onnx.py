"""The script that goes to a device: its numbers by injected clocks, its refusals, and a run where nothing else is."""

import ast
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from harness.results.measurement import Named
from harness.shipping.device import measure_onnx
from harness.shipping.device.measure_onnx import DATA, NOISY, Refused, energy, feeds, latency, processor, spread

SCRIPT = Path(measure_onnx.__file__)
SPEC = importlib.util.spec_from_file_location("onnx_graphs", Path(__file__).parents[2] / "portable" / "onnx_graphs.py")
graphs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graphs)


class Clock:
    """A clock that a run moves on: each call takes the next of the ``times``, over and over."""

    def __init__(self, *times):
        self.now, self.times, self.calls = 0.0, times, 0

    def __call__(self):
        return self.now

    def run(self):
        self.now += self.times[self.calls % len(self.times)]
        self.calls += 1


def test_a_latency_is_the_median_of_what_the_clock_showed():
    clock = Clock(0.010, 0.011, 0.012)
    found = latency(clock.run, 1.0, 0.3, clock)
    assert found["median"] == pytest.approx(0.011)
    assert (found["p10"], found["p90"]) == pytest.approx((0.010, 0.012))
    assert found["n"] == pytest.approx(1 / 0.011, abs=2)
    assert found["attempts"] == 1


def test_the_first_runs_are_no_measurement():
    clock = Clock(5.0, 5.0, 5.0, *[0.01] * 10_000)
    assert latency(clock.run, 1.0, 0.1, clock)["p90"] == pytest.approx(0.01)


def test_a_noisy_machine_gets_no_number():
    clock = Clock(0.010, 0.010, 0.020)
    with pytest.raises(Refused, match=r"1\.00 at best in 3 attempts, 0\.3 is allowed") as refused:
        latency(clock.run, 1.0, 0.3, clock)
    assert refused.value.code == NOISY
    assert latency(clock.run, 1.0, 2.0, clock)["attempts"] == 1


def test_noise_that_goes_away_is_tried_again():
    clock = Clock(*[0.01] * 3, *[0.05, 0.05, 0.10] * 10, *[0.01] * 10_000)
    found = latency(clock.run, 1.0, 0.3, clock)
    assert found["attempts"] > 1
    assert found["median"] == pytest.approx(0.01)


def test_a_slow_network_is_run_often_enough():
    clock = Clock(10.0)
    assert latency(clock.run, 1.0, 0.3, clock)["n"] == measure_onnx.FEWEST


@pytest.mark.parametrize("seed", range(5))
def test_spread_is_that_of_numpy(seed):
    times = np.random.default_rng(seed).gamma(2, 1, 3 + 7 * seed).tolist()
    found = spread(times)
    wanted = np.percentile(times, [10, 50, 90])
    assert [found["p10"], found["median"], found["p90"]] == pytest.approx(wanted)


def counter(folder, name, used, most=100_000_000):
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in (("name", name), ("energy_uj", used), ("max_energy_range_uj", most)):
        (folder / file).write_text(f"{content}\n")


def test_energy_is_what_the_counters_rose_by_for_each_call(tmp_path):
    counter(tmp_path / "intel-rapl:0", "package-0", 99_000_000)
    counter(tmp_path / "intel-rapl:0:0", "core", 5)  # within the first
    calls = []

    def run():
        calls.append(1)
        counter(tmp_path / "intel-rapl:0", "package-0", 2_000_000)  # it began anew at 100 J

    found = energy(run, 0.001, tmp_path)
    assert found["joules"] == pytest.approx(3.0 / len(calls))
    assert "package-0" in found["note"]
    assert "core" not in found["note"]


def test_no_counter_is_said(tmp_path):
    assert energy(lambda: None, 0.001, tmp_path / "nothing") == {"joules": None, "note": "no counter"}


class Input:
    def __init__(self, shape, kind="tensor(uint8)", name="images"):
        self.shape, self.type, self.name = shape, kind, name


def test_images_are_repeated_as_far_as_the_batch_needs():
    images = np.arange(2 * 12, dtype=np.uint8).reshape(2, 3, 2, 2)
    given = feeds([Input(["n", 3, 2, 2])], 5, images)["images"]
    assert given.shape == (5, 3, 2, 2)
    assert all((given[place] == images[place % 2]).all() for place in range(5))
    assert feeds([Input(["n", 3, 4, 4])], 1, images)["images"].shape == (1, 3, 4, 4)  # they do not fit: noise


def test_a_fixed_batch_is_measured_alone():
    assert feeds([Input([1, 3, 2, 2])], 32, None) is None
    assert feeds([Input([1, 3, 2, 2])], 1, None)["images"].shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (Input(["n", 3, "h", "w"]), "no fixed size"),
        (Input(["n", 3, 60_000, 60_000]), "too large"),
        (Input(["n", 3], "tensor(string)"), "not measured"),
    ],
)
def test_inputs_that_are_no_image_are_refused(one, why):
    with pytest.raises(Refused, match=why) as refused:
        feeds([one], 1, None)
    assert refused.value.code == DATA


@pytest.mark.parametrize(
    ("info", "wanted"),
    [
        ("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n", "Some CPU @ 2 GHz"),
        ("processor : 0\nCPU part : 0xd08\nModel : Raspberry Pi 4 Model B Rev 1.4\n", "Raspberry Pi 4 Model B Rev 1.4"),
        ("processor : 0\nCPU part : 0xd08\n", "A board"),
    ],
)
def test_a_processor_is_named_by_what_the_kernel_tells(tmp_path, info, wanted):
    (tmp_path / "cpuinfo").write_text(info)
    (tmp_path / "model").write_bytes(b"A board\0")
    assert processor(tmp_path / "cpuinfo", tmp_path / "model") == wanted


def _is_name(text):
    try:
        TypeAdapter(Named).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("AMD Ryzen 7 7840U w/ Radeon 780M Graphics", "AMD Ryzen 7 7840U w Radeon 780M Graphics"),
        ("Some CPU " + "x" * 51 + " y", "Some CPU " + "x" * 51),
        ("a\tb\x00", "a b"),
        ("/", "unnamed"),
    ],
)
def test_a_machine_without_a_name_gets_one_that_results_may_have(monkeypatch, model, wanted):
    monkeypatch.setattr(measure_onnx, "processor", lambda: model)
    told = measure_onnx.machine("")
    assert (told["name"], told["cpu"]) == (wanted, model)
    assert _is_name(wanted)


@pytest.mark.parametrize("name", ["Pi 4", "x" * 60, "x" * 61, "a/b", "a\nb", "\x7f", "m\u00fc \u96ea"])
def test_a_given_name_is_refused_where_results_would_refuse_it(name):
    assert (measure_onnx.wrong_name(name) == "") == _is_name(name)


def test_it_is_python_3_8_and_imports_nothing_else():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    found = {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    found |= {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    assert found - sys.stdlib_module_names - {"collections.abc"} == {"numpy", "onnxruntime"}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A fast network, a slow one (a product of large matrices), and two that are none."""
    folder = tmp_path_factory.mktemp("networks")
    small, large = graphs.floats(64, 8), graphs.floats(1500, 1500)
    product = [graphs.node("MatMul", "x w", "y")]
    (folder / "fast.onnx").write_bytes(graphs.graph(product, {"x": [None, 64]}, {"y": None}, {"w": small}))
    (folder / "slow.onnx").write_bytes(graphs.graph(product, {"x": [None, 40, 1500]}, {"y": None}, {"w": large}))
    (folder / "none.onnx").write_bytes(b"no network")
    grown = [graphs.node("Expand", "x s", "y")]
    sizes = {"s": np.array([200_000, 4_000_000], dtype=np.int64)}
    (folder / "huge.onnx").write_bytes(graphs.graph(grown, {"x": [None, 1]}, {"y": None}, sizes))
    return folder


def script(*words, cwd, path=None, python=sys.executable, at=SCRIPT):
    start = (
        [
            "-I",
            "-c",
            f"import runpy, sys; sys.path[:0] = {path!r}; sys.argv = {[str(at), *map(str, words)]!r};"
            f"runpy.run_path({str(at)!r}, run_name='__main__')",
        ]
        if path
        else [at, *words]
    )
    return subprocess.run([python, *map(str, start)], capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


QUICK = ("--seconds", "0.05", "--noise-limit", "10")


def test_the_slow_network_is_measured_slower_and_what_is_none_is_said(networks, tmp_path):
    files = [networks / f"{name}.onnx" for name in ("fast", "slow", "none", "huge")]
    ran = script(*files, "--device", "a board", *QUICK, cwd=tmp_path)
    assert ran.returncode == DATA, ran.stderr
    assert "Traceback" not in ran.stderr
    document = json.loads(ran.stdout)
    fast, slow, none, huge = document["networks"]
    assert slow["latency"]["1"]["median"] > 10 * fast["latency"]["1"]["median"]
    assert slow["latency"]["32"]["median"] > 5 * slow["latency"]["1"]["median"]
    assert slow["bytes"] == (networks / "slow.onnx").stat().st_size > 4 * 1500**2
    assert slow["sha256"] == hashlib.sha256((networks / "slow.onnx").read_bytes()).hexdigest()
    assert slow["memory"]["batch 1"] - slow["memory"]["before"] > 4 * 1500**2
    assert slow["memory"]["batch 32"] - slow["memory"]["batch 1"] > 4 * 31 * 40 * 1500
    assert document["machine"]["name"] == "a board"
    assert document["machine"]["threads"] == 1
    assert "cannot load" in none["problem"]
    assert "cannot run" in huge["problem"] or "no word" in huge["problem"]


def test_a_wrong_command_line_is_exit_2(tmp_path):
    assert script("--seconds", "0", cwd=tmp_path).returncode == 2
    assert script("nothing.onnx", "--device", "a/b", cwd=tmp_path).returncode == 2
    missing = script("nothing.onnx", *QUICK, cwd=tmp_path)
    assert missing.returncode == DATA
    assert "No such file" in missing.stderr
