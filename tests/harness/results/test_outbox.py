"""What goes to MLflow while others train, what waits for the end, and what is said of it."""

from types import SimpleNamespace

import pytest

from harness.errors import MachineError
from harness.results.outbox import FREE_S, SHARE, Outbox


class Server:
    """An MLflow that takes ``cost`` seconds for a run, or fails; the clock goes on only when it or the test says so."""

    def __init__(self):
        self.now, self.cost, self.dead = 0.0, 0.0, False
        self.asked, self.taken, self.told = [], [], []
        self.outbox = Outbox(self.publish, self.told.append, lambda: self.now)

    def publish(self, publication):
        self.now += self.cost
        self.asked.append(publication.name)
        if self.dead:
            raise MachineError(f"no answer for {publication.name}")
        self.taken.append(publication.name)

    def send(self, *names):
        for name in names:
            self.outbox.send(SimpleNamespace(key=name.rstrip("*"), name=name))


@pytest.fixture
def server():
    return Server()


def test_what_a_server_takes_is_sent_at_once(server):
    server.send("a", "b")
    assert server.taken == ["a", "b"]
    assert server.outbox.finish() == []
    assert server.asked == ["a", "b"]
    assert server.told == []


def test_a_dead_server_is_asked_once_while_others_train_and_once_at_the_end(server):
    server.dead = True
    server.send("a", "b", "c")
    assert server.asked == ["a"]
    assert server.outbox.finish() == ["a", "b", "c"]
    assert server.asked == ["a", "a"]
    assert server.told == ["no answer for a"]


def test_a_server_that_is_back_at_the_end_gets_all_that_it_missed_in_order(server):
    server.send("a")
    server.dead = True
    server.send("b", "c")
    server.dead = False
    assert server.taken == ["a"]
    assert server.outbox.finish() == []
    assert server.taken == ["a", "b", "c"]


def test_what_a_server_did_not_take_at_the_end_is_named_and_no_other(server):
    server.dead = True
    server.send("a", "b", "c")
    server.dead = False
    server.outbox._publish = lambda one: server.publish(one) if one.name == "a" else fail()

    def fail():
        raise MachineError("full")

    assert server.outbox.finish() == ["b", "c"]
    assert server.taken == ["a"]
    assert server.told == ["no answer for a", "full"]


def test_a_slow_server_gets_its_share_of_the_time_and_the_rest_at_the_end(server):
    server.cost = FREE_S + 1
    server.send("a", "b", "c")
    assert server.taken == ["a"]
    server.now = server.cost / SHARE - 1
    server.send("d")
    assert server.taken == ["a"]
    server.now = server.cost / SHARE
    server.send("e")
    assert server.taken == ["a", "b"]
    assert server.outbox.finish() == []
    assert server.taken == ["a", "b", "c", "d", "e"]


def test_of_one_run_the_newest_is_sent_in_the_place_of_the_oldest(server):
    server.dead = True
    server.send("study", "trial", "study*")
    assert server.outbox.finish() == ["study*", "trial"]
    server.dead = False
    assert server.outbox.finish() == []
    assert server.taken == ["study*", "trial"]
