"""A third party's method that does harm, beside honest ones: its own cells fail, the others' bits are the same."""

import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HERE = Path(__file__).parent


def load(path):
    """Return another file of these tests as a module, the same for all that ask."""
    known = f"shared_{path.stem}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, path)
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


HOSTILE = load(HERE / "hostile_plugin" / "hostile.py")
AT_IMPORT = load(HERE / "hostile_plugin" / "at_import.py")
COMMANDS = load(HERE / "commands.py")

TINY = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--densities", "1,0.25"]
TINY += ["--seeds", "1", "--set", "training.max_steps=5"]
TUNED = [*TINY[:-4], "--set", "training.max_steps=5", "--methods", "magnitude", "--set", "parameters.rate=0.75"]
UNPUBLISHED = ["--tracking-uri", "http://127.0.0.1:9/"]
"""Nothing listens there: publishing a hundred entries takes longer than running them."""
HONEST = ["magnitude", "snip[images=16]"]

MOST = ["threads", "mkldnn", "fit", "evaluate", "dtype", "images", "labels", *HOSTILE.ENDS]
"""Deeds for every day; the long test does all."""

ORDERS = {
    "first": lambda others: [*others, *HONEST],
    "between": lambda others: [HONEST[0], *others, HONEST[1]],
    "last": lambda others: [*HONEST, *others],
}

AT_IMPORT_FAILS = {
    "exits": "its process ended with exit code 0; it wrote: farewell",
    "leaves": "SystemExit: 0",
    "raises": "ImportError: no such library",
    "unspeakable": "whose text raises ZeroDivisionError",
    "interrupts": "KeyboardInterrupt",
    "killed": "signal 9",
    "crashes": "signal 11",
    "child": "exit code 3",
    "closes": "exit code 1",
    "half": "exit code 0",
    "babbles": "cannot be asked",
    "threads": "the method changed torch's number of threads",
    "patches": "the method changed harness.evaluation.figures.evaluate",
    "moves": "the method changed the working directory",
    "variable": "the method changed the variables that choose kernels",
    "loss-exits": "exit code 4",
    "loss-raises": "ZeroDivisionError",
    "loss-odd": "says that its loss is 7, which is no name",
    "variants-odd": "TypeError",
    "skip-exits": "exit code 5",
    "validates": "exit code 6",
}
HANGS = "hangs"


