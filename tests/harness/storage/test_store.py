import builtins
import errno
import json
import math
import multiprocessing
import os
import signal
import time

import pytest
import torch

from harness.errors import HarnessError, MachineError
from harness.storage.canonical import digest
from harness.storage.checkpoint import Checkpoint
from harness.storage.stage_files import write_stage
from harness.storage.store import StageBusy, Store

VALUE = {"weights": torch.linspace(-1, 1, 50), "flags": torch.tensor([True, False]), "history": [0.5, None], "n": 3}


@pytest.fixture
def folder(store):
    """The folder of one committed stage."""
    return store.path(compute(store).key)


class Killed(BaseException):
    """Ends a computation as a signal would: nothing catches it."""


def compute(store, value=None, calls=None, inputs="inputs"):
    def function(_checkpoint):
        if calls is not None:
            calls.append(1)
        return VALUE if value is None else value

    return store.run("kind", inputs, function)


def must_not_run(_checkpoint):
    raise AssertionError("computed again")


def stages(store):
    return [found for found, _ in store.folders()]


def leftovers(store):
    return sorted(path.name for path in (store.root / "temporary").iterdir())


# --- computed once, replayed


def test_a_stage_is_computed_once_and_replayed(store):
    calls = []
    first, second = compute(store, calls=calls), compute(store, calls=calls)
    other = compute(Store(store.root), calls=calls)
    assert len(calls) == 1
    assert [first.replayed, second.replayed, other.replayed] == [False, True, True]
    assert first.seconds == second.seconds == other.seconds > 0
    assert first.processor_seconds == second.processor_seconds == other.processor_seconds > 0
    assert digest(first.value) == digest(second.value) == digest(VALUE)
    assert first.key == second.key == store.path(first.key).name
    assert len(stages(store)) == 1
    assert not leftovers(store)


def test_kind_and_inputs_make_the_key(store):
    tensor = torch.arange(6.0).view(2, 3)
    inputs = [{"a": 1, "t": tensor}, {"a": 1.0, "t": tensor}, {"a": 1, "t": tensor + 1}, {"a": 1, "t": tensor.t()}]
    keys = {store.run(kind, each, lambda _: 1).key for kind in ("train", "compute") for each in inputs}
    assert len(keys) == 8
    again = {"t": tensor.t().contiguous().t(), "a": 1}
    assert store.run("train", again, must_not_run).key in keys


def test_the_value_is_what_a_replay_gives_also_in_the_first_run(store):
    # A caller must not see a tuple in one run and a list in the next.
    first = compute(store, value=(1, {"x": (2.5,)}))
    assert first.value == [1, {"x": [2.5]}] == compute(store).value


@pytest.mark.parametrize(
    "value",
    [
        {"twice": [VALUE["weights"], VALUE["weights"]]},
        {"parts": [VALUE["weights"][:30], VALUE["weights"][20:]]},
        {"strided": torch.arange(12.0).view(3, 4).t()},
        {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.0)},
        {"none": None, "infinite": math.inf, "not a number": torch.tensor(math.nan)},
        {"types": [torch.ones(3, dtype=dtype) for dtype in (torch.bfloat16, torch.float64, torch.uint8, torch.int64)]},
    ],
    ids=lambda value: next(iter(value)),
)
def test_any_tensors_and_json_come_back_bit_for_bit(store, value):
    assert digest(compute(store, value=value).value) == digest(value)
    assert digest(store.run("kind", "inputs", must_not_run).value) == digest(value)


def test_a_failing_function_leaves_nothing_and_frees_the_lock(store):
    def fails(_checkpoint):
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            store.run("kind", "inputs", fails)
    with pytest.raises(TypeError, match="only tensors and JSON"):
        compute(store, value={"bad": object()})
    assert not stages(store)
    assert not leftovers(store)
    assert not compute(Store(store.root, wait=False)).replayed


def test_what_a_failing_function_attached_is_closed_and_gone(store):
    held = []

    def fails(checkpoint):
        held.append(checkpoint.attach("large.u8"))
        held[0].write(b"images")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run("kind", 1, fails)
    with pytest.raises(ValueError, match="closed file"):
        held[0].write(b"more")
    assert not list((store.root / "temporary").iterdir())


