"""Stores on object storage: what one machine computed another has, whatever dies, fails or is damaged in between."""

import builtins
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from harness.errors import MachineError, StoreError
from harness.storage import shared_stages
from harness.storage.canonical import digest
from harness.storage.remote import Remote, RemoteError
from harness.storage.store import StageAbsent, StageBusy, Store
from harness.storage.usage import evict

VALUE = {"weights": torch.linspace(-1, 1, 50), "history": [0.5, None], "n": 3}
KEY = digest(["kind", "inputs"])
FILES = ("tensors.safetensors", "value.json", "manifest.json")
IMAGES = bytes(range(256)) * 40

S3_TOO = pytest.mark.parametrize(
    "address", ["memory", "file", pytest.param("s3", marks=pytest.mark.slow)], indirect=True
)


def compute(store, value=None, inputs="inputs"):
    return store.run("kind", inputs, lambda _: VALUE if value is None else value)


def must_not_run(_checkpoint):
    raise AssertionError("computed again")


def attached(store):
    def function(checkpoint):
        checkpoint.attach("images.u8").write(IMAGES)
        return 7

    return store.run("kind", "images", function)


def object_of(key, file):
    return f"stages/{key[:2]}/{key}/{file}"


def waiting(store):
    return store.shared.waiting()


def of_storage(store, change):
    """Change what the storage holds under a name, by ``change(bytes)``; None removes it."""

    def changed(name):
        remote = store.shared.remote
        data = change(remote.read(name))
        if data is None:
            remote.remove(name)
        else:
            remote.write(name, data)

    return changed


# --- one computes, the others fetch


@S3_TOO
def test_what_one_machine_computed_another_has_bit_for_bit(mirror, address):
    one = mirror(address, "one")
    first = compute(one)
    two = mirror(address, "two")
    assert two.root != one.root
    found = two.run("kind", "inputs", must_not_run)
    assert (first.replayed, found.replayed) == (False, True)
    assert digest(found.value) == digest(VALUE)
    assert (found.seconds, found.processor_seconds) == (first.seconds, first.processor_seconds)
    for file in FILES:
        assert (two.path(KEY) / file).read_bytes() == (one.path(KEY) / file).read_bytes()
    assert not waiting(one)
    assert not list((two.root / "temporary").iterdir())


def test_what_was_fetched_is_there_without_the_storage(mirror, address, monkeypatch):
    compute(mirror(address, "one"))
    two = mirror(address, "two")
    two.run("kind", "inputs", must_not_run)
    for name in ("read", "write", "create", "upload"):
        monkeypatch.setattr(Remote, name, lambda *_: pytest.fail("the storage was asked"))
    assert two.run("kind", "inputs", must_not_run).replayed


@S3_TOO
def test_files_that_are_mapped_come_along_and_are_known_by_their_time(mirror, address):
    one = mirror(address, "one")
    key = attached(one).key
    two = mirror(address, "two")
    assert two.run("kind", "images", must_not_run).value == 7
    theirs, ours = one.path(key) / "images.u8", two.path(key) / "images.u8"
    assert ours.read_bytes() == IMAGES
    assert ours.stat().st_mtime_ns == theirs.stat().st_mtime_ns  # so that it is not read whole at each start


def test_processes_of_one_machine_fetch_a_large_file_once(mirror, address, monkeypatch):
    key = attached(mirror(address, "one")).key
    stores = [mirror(address, "two") for _ in range(4)]
    fetched, ready, real = [], threading.Barrier(4), Remote.download

    def download(self, name, path):
        fetched.append(name)
        time.sleep(0.2)  # the others come
        return real(self, name, path)

    def find(store, number):
        store.temporary = lambda key: store.root / "temporary" / f"{key}.{number}"  # a process each
        ready.wait(60)
        return store.find(key).value

    monkeypatch.setattr(Remote, "download", download)
    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(find, stores, range(4))] == [7] * 4
    assert len(fetched) == 1


