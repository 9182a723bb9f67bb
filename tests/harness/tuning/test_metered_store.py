"""What a trial costs, against a plain count of the distinct stages that it ran."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.storage.checkpoint import Checkpoint
from harness.storage.store import Store
from harness.tuning.metered_store import MeteredStore, Spent

KINDS = ["train", "score", "compute", "images", "pretrain"]
SECONDS = {"train": 2.0, "score": 0.5, "compute": 0.25, "images": 8.0, "pretrain": 16.0}
RUNS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2)), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def _stages_take_known_seconds():
    """Every stage takes the seconds that its compute function says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "costs", property(lambda self: {"seconds": self.known, "processor_seconds": 0.0}))
        yield


def run(store, kind, number):
    def compute(checkpoint):
        checkpoint.known = SECONDS[kind]
        return {"steps": 10 + number}

    return store.run(kind, {"number": number}, compute)


@settings(max_examples=15, deadline=None)
@given(RUNS, RUNS)
def test_each_stage_of_a_trial_is_counted_once_and_shared_ones_never(tmp_path_factory, before, now):
    folder = tmp_path_factory.mktemp("store")
    others = Store(folder)
    for kind, number in before:
        run(others, kind, number)
    ledger = MeteredStore(folder)
    for kind, number in now:
        run(ledger, kind, number)
    own = {one for one in now if one[0] in ("train", "score", "compute")}
    assert ledger.spent.steps == sum(10 + number for kind, number in own if kind == "train")
    assert ledger.spent.seconds == sum(SECONDS[kind] for kind, _ in own)
    assert ledger.spent.computed_seconds == sum(SECONDS[kind] for kind, _ in own - set(before))


def test_a_trial_that_replays_another_costs_the_same_and_computes_nothing(tmp_path):
    first, second = MeteredStore(tmp_path), MeteredStore(tmp_path)
    for ledger in (first, second):
        run(ledger, "train", 1)
        run(ledger, "score", 1)
    assert first.spent == Spent(11, 2.5, 2.5)
    assert second.spent == Spent(11, 2.5, 0.0)


def test_what_was_said_to_be_spent_does_not_change_later(tmp_path):
    """A level's message has what was spent up to it."""
    ledger = MeteredStore(tmp_path)
    assert ledger.spent == Spent(0, 0.0, 0.0)
    run(ledger, "train", 0)
    said = ledger.spent
    run(ledger, "train", 1)
    assert said == Spent(10, 2.0, 2.0)
    assert ledger.spent == Spent(21, 4.0, 4.0)


def test_a_ledger_gives_the_stages_of_its_store(tmp_path):
    made = run(MeteredStore(tmp_path), "train", 2)
    again = run(Store(tmp_path), "train", 2)
    assert made.value == again.value == {"steps": 12}
    assert made.key == again.key
    assert (made.replayed, again.replayed) == (False, True)


def test_a_stage_that_fails_costs_nothing(tmp_path):
    def fails(_checkpoint):
        raise RuntimeError("it broke")

    ledger = MeteredStore(tmp_path)
    with pytest.raises(RuntimeError, match="it broke"):
        ledger.run("train", {"number": 0}, fails)
    assert ledger.spent == Spent()
    run(ledger, "train", 0)
    assert ledger.spent == Spent(10, 2.0, 2.0)