def test_a_stage_must_not_run_another(store):
    with pytest.raises(AssertionError, match="stages are leaves"):
        store.run("outer", 1, lambda _: store.run("inner", 2, lambda _: 3).value)
    assert not stages(store)
    assert compute(store).value["n"] == 3  # and the store is usable afterwards


def fail_at(monkeypatch, call, name, error):
    """Make the ``call``-th call of ``os.<name>`` raise."""
    real, count = getattr(os, name), 0

    def counted(*arguments, **keywords):
        nonlocal count
        count += 1
        if count == call:
            raise error
        return real(*arguments, **keywords)

    monkeypatch.setattr(os, name, counted)


# --- checkpoints


def at_checkpoint(store, function):
    """Run ``function`` on the checkpoint of a stage that is then killed."""

    def killed(checkpoint):
        function(checkpoint)
        raise Killed

    with pytest.raises(Killed):
        store.run("kind", "long", killed)


def saved(order):
    return {"epoch": order, "weights": torch.full((4,), float(order))}


def test_a_checkpoint_is_loaded_after_a_kill_and_gone_after_the_commit(store):
    seen = []
    at_checkpoint(store, lambda checkpoint: seen.append(checkpoint.load()))
    at_checkpoint(store, lambda checkpoint: checkpoint.save(7, saved(7)))
    at_checkpoint(store, lambda checkpoint: seen.append(checkpoint.load()))
    assert seen[0] is None
    assert digest(seen[1]) == digest(saved(7))
    store.run("kind", "other", lambda checkpoint: seen.append(checkpoint.load()))
    assert seen[2] is None
    assert store.run("kind", "long", lambda checkpoint: checkpoint.load()["epoch"]).value == 7
    assert not list(store.partial.iterdir())
    assert not leftovers(store)


def test_only_the_newest_checkpoint_is_kept(store):
    def saves(checkpoint):
        for order in (1, 9, 10, 100):  # as text, 9 comes after 10
            checkpoint.save(order, saved(order))

    at_checkpoint(store, saves)
    assert len(list(store.partial.iterdir())) == 1
    assert Checkpoint(store, digest(["kind", "long"])).load()["epoch"] == 100


def test_the_newest_readable_checkpoint_counts(store):
    key = digest(["kind", "long"])
    for order in (8, 12):  # a kill between the save of 12 and the removal of 8 leaves both
        write_stage(
            store.temporary(key),
            store.partial / f"{key}.{order:08d}",
            saved(order),
            {"seconds": 1.0, "processor_seconds": 1.0},
        )
    assert Checkpoint(store, key).load()["epoch"] == 12
    (store.partial / f"{key}.{12:08d}" / "tensors.safetensors").write_bytes(b"torn")
    assert Checkpoint(store, key).load()["epoch"] == 8
    (store.partial / f"{key}.{8:08d}" / "manifest.json").write_bytes(b"")
    assert Checkpoint(store, key).load() is None


def test_a_torn_checkpoint_is_replaced_when_its_step_is_reached_again(store):
    checkpoint = Checkpoint(store, "a" * 64)
    checkpoint.save(3, saved(3))
    (store.partial / f"{'a' * 64}.{3:08d}" / "tensors.safetensors").write_bytes(b"torn")
    assert checkpoint.load() is None
    checkpoint.save(3, saved(3))
    assert digest(checkpoint.load()) == digest(saved(3))


def test_seconds_are_carried_over_a_kill(store, monkeypatch):
    clock, processor = [1000.0], [10.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "process_time", lambda: processor[0])

    def work(seconds):
        clock[0] += seconds
        processor[0] += seconds / 2  # another process has the other half

    def works(checkpoint):
        work(40)
        checkpoint.save(1, saved(1))
        work(5)  # lost with the kill

    def goes_on(checkpoint):
        assert checkpoint.load()["epoch"] == 1
        work(2)
        return 0

    at_checkpoint(store, works)
    clock[0], processor[0] = clock[0] + 3600, 0.25  # nobody works on it, then another process does
    for compute in (goes_on, must_not_run):
        stage = store.run("kind", "long", compute)
        assert (stage.seconds, stage.processor_seconds) == (42, 21)