def test_a_stage_that_is_nowhere_is_not_computed_where_that_is_not_wanted(mirror, address):
    reader = mirror(address, "reader", compute=False)
    with pytest.raises(StageAbsent):
        compute(reader)
    compute(mirror(address, "one"))
    assert reader.run("kind", "inputs", must_not_run).replayed


def test_a_copy_of_the_storage_is_a_store(mirror, tmp_path):
    store = mirror(f"file://{tmp_path}/remote")
    store.reach()
    compute(store)
    shutil.copytree(tmp_path / "remote", tmp_path / "copy")
    assert digest(Store(tmp_path / "copy").run("kind", "inputs", must_not_run).value) == digest(VALUE)


def test_a_copied_mirror_knows_the_address_too(mirror, address, tmp_path):
    compute(mirror(address, "one"))
    empty = mirror(address, "two")
    shutil.copytree(empty.root, tmp_path / "copy")
    assert Store(tmp_path / "copy").run("kind", "inputs", must_not_run).replayed


def test_the_storage_says_what_it_holds(mirror, address):
    one = mirror(address, "one")
    keys = [compute(one, inputs=number).key for number in range(3)]
    sizes = [path.stat().st_size for key in keys for path in one.path(key).iterdir()]
    assert mirror(address, "two").shared.held() == (one.shared.remote.address, 3, sum(sizes), 0)


def test_a_storage_is_reached_before_work_and_of_one_format(mirror, address):
    one = mirror(address, "one")
    one.reach()
    one.reach()
    mirror(address, "two").reach()
    one.shared.remote.write("FORMAT", b"0\n")
    with pytest.raises(StoreError, match="has format 0, this version reads format 1"):
        one.reach()


def test_a_store_of_its_own_shares_nothing(store):
    assert store.shared is None
    store.reach()
    assert store.share_waiting() == 0


# --- death in the middle


class Killed(BaseException):
    """Ends an upload as a signal would: nothing catches it."""


def failing(monkeypatch, after, error):
    """Let the storage take so many objects of stages, and then raise."""
    real, taken = Remote.upload, []

    def upload(self, path, name):
        if len(taken) >= after:
            raise error
        taken.append(name)
        real(self, path, name)

    monkeypatch.setattr(Remote, "upload", upload)


@S3_TOO
@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_upload_that_died_is_seen_by_nobody_and_made_whole_by_the_next(mirror, address, monkeypatch, after):
    one, two = mirror(address, "one"), mirror(address, "two")
    with monkeypatch.context() as patch:
        failing(patch, after, Killed())
        with pytest.raises(Killed):
            compute(one)
    assert len(one.shared.remote.sizes("stages")) == after
    assert waiting(one) == [KEY]
    assert two.find(KEY) is None
    assert not compute(two).replayed  # nobody else has it
    assert mirror(address, "three").run("kind", "inputs", must_not_run).replayed
    assert one.share_waiting() == 0
    assert digest(mirror(address, "four").run("kind", "inputs", must_not_run).value) == digest(VALUE)


def test_what_waits_is_put_there_by_whoever_opens_the_mirror_next(mirror, address, monkeypatch):
    with monkeypatch.context() as patch:
        failing(patch, 1, Killed())
        with pytest.raises(Killed):
            compute(mirror(address, "one"))
    assert mirror(address, "one").share_waiting() == 0
    assert mirror(address, "two").run("kind", "inputs", must_not_run).replayed


def test_a_kill_before_the_commit_leaves_nothing_that_waits(mirror, address, monkeypatch):
    one = mirror(address, "one")
    with monkeypatch.context() as patch:
        patch.setattr("harness.storage.checkpoint.write_stage", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            compute(one)
    assert waiting(one) == []
    assert not compute(one).replayed


def test_a_fetch_that_died_is_no_stage(mirror, address, monkeypatch):
    compute(mirror(address, "one"))
    two, real = mirror(address, "two"), Remote.read

    def read(self, name):
        if name.endswith("value.json"):
            raise Killed
        return real(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "read", read)
        with pytest.raises(Killed):
            two.find(KEY)
    assert not two.path(KEY).exists()
    assert two.run("kind", "inputs", must_not_run).replayed


def test_what_a_killed_fetch_left_is_swept_by_the_next(mirror, address, monkeypatch):
    compute(mirror(address, "one"))
    two = mirror(address, "two")
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 2**22 + 1)  # nobody's
        left = two.temporary(f"{KEY}.fetched")
    left.mkdir()
    assert two.run("kind", "inputs", must_not_run).replayed
    assert not left.exists()


