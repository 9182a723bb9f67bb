import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from harness.errors import MachineError
from harness.storage.canonical import digest
from harness.storage.stage_files import CorruptStageError, read_stage, stage_parts
from harness.storage.store import Store

VALUE = {"weights": torch.linspace(-1, 1, 50), "flags": torch.tensor([True, False]), "history": [0.5, None], "n": 3}


@pytest.fixture
def folder(store):
    """The folder of one committed stage."""
    return store.path(compute(store).key)


def sign(folder, changed):
    """Change a stage's manifest as its writer could have."""
    manifest = {**json.loads((folder / "manifest.json").read_bytes()), **changed}
    del manifest["self"]
    signature = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (folder / "manifest.json").write_bytes(json.dumps({**manifest, "self": signature}, sort_keys=True).encode())


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


# --- torn and changed files


def damaged(folder):
    """Every file of the stage cut at several lengths, and with one byte changed at many places."""
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for length in sorted({0, 1, len(whole) // 2, len(whole) - 1}):
            yield path, whole[:length]
        yield path, whole + b" "
        step = 1 if path.name == "manifest.json" else len(whole) // 15
        for place in range(0, len(whole), step):
            yield path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def test_a_stage_has_three_files(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "tensors.safetensors", "value.json"]


@pytest.mark.parametrize("name", ["manifest.json", "tensors.safetensors", "value.json"])
def test_a_damaged_file_is_said_so_and_the_stage_computed_again(store, folder, name, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of commits
    unnoticed, raised = [], []
    for path, data in list(damaged(folder)):
        if path.name != name:
            continue
        path.write_bytes(data)
        calls = []
        try:
            with pytest.warns(RuntimeWarning, match="it is computed again"):
                found = compute(store, calls=calls)
        except pytest.fail.Exception:
            unnoticed.append(data)
        except Exception as error:
            raised.append((repr(error), data))
        else:
            assert calls == [1]
            assert digest(found.value) == digest(VALUE)
            assert not leftovers(store)
        for leftover in folder.iterdir():
            leftover.unlink()
        folder.rmdir()
        compute(store)
    assert not raised
    assert not unnoticed


@pytest.mark.parametrize("name", ["manifest.json", "tensors.safetensors", "value.json"])
def test_a_missing_file_is_a_corrupt_stage(store, folder, name):
    (folder / name).unlink()
    with pytest.raises(CorruptStageError, match="lacks files"):
        read_stage(folder)
    with pytest.warns(RuntimeWarning, match="lacks files"):
        assert not compute(store).replayed
    assert compute(store).replayed


@pytest.mark.parametrize(
    "shape",
    [
        {"sha256": [5]},
        {"sha256": {}},
        {"sha256": {"value.json": None}},
        {"attached": [[1]]},
        {"attached": {"value.json": 5}},
        {"attached": {"value.json": {"bytes": 1, "mtime_ns": "x", "sha256": 1}}},
        {"seconds": None},
    ],
)
def test_a_signed_manifest_of_another_shape_is_a_corrupt_stage(store, folder, shape):
    sign(folder, shape)
    with pytest.raises(CorruptStageError):
        store.read(folder.name)
    with pytest.warns(RuntimeWarning, match="it is computed again"):
        assert not compute(store).replayed
    assert compute(store).replayed


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tensors.safetensors", b"no tensors"),
        ("tensors.safetensors", save({})),
        ("value.json", b"{"),
        ("value.json", b"[" * 100_000 + b"]" * 100_000),
        ("value.json", b'{"__tensor__": [1]}'),
    ],
)
def test_so_is_a_file_that_has_its_sha256_and_another_shape(store, folder, name, data):
    (folder / name).write_bytes(data)
    hashes = json.loads((folder / "manifest.json").read_bytes())["sha256"]
    sign(folder, {"sha256": {**hashes, name: hashlib.sha256(data).hexdigest()}})
    with pytest.raises(CorruptStageError, match="is not readable"):
        read_stage(folder)


@pytest.mark.parametrize("shape", [{"sha256": [5]}, {"sha256": {}, "attached": [[1]]}, {"sha256": 5}, [], None])
def test_a_manifest_of_another_shape_names_no_files(shape):
    with pytest.raises(CorruptStageError):
        stage_parts(json.dumps(shape).encode())


@pytest.mark.parametrize("name", ["", "manifest.json", "value.json"])
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_a_corrupt_stage(store, folder, name):
    place = folder / name
    if name:
        place.unlink()
        place.mkdir()
        (place / "inside").touch()
    else:
        shutil.rmtree(place)
        place.touch()
    with pytest.warns(RuntimeWarning, match="is not as it was committed"):
        assert not compute(store).replayed
    assert compute(store).replayed
    assert not list((store.root / "temporary").iterdir())


def test_a_corrupt_stage_that_another_process_just_removed_is_simply_absent(store, folder, monkeypatch):
    # The holder of the lock finds a corrupt stage while another process evicts it.
    def read_then_lose(path, *, whole):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
        raise CorruptStageError("torn")

    monkeypatch.setattr("harness.storage.store.read_stage", read_then_lose)
    with pytest.warns(RuntimeWarning):
        assert store.find(folder.name, mend=True) is None


def test_a_disk_that_cannot_be_read_is_a_machine_error(store, folder, monkeypatch):
    def fails(_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", fails)
    with pytest.raises(MachineError):
        store.find(folder.name)
    assert folder.exists()  # unreadable is not corrupt


# --- killed or failing at every step of a commit


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


COMMIT = [("fsync", call) for call in range(1, 6)] + [("rename", 1)]  # three files, their folder, its parent


def test_a_commit_has_the_steps_that_are_made_to_fail(store, monkeypatch):
    calls = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append(1), real(descriptor))[1])
    compute(store)
    assert len(calls) == sum(name == "fsync" for name, _ in COMMIT)


