"""A disk that is full, read-only, failing or without locks: the command stops with what to do, and then continues."""

import errno
import importlib.util
import random
import re
import subprocess
import time
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

# From its ``nth`` such call on, in this process, the system refuses it for whatever lies in the store.
FAULT = """
import builtins, fcntl, io, os
calls = 0

def path_of(given):
    number = given if isinstance(given, int) else given.fileno() if hasattr(given, "fileno") else None
    return os.path.abspath(os.fsdecode(given)) if number is None else os.readlink(f"/proc/self/fd/{{number}}")

def faulty(module, name, applies=lambda *arguments, **named: True):
    real = getattr(module, name)
    def call(*arguments, **named):
        global calls
        if applies(*arguments, **named) and path_of(arguments[0]).startswith({root!r}):
            calls += 1
            if calls >= {nth}:
                named_path = [] if {name!r} in ("fsync", "flock") else arguments[:1]
                raise OSError({number}, os.strerror({number}), *named_path)
        return real(*arguments, **named)
    setattr(module, name, call)

if {name!r} == "open":
    for module in (builtins, io):
        faulty(module, "open", lambda path, mode="r", *_, **__: set(mode) & set("wax+"))
else:
    faulty(fcntl if {name!r} == "flock" else os, {name!r})
"""
FULL = [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO]
CALLS = dict.fromkeys(("open", "fsync", "replace", "rename", "mkdir"), FULL) | {"flock": [errno.ENOLCK, errno.ENOSYS]}
FAULTS = [(where, name, number) for where in ("parent", "worker") for name, those in CALLS.items() for number in those]
SOON_S = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return durable.Place(tmp_path_factory.mktemp("disk"))


@pytest.fixture(scope="module")
def whole(place):
    folder = place.folder("whole")
    place.give(durable.RUN, folder)
    return folder


@pytest.fixture(scope="module")
def ended(request):
    """Count how commands ended."""
    yield from durable.tally(request, "commands on a failing disk")


def told(result, store):
    """Return whether a message says what could not be used, that all else is kept, and how to go on."""
    text = " ".join(result.stderr.split())
    return str(store) in text and re.search(r"kept|nothing half", text) and re.search(r"the same command", text, re.I)


def continues(place, whole, folder):
    place.give(durable.RUN, folder)
    assert durable.results(folder / "store") == durable.results(whole / "store")
    assert durable.stage_bits(folder / "store") == durable.stage_bits(whole / "store")
    assert not durable.leftovers(folder)


def stops_and_continues(place, whole, fault, draws, ended):
    where, name, number = fault
    folder = place.folder(f"{where}-{name}-{number}-{draws.random()}")
    nth = draws.randint(1, 12)
    code = FAULT.format(root=str(folder / "store"), nth=nth, name=name, number=number)
    started = time.monotonic()
    result = place.give(durable.RUN, folder, None, **{"code" if where == "parent" else "worker_code": code})
    ended[f"exit {result.returncode}"] += 1
    if result.returncode:
        assert time.monotonic() - started < SOON_S
        assert result.returncode == 5 or "not published" in result.stderr, result.stderr
        assert result.returncode in (3, 5), result.stderr
        assert told(result, folder / "store"), result.stderr
    continues(place, whole, folder)


SOME = random.Random(5).sample(FAULTS, 4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", SOME, ids=str)
def test_a_disk_that_fails_stops_the_command_which_then_continues(place, whole, fault, ended):
    stops_and_continues(place, whole, fault, random.Random(str(fault)), ended)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_every_failure_of_a_disk_in_parent_and_worker(place, whole, fault, seed, ended):
    stops_and_continues(place, whole, fault, random.Random(f"{fault} {seed}"), ended)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 2 MB; only root may have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def mounted_anew(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


@pytest.mark.timeout(600)
def test_a_disk_that_is_really_full_and_then_is_not(place, whole, small_disk):
    full = place.give(durable.RUN, small_disk, check=None)
    assert full.returncode in (3, 5), full.stderr
    assert told(full, small_disk / "store"), full.stderr
    mounted_anew(small_disk, "size=60m")
    continues(place, whole, small_disk)
    mounted_anew(small_disk, "ro")
    read_only = place.give([*durable.RUN, "--seeds", "2"], small_disk, check=None)
    assert read_only.returncode == 5, read_only.stderr
    assert told(read_only, small_disk / "store"), read_only.stderr