@pytest.mark.parametrize("damage", ["manifest.json", None])
def test_what_waits_and_is_damaged_here_is_not_put_there(mirror, address, monkeypatch, damage):
    one = mirror(address, "one")
    with monkeypatch.context() as patch:
        failing(patch, 0, Killed())
        with pytest.raises(Killed):
            compute(one)
    if damage:
        (one.path(KEY) / damage).write_bytes(b"torn")
    else:
        shutil.rmtree(one.path(KEY))
    assert one.share_waiting() == 0
    assert one.shared.remote.sizes("stages") == {}
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert not compute(one).replayed
    assert mirror(address, "two").run("kind", "inputs", must_not_run).replayed


# --- a storage that fails


def dead(monkeypatch):
    """A storage that does not answer; return the list of what it was asked."""
    asked = []

    def fails(_remote, *what):
        asked.append(what)
        raise RemoteError("the storage does not answer")

    for name in ("read", "write", "create", "upload", "remove"):
        monkeypatch.setattr(Remote, name, fails)
    return asked


def test_work_goes_on_without_the_storage_and_is_put_there_later(mirror, address, monkeypatch):
    one = mirror(address, "one")
    with monkeypatch.context() as patch:
        asked = dead(patch)
        with pytest.warns(RuntimeWarning, match="does not answer; for now, stages are looked for and kept in") as told:
            keys = [compute(one, inputs=number).key for number in range(5)]
        assert len(told) == 1
        assert len(asked) == 1  # and not again for a while
        with pytest.warns(RuntimeWarning, match="does not answer"):
            assert one.share_waiting() == 5
    assert waiting(one) == sorted(keys)
    assert one.share_waiting() == 0
    two = mirror(address, "two")
    for number in range(5):
        assert two.run("kind", number, must_not_run).replayed


def test_the_storage_is_asked_again_after_a_while(mirror, address, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shared_stages.time, "monotonic", lambda: clock[0])
    compute(mirror(address, "one"))
    two = mirror(address, "two")
    two.shared.remote.silent_until = 0.0
    with monkeypatch.context() as patch:
        dead(patch)
        with pytest.warns(RuntimeWarning, match="does not answer"):
            assert two.find(KEY) is None
    assert two.find(KEY) is None
    clock[0] += shared_stages.SILENT_S + 1
    assert two.find(KEY) is not None


def test_what_could_not_be_put_there_goes_along_with_the_next(mirror, address, monkeypatch):
    one = mirror(address, "one")
    with monkeypatch.context() as patch:
        failing(patch, 1, RemoteError("no network"))
        with pytest.warns(RuntimeWarning, match="no network"):
            compute(one)
    one.shared.remote.silent_until = 0.0
    compute(one, inputs="young")
    assert waiting(one) == [KEY]  # another process might have it in hand
    os.utime(one.root / "unshared" / KEY, (0, time.time() - shared_stages.LATE_S - 1))
    compute(one, inputs="old")
    assert waiting(one) == []
    assert mirror(address, "two").run("kind", "inputs", must_not_run).replayed


def test_a_storage_that_fails_from_the_first_is_an_error(mirror, address, monkeypatch):
    one = mirror(address, "one")
    dead(monkeypatch)
    with pytest.raises(MachineError, match="does not answer"):
        one.reach()


def test_the_disk_of_the_mirror_is_not_blamed_on_the_storage(mirror, address, monkeypatch):
    compute(mirror(address, "one"))
    two = mirror(address, "two")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="No space left"):
        two.find(KEY)