@pytest.mark.parametrize(("name", "call"), COMMIT)
def test_a_kill_at_any_step_leaves_a_whole_stage_or_none(store, monkeypatch, name, call):
    with monkeypatch.context() as patch:
        fail_at(patch, call, name, Killed())
        with pytest.raises(Killed):
            compute(store)
    committed = len(stages(store))
    assert committed == (call == 5)  # only the last step comes after the rename
    found = compute(Store(store.root))  # no warning: a half stage was never visible
    assert found.replayed == bool(committed)
    assert digest(found.value) == digest(VALUE)
    if not committed:
        assert not leftovers(store)  # what the dead process left is swept by the next


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize(("name", "call"), COMMIT)
def test_a_full_disk_at_any_step_is_a_machine_error_and_the_store_stays_usable(store, monkeypatch, name, call, number):
    compute(store, inputs="before")
    with monkeypatch.context() as patch:
        fail_at(patch, call, name, OSError(number, os.strerror(number)))
        with pytest.raises(MachineError) as caught:
            compute(store)
    assert caught.value.exit_code == 5
    assert os.strerror(number) in str(caught.value)
    assert str(store.root) in str(caught.value)
    assert store.run("kind", "before", must_not_run).replayed
    assert digest(compute(store).value) == digest(VALUE)


def test_a_full_disk_keeps_no_half_written_files(store, monkeypatch):
    # They would hold the space that the user is asked to free, for as long as this very stage isn't run again.
    with monkeypatch.context() as patch:
        fail_at(patch, 3, "fsync", OSError(errno.ENOSPC, ""))
        with pytest.raises(MachineError):
            compute(store)
    assert not leftovers(store)


def test_other_errors_of_the_system_are_not_taken_for_a_full_disk(store, monkeypatch):
    fail_at(monkeypatch, 1, "fsync", OSError(errno.EBADF, ""))
    with pytest.raises(OSError, match=r"Errno 9"):
        compute(store)
