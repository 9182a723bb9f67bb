import errno
import hashlib
import os
import subprocess
import threading

import pytest

from harness.errors import MachineError
from harness.storage import disk
from harness.storage.disk import (
    disk_errors,
    locked,
    machine,
    move,
    require_space,
    sha256_of,
    write_through,
    write_whole,
)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EBADF])
def test_every_failure_of_the_disk_is_a_machine_error_that_names_the_file(tmp_path, number):
    for file in (tmp_path / "file", tmp_path):
        with pytest.raises(MachineError, match=f"cannot use {file}: {os.strerror(number)}"), disk_errors(tmp_path):
            raise OSError(number, os.strerror(number), None if file == tmp_path else str(file))


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), disk_errors(tmp_path):
        raise KeyError


def test_space_is_asked_for_before_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    require_space(tmp_path, 1000, "the file")
    with pytest.raises(MachineError, match=r"the file needs 1,001 bytes in .*, where 1,000 are free"):
        require_space(tmp_path, 1001, "the file")


def test_the_hash_is_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)) * 5000)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(bytes(range(256)) * 5000).hexdigest()


def test_a_file_is_written_through_to_the_disk(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(os.fstat(descriptor).st_size), real(descriptor)))
    write_through(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert synced == [7]  # once all of it was there


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_file_is_whole_or_the_old_one_and_nothing_is_left_beside_it(tmp_path, monkeypatch, step):
    def fails(*_):
        raise OSError(errno.ENOSPC, "")

    path = tmp_path / "file"
    write_whole(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fails)
        with pytest.raises(OSError, match="28"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_removed_and_a_living_ones_is_not(tmp_path):
    begin = f".file.{machine()}-"
    dead = subprocess.Popen(["true"])
    dead.wait()
    kept = [f"{begin}{os.getppid()}.part", ".file.another-1.part", f".other.{begin[6:]}{dead.pid}.part", "file.part"]
    for name in [f"{begin}{dead.pid}.part", f"{begin}{10**30}.part", *kept]:
        (tmp_path / name).touch()
    write_whole(tmp_path / "file", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"file", *kept}


def test_a_move_replaces_a_file_and_an_empty_folder_and_no_other(tmp_path):
    for name in ("file", "other", "folder/file", "full/file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    move(tmp_path / "file", tmp_path / "other")
    move(tmp_path / "folder", tmp_path / "empty")
    assert (tmp_path / "other").read_text() == "file"
    assert (tmp_path / "empty" / "file").read_text() == "folder/file"
    with pytest.raises(OSError, match="not empty"):
        move(tmp_path / "empty", tmp_path / "full")


def test_one_holds_a_lock_and_the_other_says_that_it_waits(tmp_path):
    path, order, waits = tmp_path / "new" / "lock", [], threading.Event()

    def second():
        with locked(path, lambda: (order.append("waiting"), waits.set())):
            order.append("second")

    with locked(path, lambda: order.append("never")):
        other = threading.Thread(target=second)
        other.start()
        assert waits.wait(60)
        order.append("first")
    other.join()
    assert order == ["waiting", "first", "second"]
    assert path.exists()  # another may hold its inode
    with pytest.raises(ZeroDivisionError), locked(path, lambda: order.append("never")):
        raise ZeroDivisionError
    with locked(path, lambda: order.append("never")):
        assert "never" not in order


def test_a_lock_where_nothing_can_be_written_is_a_machine_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot use"), locked(tmp_path / "file" / "lock", lambda: None):
        raise AssertionError("held")
