"""What machines that share a folder leave alone of each other's, though their processes have the same numbers."""

import os
import shutil
import socket
import subprocess
import time

import pytest

from harness.storage import disk
from harness.storage.store_folder import ABANDONED_S, StoreFolder

KEY = "a" * 64


@pytest.fixture
def on(tmp_path, monkeypatch):
    """Return a function that gives the folder as a process on another machine sees it."""
    yield lambda name: _on(name, tmp_path / "store", monkeypatch)
    disk.machine.cache_clear()


def _on(name, root, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    disk.machine.cache_clear()
    return StoreFolder(root)


def left(folder, key=KEY, old_s=0.0):
    """Make what a process of this number leaves that is killed while it writes."""
    place = folder.temporary(key)
    place.mkdir()
    (place / "value.json").write_bytes(b"half")
    for path in (place / "value.json", place):
        os.utime(path, (0, time.time() - old_s))
    return place


def ended():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_processes_of_one_number_on_two_machines_have_folders_of_their_own(on):
    assert on("one").temporary(KEY) != on("two").temporary(KEY)
    assert on("one").temporary(KEY) == on("one").temporary(KEY)


def test_a_container_on_the_same_machine_is_another(on, monkeypatch):
    here, real = on("one").temporary(KEY), os.stat

    def stat(path, **options):
        return real("/" if path == "/proc/self/ns/pid" else path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(disk.os, "stat", stat)
        assert on("one").temporary(KEY) != here


@pytest.mark.parametrize("key", [KEY, f"{KEY}.attached"])
def test_what_another_machine_writes_is_left_alone(on, monkeypatch, key):
    monkeypatch.setattr(os, "getpid", ended)  # here nobody has that number
    theirs = left(on("two"), key)
    on("one").sweep(KEY)
    assert theirs.exists()


def test_what_a_dead_process_of_this_machine_left_is_removed_and_a_living_ones_is_not(on, monkeypatch):
    living = left(on("one"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", ended)
        dead = left(on("one"), f"{KEY}.attached")
        other = left(on("one"), "b" * 64)
    on("one").sweep(KEY)
    assert living.exists()
    assert not dead.exists()
    assert other.exists()  # of another stage


def test_what_another_machine_has_not_touched_for_a_day_is_removed(on):
    old, new = left(on("two"), old_s=ABANDONED_S + 60), left(on("three"), old_s=ABANDONED_S - 60)
    on("one").sweep(KEY)
    assert not old.exists()
    assert new.exists()
    shutil.rmtree(new)


def test_a_large_file_that_still_grows_is_no_leftover(on):
    place = left(on("two"), old_s=ABANDONED_S + 60)
    (place / "images.u8").touch()
    on("one").sweep(KEY)
    assert place.exists()


def test_what_an_older_version_left_is_removed_after_a_day(on):
    folder = on("one")
    place = folder.root / "temporary" / f"{KEY}.12345"
    place.mkdir()
    folder.sweep(KEY)
    assert place.exists()
    os.utime(place, (0, time.time() - ABANDONED_S - 60))
    folder.sweep(KEY)
    assert not place.exists()