def test_a_stage_that_is_older_than_its_processor_seconds_has_none(store):
    key = digest(["kind", "old"])
    write_stage(store.temporary(key), store.path(key), 7, {"kind": "kind", "seconds": 2.0, "format": "1"})
    found = store.run("kind", "old", must_not_run)
    assert (found.value, found.seconds, found.replayed) == (7, 2.0, True)
    assert math.isnan(found.processor_seconds)


def test_a_checkpoint_is_due_by_time_since_the_last(store, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    checkpoint = Checkpoint(store, "a" * 64)
    due = []
    for second in range(0, 60, 5):
        clock[0] = float(second)
        due.append(checkpoint.due)
        if checkpoint.due:
            checkpoint.save(second, saved(second))
    assert due == [False, False, False, False, True, False, False, False, True, False, False, False]


def test_a_full_disk_at_a_checkpoint_keeps_the_one_before(store, monkeypatch):
    checkpoint = Checkpoint(store, "a" * 64)
    checkpoint.save(1, saved(1))
    with monkeypatch.context() as patch:
        fail_at(patch, 2, "fsync", OSError(errno.ENOSPC, ""))
        with pytest.raises(MachineError):
            checkpoint.save(2, saved(2))
    assert digest(checkpoint.load()) == digest(saved(1))


# --- the format


def test_a_store_of_another_format_is_refused(store):
    (store.root / "FORMAT").write_text("0\n")
    with pytest.raises(MachineError, match="has format 0, this version reads format 1") as caught:
        Store(store.root)
    assert caught.value.exit_code == 5


def test_a_store_killed_at_its_first_step_is_usable(tmp_path):
    # Opened, not yet written: so a full disk or a kill leaves it, and so a second process may see it for an instant.
    (tmp_path / "FORMAT").touch()
    assert digest(compute(Store(tmp_path)).value) == digest(VALUE)


def test_a_format_with_flipped_bits_is_refused(store):
    (store.root / "FORMAT").write_bytes(b"\xb1")
    with pytest.raises(MachineError, match="has format \N{REPLACEMENT CHARACTER}, this version"):
        Store(store.root)


def test_a_folder_that_cannot_be_written_is_a_machine_error(tmp_path, monkeypatch):
    def fails(*_arguments, **_keywords):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "mkdir", fails)
    with pytest.raises(MachineError, match="Permission denied"):
        Store(tmp_path / "new")


@pytest.mark.parametrize("below", [".", "store"])
def test_a_store_at_a_file_is_an_error_that_a_user_can_read(tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="file"):
        Store(tmp_path / "file" / below)


# --- other processes: a server imports the store once and forks each, so that a test costs milliseconds


@pytest.fixture(scope="module")
def start():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["harness.storage.store"])
    started = []

    def starts(code, **names):
        # `exec` can be found by every process; a function of this file cannot, since no process can import it.
        process = context.Process(target=builtins.exec, args=("from harness.storage.store import *\n" + code, names))
        process.start()
        started.append(process)
        return process

    yield starts
    for process in started:
        process.kill()
        process.join()


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.005)


HOLDS = """
import pathlib, time
def function(checkpoint):
    pathlib.Path(began).touch()
    while not pathlib.Path(may_end).exists():
        time.sleep(0.005)
    return "theirs"
Store(pathlib.Path(root)).run("kind", "inputs", function)
"""


@pytest.fixture
def holder(start, store, tmp_path):
    """A process that is computing the stage, and the file that lets it finish."""
    began, may_end = tmp_path / "began", tmp_path / "may end"
    process = start(HOLDS, root=str(store.root), began=str(began), may_end=str(may_end))
    until(began.exists)
    return process, may_end


def test_a_busy_stage_is_left_to_its_holder(store, holder):
    process, may_end = holder
    impatient = Store(store.root, wait=False)
    with pytest.raises(StageBusy):
        impatient.run("kind", "inputs", must_not_run)
    assert impatient.run("kind", "another", lambda _: 1).value == 1  # only that stage is busy
    may_end.touch()
    found = store.run("kind", "inputs", must_not_run)  # waits
    assert found.value == "theirs"
    process.join()
    assert process.exitcode == 0
    assert impatient.run("kind", "inputs", must_not_run).replayed


