"""Files of a stage that are too large for memory: there whole or not at all, and what happens to them is found."""

import errno
import os
import resource
import shutil
import signal

import pytest
import torch

from harness.errors import MachineError
from harness.storage.stage_files import CorruptStageError
from harness.storage.stage_sizes import folder_bytes
from harness.storage.store import Store
from harness.storage.usage import evict, usage

PIECES = [bytes([number]) * 1000 for number in range(200)]
WHOLE = b"".join(PIECES)
NAME = "pixels.u8"


class Killed(BaseException):
    """Ends a computation as a signal would: nothing catches it."""


def filled(checkpoint):
    file = checkpoint.attach(NAME)
    for piece in PIECES:
        file.write(piece)
    return {"count": len(PIECES), "weights": torch.arange(5.0)}


def compute(store, function=filled):
    return store.run("kind", "inputs", function)


def must_not_run(_checkpoint):
    raise AssertionError("computed again")


@pytest.fixture
def file(store):
    """The attached file of a committed stage."""
    return store.path(compute(store).key) / NAME


def leftovers(store):
    return sorted(path.name for path in (store.root / "temporary").iterdir())


def rewrite(path, content):
    """Change a file and give it its old time back."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


FLIPPED = WHOLE[:100_000] + bytes([WHOLE[100_000] ^ 1]) + WHOLE[100_001:]


# --- written and found again


def test_what_was_written_piece_by_piece_is_one_file_beside_the_value(store, file):
    assert file.read_bytes() == WHOLE
    assert sorted(path.name for path in file.parent.iterdir()) == [
        *("manifest.json", NAME, "tensors.safetensors", "value.json"),
    ]
    found = compute(store, must_not_run)
    assert (found.value["count"], found.value["weights"].tolist()) == (200, [0.0, 1.0, 2.0, 3.0, 4.0])
    assert not leftovers(store)


def test_a_stage_can_have_more_than_one(store):
    def function(checkpoint):
        for name in ("one", "two"):
            checkpoint.attach(name).write(name.encode())

    folder = store.path(compute(store, function).key)
    assert [(folder / name).read_text() for name in ("one", "two")] == ["one", "two"]


# --- known by its size and time, and read where these are others


@pytest.mark.parametrize("content", [FLIPPED, WHOLE[:-1], WHOLE + b" ", b""])
def test_another_content_with_another_time_is_computed_again(store, file, content):
    file.write_bytes(content)
    os.utime(file, ns=(0, 1_700_000_000_000_000_000))
    with pytest.warns(RuntimeWarning, match=f"{NAME} does not have the sha256 .* computed again"):
        assert not compute(store).replayed
    assert file.read_bytes() == WHOLE
    assert not leftovers(store)


@pytest.mark.parametrize("content", [WHOLE[:-1], WHOLE + b" ", b""])
def test_another_size_is_found_by_itself(store, file, content):
    rewrite(file, content)
    with pytest.warns(RuntimeWarning, match="does not have the sha256"):
        assert not compute(store).replayed


def test_a_file_of_the_same_size_and_time_is_not_read_but_where_all_is(store, file):
    rewrite(file, FLIPPED)
    assert compute(store, must_not_run).replayed  # which proves that it is not read: the flipped bit is not noticed
    with pytest.raises(CorruptStageError, match=f"{NAME} does not have the sha256"):
        store.read(file.parent.name, whole=True)


@pytest.mark.parametrize("deed", ["removed", "a folder", "a dangling link"])
def test_a_file_that_is_gone_or_something_else_is_computed_again(store, file, deed):
    file.unlink()
    if deed == "a folder":
        file.mkdir()
    elif deed == "a dangling link":
        file.symlink_to("nowhere")
    with pytest.warns(RuntimeWarning, match=f"{NAME} is not as it was committed"):
        assert not compute(store).replayed
    assert file.read_bytes() == WHOLE


def test_a_touched_file_is_read_once_and_believed_from_then_on(store, file):
    time = file.stat().st_mtime_ns
    os.utime(file, ns=(0, 5))
    assert compute(store, must_not_run).replayed
    assert file.stat().st_mtime_ns == time


def test_a_copied_store_has_its_stages(store, file, tmp_path):
    shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copy)  # no times
    copied = Store(tmp_path / "copy")
    other = copied.path(file.parent.name) / NAME
    assert other.stat().st_mtime_ns != file.stat().st_mtime_ns
    assert compute(copied, must_not_run).replayed
    assert other.stat().st_mtime_ns == file.stat().st_mtime_ns


def test_a_bit_that_flips_while_a_store_is_copied_is_found(store, file, tmp_path):
    shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copy)
    copied = Store(tmp_path / "copy")
    (copied.path(file.parent.name) / NAME).write_bytes(FLIPPED)
    with pytest.warns(RuntimeWarning, match="does not have the sha256"):
        assert not compute(copied).replayed


def test_a_store_of_another_user_works_though_its_times_cannot_be_mended(store, file, monkeypatch):
    os.utime(file, ns=(0, 5))
    real = os.utime

    def refuses(path, *arguments, **keywords):
        if str(path).endswith(NAME):
            raise PermissionError(errno.EPERM, "not yours")
        real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "utime", refuses)
    assert compute(store, must_not_run).replayed


# --- taken away


def test_eviction_counts_it_and_takes_it_with_its_stage(store, file):
    size = folder_bytes(file.parent)
    assert size > len(WHOLE)
    assert "201 kB" in "".join(line for line in usage(store.root).lines() if line.split()[0] == "kind")
    evict(store.root, str(size))
    assert file.exists()
    evict(store.root, str(size - 1))
    assert not file.parent.exists()
    assert not leftovers(store)
    assert not compute(store).replayed


# --- killed, failing, full


def test_an_error_in_the_middle_leaves_nothing_behind(store):
    # It would hold the space of all images until this very stage is asked for again.
    def fails(checkpoint):
        filled(checkpoint)
        raise Killed

    with pytest.raises(Killed):
        compute(store, fails)
    assert not leftovers(store)
    assert not list(store.folders())
    assert not compute(store).replayed


@pytest.mark.parametrize("after", [0, 1, 150])
def test_a_kill_while_it_is_written_leaves_no_stage_and_the_next_sweeps_what_is_left(store, after):
    def dies(checkpoint):
        file = checkpoint.attach(NAME)
        for piece in PIECES[:after]:
            file.write(piece)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            compute(store, dies)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not list(store.folders())
    assert not compute(Store(store.root)).replayed
    assert not leftovers(store)


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


COMMIT = [*(("fsync", call) for call in range(1, 7)), ("rename", 1), ("rename", 2)]


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
@pytest.mark.parametrize(("name", "call"), COMMIT)
def test_a_failure_at_any_step_of_the_commit_leaves_a_whole_stage_or_none(store, monkeypatch, name, call, error):
    with monkeypatch.context() as patch:
        fail_at(patch, call, name, error)
        with pytest.raises(Killed if isinstance(error, Killed) else MachineError):
            compute(store)
    assert not leftovers(store)
    again = compute(Store(store.root))  # no warning: a half stage was never visible
    assert again.replayed == ((name, call) == ("fsync", 6))  # only the last step comes after the rename
    assert (store.path(again.key) / NAME).read_bytes() == WHOLE


@pytest.mark.parametrize("limit", [0, 4096, len(WHOLE) - 1])
def test_a_disk_that_is_full_before_the_end_is_a_machine_error(store, limit):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            compute(store)
        except MachineError as error:
            code = error.exit_code
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert not leftovers(store)
    assert not compute(store).replayed