# --- damage


def flipped(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


DAMAGES = {
    "cut": lambda data: data[: len(data) // 2],
    "emptied": lambda _: b"",
    "flipped": flipped,
    "garbage": lambda _: b"\xb1" * 100,
    "gone": lambda _: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_object_is_never_believed_and_made_good(mirror, address, file, damage):
    one = mirror(address, "one")
    compute(one)
    of_storage(one, DAMAGES[damage])(object_of(KEY, file))
    two = mirror(address, "two")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = compute(two)
    assert not found.replayed
    assert digest(found.value) == digest(VALUE)
    if (file, damage) != ("manifest.json", "gone"):  # as if it had never been there
        assert any("is computed again" in str(one.message) and address[:6] in str(one.message) for one in told)
    assert not list((two.root / "temporary").iterdir())
    assert mirror(address, "three").run("kind", "inputs", must_not_run).replayed


@pytest.mark.parametrize("damage", DAMAGES)
def test_so_is_a_mapped_file(mirror, address, damage):
    one = mirror(address, "one")
    key = attached(one).key
    of_storage(one, DAMAGES[damage])(object_of(key, "images.u8"))
    two = mirror(address, "two")
    with pytest.warns(RuntimeWarning, match="is computed again"):
        assert not attached(two).replayed
    assert (two.path(key) / "images.u8").read_bytes() == IMAGES
    assert mirror(address, "three").run("kind", "images", must_not_run).replayed


def test_another_stage_in_its_place_is_not_believed(mirror, address):
    one = mirror(address, "one")
    other = compute(one, value={"other": 1}, inputs="other").key
    remote = one.shared.remote
    for file in FILES:
        remote.write(object_of(KEY, file), remote.read(object_of(other, file)))
    two = mirror(address, "two")
    with pytest.warns(RuntimeWarning, match="holds another stage"):
        assert digest(compute(two).value) == digest(VALUE)


@pytest.mark.parametrize("name", ["../../../escaped", "..", ".", "", "/tmp/escaped", "a/b", "a\0b", "manifest.json"])
def test_a_manifest_that_leads_elsewhere_writes_nothing(mirror, address, name, tmp_path):
    one = mirror(address, "one")
    compute(one)
    manifest = json.loads(one.shared.remote.read(object_of(KEY, "manifest.json")))
    manifest["sha256"][name] = "0" * 64
    one.shared.remote.write(object_of(KEY, "manifest.json"), json.dumps(manifest).encode())
    before = {path for path in tmp_path.rglob("*") if "caches" not in path.parts and "remote" not in path.parts}
    two = mirror(address, "two")
    with pytest.warns(RuntimeWarning, match="none of a stage's"):
        compute(two)
    after = {path for path in tmp_path.rglob("*") if "caches" not in path.parts and "remote" not in path.parts}
    assert after == before
    assert not list(two.root.rglob("escaped"))


def test_a_damaged_copy_here_is_fetched_anew(mirror, address):
    one = mirror(address, "one")
    compute(one)
    (one.path(KEY) / "tensors.safetensors").write_bytes(b"torn")
    with pytest.warns(RuntimeWarning, match="sha256"):
        found = one.run("kind", "inputs", must_not_run)
    assert digest(found.value) == digest(VALUE)


# --- eviction


@S3_TOO
def test_what_is_evicted_here_is_fetched_again_and_what_is_here_alone_stays(mirror, address, monkeypatch):
    one = mirror(address, "one")
    compute(one)
    with monkeypatch.context() as patch:
        failing(patch, 0, RemoteError("no network"))
        with pytest.warns(RuntimeWarning, match="no network"):
            late = compute(one, inputs="late").key
    one.shared.remote.silent_until = 0.0
    assert evict(one.root, "0").stages == 1
    assert not one.path(KEY).exists()
    assert one.path(late).exists()
    assert one.run("kind", "inputs", must_not_run).replayed
    assert one.shared.held().stages == 1


# --- several processes


@pytest.fixture(scope="module")
def start():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["harness.storage.store"])
    started = []

    def starts(code, **names):
        process = context.Process(target=builtins.exec, args=(code, names))
        process.start()
        started.append(process)
        return process

    yield starts
    for process in started:
        process.kill()
        process.join()


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.long)])
def common(request, tmp_path):
    """An address that all processes see."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    return f"file://{tmp_path}/remote" if request.param == "file" else f"s3://bucket{tmp_path}"


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.005)


OPENS = """
import os, pathlib, time, torch
os.environ.update(variables)
os.environ["XDG_CACHE_HOME"] = cache
from harness.storage import remote_lock
from harness.storage.mirror import local_folder_of
from harness.storage.store import Store
remote_lock.POLL_S = 0.02
store = Store(local_folder_of(address))
"""
COUNTS = """
while not pathlib.Path(go).exists():
    time.sleep(0.001)