def install(folder, *at_import):
    """Install the plugin of deeds in ``prune``, and those of deeds ``at_import``."""
    shutil.copy(HERE / "hostile_plugin" / "hostile.py", folder / "hostile.py")
    metadata = folder / "hostile-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[harness.pruners]\nhostile = hostile:Hostile\n")
    AT_IMPORT.install(folder, *at_import)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with all plugins installed in it, and the run of honest methods that asks for none of them."""
    folder = tmp_path_factory.mktemp("cage")
    install(folder, *({**AT_IMPORT.DEEDS, **AT_IMPORT.SAYS}.keys() - {HANGS}))
    AT_IMPORT.install(folder, HANGS, prefix="nobody-asks-for")
    honest = run(folder, "honest", HONEST, jobs=1, check=0, extra=["--set", "parameters.rate=0.75"])
    assert not unasked(folder, honest)
    assert {cell["status"] for cell in json.loads(honest.stdout)["cells"]} == {"done"}
    return folder


def unasked(folder, result):
    """Return who imported any of the methods by now, and what a result tells of them."""
    lines = [line for line in (result.stdout + result.stderr).splitlines() if "loud" in line]
    return [*AT_IMPORT.importers(folder), *lines]


def with_images(folder, store):
    """Give a store the images of the first run: drawing them takes as long as ten methods."""
    for manifest in (folder / "honest").glob("stages/*/*/manifest.json"):
        if json.loads(manifest.read_text())["kind"] == "images":
            there = folder / store / manifest.parent.relative_to(folder / "honest")
            shutil.copytree(manifest.parent, there, dirs_exist_ok=True)


def run(folder, store, methods, *, jobs, check=3, extra=UNPUBLISHED):
    with_images(folder, store)
    words = ["run", *TINY, "--methods", ",".join(methods), "--store", store, "--jobs", jobs, *extra, "--json"]
    return COMMANDS.harness(*words, cwd=folder, path=folder, check=check)


def hostile(deeds):
    return [f"hostile[deed={deed}]" for deed in deeds]


def stage_bits(store):
    manifests = (json.loads(path.read_text()) for path in store.glob("stages/*/*/manifest.json"))
    return {(m["kind"], *sorted(m["sha256"].items())) for m in manifests}


def endings(result):
    """Return the (status, reason) of the cells of every entry that is no honest one, as stdout tells it."""
    found = {}
    for cell in json.loads(result.stdout)["cells"]:
        if cell["entry"].startswith(("hostile", "at-import")):
            found.setdefault(cell["entry"], []).append((cell["status"], cell["reason"]))
        else:
            assert cell["status"] == "done", cell
    return found


def check_deeds(found, deeds):
    """Hold the cells of deeds in ``prune`` against what each is: what it moved, wrote or ended."""
    for deed in deeds:
        for status, reason in found.pop(f"hostile[deed={deed}]"):
            assert status == "failed", deed
            assert deed not in HOSTILE.MOVES or "the method changed" in reason, (deed, reason)
            assert deed not in HOSTILE.WRITES or "signal 11" in reason, (deed, reason)


def check_at_import(found):
    for name, word in AT_IMPORT_FAILS.items():
        for status, reason in found.pop(f"at-import-{name}"):
            assert status == "failed", name
            assert word in reason, (name, reason)
    assert {status for cells in found.values() for status, _ in cells} == {"done"}, found


@pytest.fixture(scope="module")
def together(place):
    """All that is hostile, before the honest methods, which have the same keys for the same stages."""
    return run(place, "together", ORDERS["first"](["hostile", *hostile(MOST), "at-import-*"]), jobs=2)


def test_what_a_method_does_to_its_process_reaches_no_other_and_nothing_of_it_is_kept(place, together):
    """The plugin trains under the keys of `magnitude`: one stage of it kept would be taken for that."""
    assert stage_bits(place / "together") == stage_bits(place / "honest")


def test_whatever_a_method_does_ends_its_own_cells_alone_and_says_how(together):
    found = endings(together)
    ends = {deed: found[f"hostile[deed={deed}]"][0][1] for deed in HOSTILE.ENDS}
    assert "MachineError: the disk is full, says the method" in ends["machine"]
    assert "use fewer --jobs" in ends["memory"]
    assert "UnspeakableError, whose text raises RuntimeError" in ends["unspeakable"]
    assert "exit code 0" in ends["exit"]
    assert "SystemExit: gone" in ends["leave"]
    for deed in HOSTILE.ENDS:
        assert f"hostile[deed={deed}] seed 0 at 100 %: failed" in together.stderr
    check_deeds(found, MOST)
    check_at_import(found)


def test_every_import_is_in_a_process_of_its_own(place, together):
    found = AT_IMPORT.importers(place)
    assert found
    assert all(process == leader for process, leader in found)
    assert together.returncode == 3


@pytest.mark.long
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_no_number_of_workers_and_no_order_changes_a_bit(place, jobs, order):
    store = f"{order}-{jobs}"
    found = endings(run(place, store, ORDERS[order]([*hostile(HOSTILE.DEEDS), "at-import-*"]), jobs=jobs))
    assert stage_bits(place / store) == stage_bits(place / "honest")
    check_deeds(found, HOSTILE.DEEDS)
    check_at_import(found)


def test_a_method_that_does_no_harm_is_magnitude_and_what_it_prints_is_told_on_stderr(together):
    assert [status for status, _ in endings(together)["hostile"]] == ["done", "done"]
    assert "a method printed: about to do none" in together.stderr
    assert {"loud", "louder"} <= set(together.stderr.replace("a method printed: ", "").split())


@pytest.mark.parametrize("name", ["exits", "crashes", "loss-exits"])
def test_a_plugin_that_is_named_and_cannot_be_imported_is_refused_before_anything_runs(place, name):
    words = ["run", *TINY, "--methods", f"magnitude,at-import-{name}", "--store", "refused", "--json"]
    result = COMMANDS.harness(*words, cwd=place, path=place, check=2)
    assert AT_IMPORT_FAILS[name] in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert not (place / "refused").exists()


@pytest.mark.long
def test_a_plugin_that_hangs_where_it_is_imported_fails_alone(tmp_path, place):
    install(tmp_path, HANGS, "prints")
    result = run(tmp_path, "store", ["at-import-*", *HONEST], jobs=2)
    assert len(AT_IMPORT.importers(tmp_path, HANGS)) == 1  # no job tries it again
    assert stage_bits(tmp_path / "store") == stage_bits(place / "honest")
    found = endings(result)
    assert all("it took more than 60 s" in reason for _, reason in found["at-import-hangs"])
    assert [status for status, _ in found["at-import-prints"]] == ["done", "done"]


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--dataset", "isic-sim", "--store", "honest"],
        ["publish", "site", "--store", "honest"],
        ["store", "--store", "honest"],
        ["list", "methods"],
        ["check", "--list"],
        ["run", *TINY, "--methods", "magnitude", "--set", "parameters.rate=0.75", "--tune", "1", "--dry-run"],
        pytest.param(["tune", *TUNED, "--trials", "1"], marks=pytest.mark.long),
        pytest.param(["run", *TUNED, "--seeds", "1", "--tune", "1"], marks=pytest.mark.long),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_plugin_that_nobody_asked_for_is_imported_by_no_command(place, words):
    """Nor by `harness run`, as the first run of these tests shows."""
    for seen in place.glob("*.imports"):
        seen.unlink()
    result = COMMANDS.harness(*words, cwd=place, path=place, check=0)
    assert not unasked(place, result)


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGINT] * 3,
        pytest.param([signal.SIGTERM, signal.SIGINT, signal.SIGTERM], marks=pytest.mark.long),
    ],
)
def test_the_first_signal_stops_in_order_and_further_ones_are_ignored(tmp_path, numbers):
    command = [
        COMMANDS.HARNESS,
        "run",
        *TINY,
        "--methods",
        "lt",
        "--store",
        "stopped",
        "--jobs",
        "1",
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
