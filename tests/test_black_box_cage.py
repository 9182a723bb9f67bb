"""A third party's method that does harm, beside honest ones: its own cells fail, the others' bits are the same."""

import importlib.util
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def load(path):
    spec = importlib.util.spec_from_file_location(f"cage_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE = load(HERE / "hostile_plugin" / "hostile.py")
COMMANDS = load(HERE / "commands.py")

TINY = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--densities", "1,0.25"]
TINY += ["--seeds", "1", "--set", "training.max_steps=5"]
HONEST = ["magnitude", "snip[images=16]"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the plugin installed in it, and the honest methods' run alone."""
    folder = tmp_path_factory.mktemp("cage")
    shutil.copy(HERE / "hostile_plugin" / "hostile.py", folder / "hostile.py")
    metadata = folder / "hostile-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[harness.pruners]\nhostile = hostile:Hostile\n")
    run(folder, "honest", HONEST, jobs=2, check=0)
    return folder


def run(folder, store, methods, *, jobs, check, extra=()):
    command = [COMMANDS.HARNESS, "run", *TINY, "--methods", ",".join(methods), "--store", store, "--jobs", str(jobs)]
    variables = COMMANDS.environment(PYTHONPATH=str(folder))
    result = subprocess.run(
        [*command, *extra, "--json"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == check, f"{result.stdout}\n{result.stderr}"
    return result


def stage_bits(store):
    manifests = (json.loads(path.read_text()) for path in store.glob("stages/*/*/manifest.json"))
    return {(m["kind"], *sorted(m["sha256"].items())) for m in manifests}


def reasons(result):
    """Return the reason of each failed cell, by its entry's deed, as stdout tells it."""
    cells = json.loads(result.stdout)["cells"]
    found = {}
    for cell in cells:
        if cell["entry"].startswith("hostile"):
            deed = cell["entry"].partition("deed=")[2].rstrip("]")
            found.setdefault(deed, []).append((cell["status"], cell["reason"]))
        else:
            assert cell["status"] == "done", cell
    return found


SOME = dict.fromkeys(("threads", "mkldnn", "fit", "evaluate", "dtype", "gradients"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("named", "jobs", "word"),
    [
        (SOME, 1, "the method changed"),
        (HOSTILE.MOVES, 2, "the method changed"),
        (HOSTILE.WRITES, 1, "signal 11"),
        (HOSTILE.WRITES, 2, "signal 11"),
    ],
    ids=["moves-1", "moves-2", "writes-1", "writes-2"],
)
def test_what_a_method_does_to_its_process_reaches_no_other_and_nothing_of_it_is_kept(place, named, jobs, word):
    """The plugin comes first and trains under the keys of `magnitude`: one stage of it kept would be taken for that."""
    store = f"{word[:3]}-{len(named)}-{jobs}"
    result = run(place, store, [*(f"hostile[deed={deed}]" for deed in named), *HONEST], jobs=jobs, check=3)
    assert stage_bits(place / store) == stage_bits(place / "honest")
    found = reasons(result)
    assert set(found) == set(named)
    for deed, cells in found.items():
        for status, reason in cells:
            assert status == "failed", deed
            assert word in reason, (deed, reason)


def test_whatever_ends_a_method_ends_its_own_cells_alone(place):
    named = HOSTILE.ENDS
    result = run(place, "ends", [*(f"hostile[deed={deed}]" for deed in named), *HONEST], jobs=2, check=3)
    assert stage_bits(place / "ends") == stage_bits(place / "honest")
    found = reasons(result)
    assert set(found) == set(named)
    assert {status for cells in found.values() for status, _ in cells} == {"failed"}
    assert "MachineError: the disk is full, says the method" in found["machine"][0][1]
    assert "use fewer --jobs" in found["memory"][0][1]
    assert "UnspeakableError, whose text raises RuntimeError" in found["unspeakable"][0][1]
    assert "exit code 0" in found["exit"][0][1]
    assert "SystemExit: gone" in found["leave"][0][1]
    for deed in named:
        assert f"hostile[deed={deed}] seed 0 at 100 %: failed" in result.stderr


def test_a_method_that_does_no_harm_is_magnitude(place):
    result = run(place, "harmless", ["hostile", *HONEST], jobs=1, check=0)
    assert stage_bits(place / "harmless") == stage_bits(place / "honest")
    assert "a method printed: about to do none" in result.stderr


@pytest.mark.parametrize("numbers", [[signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT, signal.SIGTERM]])
def test_the_first_signal_stops_in_order_and_further_ones_are_ignored(tmp_path, numbers):
    command = [
        COMMANDS.HARNESS,
        "run",
        *TINY,
        "--methods",
        "lt",
        "--store",
        "stopped",
        "--set",
        "training.max_steps=900",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=COMMANDS.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not list((tmp_path / "stopped").glob("stages/*/*")) and process.poll() is None:
        time.sleep(0.05)
    started = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.1)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + numbers[0]
    assert time.monotonic() - started < 10
    assert "Traceback" not in errors
    assert "the same command continues" in errors