def function(checkpoint):
    with open(counter, "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(0.1)
    return {"weights": torch.arange(1000.0)}
for number in range(4):
    assert store.run("kind", number, function).value["weights"].sum() == 499500
"""
HOLDS = """
remote_lock.LEASE_S = lease
def function(checkpoint):
    pathlib.Path(began).touch()
    while not pathlib.Path(may_end).exists():
        time.sleep(0.005)
    return "theirs"
store.run("kind", "inputs", function)
"""


@pytest.fixture
def process(start, common, tmp_path):
    """Return a function that starts code with the mirror of a machine, by its name."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

    def starts(machine, code, **names):
        cache = str(tmp_path / "caches" / machine)
        return start(OPENS + code, address=common, cache=cache, variables=variables, **names)

    return starts


def test_mirrors_that_compute_the_same_stages_compute_each_once(process, mirror, common, tmp_path):
    counter, go = tmp_path / "counter", tmp_path / "go"
    machines = ["one", "one", "two", "three"]
    processes = [process(machine, COUNTS, counter=str(counter), go=str(go)) for machine in machines]
    go.touch()
    for one in processes:
        one.join(120)
    assert [one.exitcode for one in processes] == [0, 0, 0, 0]
    assert len(counter.read_text().split()) == 4
    stores = [mirror(common, machine) for machine in dict.fromkeys(machines)]
    for number in range(4):
        key = digest(["kind", number])
        contents = {file: {(store.path(key) / file).read_bytes() for store in stores} for file in FILES}
        assert {len(found) for found in contents.values()} == {1}


@pytest.fixture
def holder(process, tmp_path):
    """Start a process of another machine that is computing the stage; return it, and the file that lets it finish."""

    def begin(lease=120.0):
        began, may_end = tmp_path / "began", tmp_path / "may end"
        started = process("theirs", HOLDS, began=str(began), may_end=str(may_end), lease=lease)
        until(began.exists)
        return started, may_end

    return begin


def test_a_stage_that_another_machine_computes_is_left_to_it(holder, mirror, common, monkeypatch):
    monkeypatch.setattr("harness.storage.remote_lock.POLL_S", 0.02)
    started, may_end = holder()
    impatient = mirror(common, "ours", wait=False)
    with pytest.raises(StageBusy):
        impatient.run("kind", "inputs", must_not_run)
    assert impatient.run("kind", "another", lambda _: 1).value == 1  # only that stage is busy
    may_end.touch()
    assert mirror(common, "ours").run("kind", "inputs", must_not_run).value == "theirs"  # waits
    started.join()
    assert started.exitcode == 0


def test_a_dead_machines_stage_is_taken_over_when_its_lock_has_run_out(holder, mirror, common):
    started, _ = holder(lease=1.5)
    os.kill(started.pid, signal.SIGKILL)
    started.join()
    ours, tries = mirror(common, "ours", wait=False), []

    def taken():
        try:
            tries.append(compute(ours).replayed)
        except StageBusy:
            return False
        return True

    until(taken)
    assert tries == [False]
    assert mirror(common, "another").run("kind", "inputs", must_not_run).replayed
