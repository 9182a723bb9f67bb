"""A lock of objects: one holds it, a dead one's runs out, and what goes wrong costs work at most."""

import json
import random
import threading
import time
from pathlib import Path

import pytest

from harness.storage import remote_lock as module
from harness.storage.remote import Remote, RemoteError
from harness.storage.remote_lock import LEASE_S, remote_lock

NAME = "locks/stage"
OURS, THEIRS = Path(__file__).parent, Path(__file__).parent.parent  # two mirrors

S3_TOO = pytest.mark.parametrize(
    "address", ["memory", "file", pytest.param("s3", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture
def remote(address):
    return Remote(address)


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(module, "_TORN_S", 0.0)
    monkeypatch.setattr(module, "POLL_S", 0.01)


def taken(remote, clock, wait=False):
    """Return whether the lock is free; it is again then."""
    with remote_lock(remote, NAME, THEIRS, wait=wait, now=clock) as ours:
        return ours


def leave(remote, clock, mirror):
    """Take the lock as somebody who dies with it."""
    assert module._Lock(remote, NAME, mirror, clock).take()


@S3_TOO
def test_one_holds_it_and_then_the_next(remote, clock):
    with remote_lock(remote, NAME, OURS, wait=False, now=clock) as ours:
        assert ours
        assert not taken(remote, clock)
        assert not taken(remote, clock)
        assert json.loads(remote.read(NAME))["until"] == clock.now + LEASE_S
    assert remote.read(NAME) is None
    assert taken(remote, clock)


def test_an_error_frees_it(remote, clock):
    with pytest.raises(ZeroDivisionError), remote_lock(remote, NAME, OURS, wait=False, now=clock):
        raise ZeroDivisionError
    assert taken(remote, clock)


@S3_TOO
def test_what_a_dead_holder_left_runs_out_and_not_before(remote, clock):
    leave(remote, clock, OURS)
    clock.now += LEASE_S - 1
    assert not taken(remote, clock)
    clock.now += 2
    assert taken(remote, clock)


def test_what_one_of_this_mirror_left_is_taken_at_once(remote, clock):
    leave(remote, clock, THEIRS)
    assert taken(remote, clock)
    assert remote.read(NAME) is None


def test_who_gets_no_answer_is_not_locked_out_by_its_own_lock(remote, clock, monkeypatch):
    real = Remote.create

    def create(self, name, data):  # the answer is lost, and the second request finds the object of the first
        real(self, name, data)
        return real(self, name, data)

    monkeypatch.setattr(Remote, "create", create)
    with remote_lock(remote, NAME, OURS, wait=False, now=clock) as ours:
        assert ours
        assert not taken(remote, clock)
    assert remote.read(NAME) is None
    leave(remote, clock, OURS)
    clock.now += LEASE_S + 1
    assert taken(remote, clock)


def test_a_living_holder_renews_it(remote, clock, monkeypatch, at_once):
    monkeypatch.setattr(module, "RENEW_S", 0.01)
    with remote_lock(remote, NAME, OURS, wait=False, now=clock):
        for _ in range(5):
            clock.now += LEASE_S - 1
            deadline = time.monotonic() + 60
            while json.loads(remote.read(NAME))["until"] < clock.now + LEASE_S:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            assert not taken(remote, clock)
    assert remote.read(NAME) is None


def test_who_waits_gets_it_when_it_is_free(remote, clock, at_once):
    order = []

    def second():
        with remote_lock(remote, NAME, THEIRS, wait=True, now=clock) as ours:
            order.append(ours)

    with remote_lock(remote, NAME, OURS, wait=False, now=clock):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.1)
        order.append("first")
    other.join(60)
    assert order == ["first", True]


def test_who_was_cut_off_and_replaced_lets_the_others_lock_be(remote, clock, monkeypatch, at_once):
    monkeypatch.setattr(module, "RENEW_S", 0.01)
    cut_off, real = threading.Event(), Remote.write

    def write(self, name, data):
        if cut_off.is_set():
            raise RemoteError("no network")
        real(self, name, data)

    monkeypatch.setattr(Remote, "write", write)
    with remote_lock(remote, NAME, OURS, wait=False, now=clock) as ours:
        assert ours
        cut_off.set()
        clock.now += LEASE_S + 1
        leave(remote, clock, THEIRS)  # another takes it over
        cut_off.clear()
        theirs = remote.read(NAME)
        time.sleep(0.1)
        assert remote.read(NAME) == theirs
    assert remote.read(NAME) == theirs


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"holder": "a"}', random.Random(0).randbytes(30)])
def test_a_lock_that_cannot_be_read_was_left_by_a_dead_one(remote, clock, at_once, torn):
    remote.write(NAME, torn)
    assert taken(remote, clock)


def test_a_lock_that_is_being_written_is_not_taken(remote, clock, monkeypatch):
    monkeypatch.setattr(module, "_TORN_S", 0.2)
    remote.write(NAME, b"")
    content = json.dumps({"holder": "another", "until": clock.now + LEASE_S}).encode()
    writer = threading.Timer(0.05, lambda: remote.write(NAME, content))
    writer.start()
    assert not taken(remote, clock)
    writer.join()


def test_a_release_that_fails_is_left_to_run_out(remote, clock, monkeypatch):
    def fails(*_):
        raise RemoteError("no network")

    with monkeypatch.context() as patch, remote_lock(remote, NAME, OURS, wait=False, now=clock):
        patch.setattr(Remote, "read", fails)
    assert not taken(remote, clock)
    clock.now += LEASE_S + 1
    assert taken(remote, clock)