def test_a_dead_holders_stage_is_taken_over_at_once(store, holder):
    process, _ = holder
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    start_of_wait = time.monotonic()
    assert Store(store.root, wait=False).run("kind", "inputs", lambda _: "ours").value == "ours"
    assert time.monotonic() - start_of_wait < 5
    assert (store.root / "locks" / digest(["kind", "inputs"])).exists()  # never deleted: a new file is a second lock


COUNTS = """
import os, pathlib, time, torch
while not pathlib.Path(go).exists():
    pass
def function(checkpoint):
    with open(counter, "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(0.05)
    return {"weights": torch.arange(1000.0)}
for number in range(4):
    stage = Store(pathlib.Path(root)).run("kind", number, function)
    assert stage.value["weights"].sum() == 499500
"""


def test_processes_that_compute_the_same_stages_compute_each_once(start, tmp_path):
    # The store itself is new, so its first step is concurrent too.
    root, counter, go = tmp_path / "new", tmp_path / "counter", tmp_path / "go"
    processes = [start(COUNTS, root=str(root), counter=str(counter), go=str(go)) for _ in range(4)]
    go.touch()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert len(counter.read_text().split()) == 4
    assert len(stages(Store(root))) == 4
    assert not leftovers(Store(root))


def test_without_the_lock_two_commits_of_one_key_are_still_one_whole_stage(store, monkeypatch):
    # The lock only saves work: here another process commits while this one computes.
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    other = Store(store.root)
    monkeypatch.setattr(other, "temporary", lambda key: store.root / "temporary" / f"{key}.other")

    def slow(_checkpoint):
        assert not compute(other).replayed
        return VALUE

    assert digest(store.run("kind", "inputs", slow).value) == digest(VALUE)
    assert len(stages(store)) == 1
    assert not leftovers(store)


LIMITED = """
import pathlib, resource, torch
from harness.errors import MachineError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    store = Store(pathlib.Path(root))
    store.run("kind", "inputs", lambda _: {"weights": torch.zeros(100_000)})
except MachineError as error:
    raise SystemExit(error.exit_code)
"""


@pytest.mark.parametrize("limit", [0, 4096])
def test_a_real_limit_on_file_size_is_a_machine_error_and_goes_away_with_it(start, tmp_path, limit):
    root = tmp_path / "new"
    process = start(LIMITED, root=str(root), limit=str(limit))
    process.join(60)
    assert process.exitcode == 5
    usable = Store(root)
    assert not stages(usable)
    assert digest(compute(usable).value) == digest(VALUE)


def test_an_unreadable_stage_is_counted_as_such(store, folder):
    (folder / "manifest.json").write_bytes(b"{")
    assert [kind for _, kind in store.folders()] == ["unreadable"]
    (folder / "manifest.json").write_text(json.dumps({"kind": "train"}))
    assert [kind for _, kind in store.folders()] == ["train"]


ON_A_MACHINE = """
import os, socket, torch
socket.gethostname, os.getpid = (lambda: machine), (lambda: 4242)  # the same number, as in two containers
import fcntl
fcntl.flock = lambda *_: None  # as on a file system that locks among the processes of one machine alone
def function(checkpoint):
    checkpoint.attach("images.u8").write(bytes(1000))
    pathlib.Path(f"{place}/{machine}").touch()
    while len([*pathlib.Path(place).iterdir()]) < 2:
        time.sleep(0.001)
    return {"weights": torch.arange(1000.0)}
import pathlib, time
for number in range(5):
    store = Store(pathlib.Path(root))
    assert store.run("kind", "inputs" if number == 0 else number, function).value["weights"].sum() == 499500
"""


def test_two_machines_whose_locks_do_not_reach_each_other_both_end_with_the_stage(start, tmp_path):
    place = tmp_path / "machines"
    place.mkdir()
    root = tmp_path / "shared"
    both = [start(ON_A_MACHINE, root=str(root), place=str(place), machine=machine) for machine in ("one", "two")]
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(stages(Store(root))) == 5
    assert not leftovers(Store(root))
    assert Store(root).read(digest(["kind", "inputs"]), whole=True) is not None
