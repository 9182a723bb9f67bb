import os

import pytest
import torch

from harness.errors import UsageError
from harness.storage.stage_sizes import folder_bytes
from harness.storage.usage import evict, shown, usage


class Killed(BaseException):
    """Ends a computation as a signal would: nothing catches it."""


def must_not_run(_checkpoint):
    raise AssertionError("computed again")


def stages(store):
    return [found for found, _ in store.folders()]


def leftovers(store):
    return sorted(path.name for path in (store.root / "temporary").iterdir())


def at_checkpoint(store, function):
    """Run ``function`` on the checkpoint of a stage that is then killed."""

    def killed(checkpoint):
        function(checkpoint)
        raise Killed

    with pytest.raises(Killed):
        store.run("kind", "long", killed)


def saved(order):
    return {"epoch": order, "weights": torch.full((4,), float(order))}


def filled(store):
    """Four stages, least recently used first: 2, 0, 3, 1."""
    keys = [store.run("kind", number, lambda _: torch.zeros(1000)).key for number in range(4)]
    for age, number in enumerate((2, 0, 3, 1)):
        os.utime(store.path(keys[number]), (1000 + age, 1000 + age))
    return keys


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
def test_the_least_recently_used_are_evicted_first(store, kept):
    newest_first = [filled(store)[number] for number in (1, 3, 0, 2)]
    size = sum(folder_bytes(store.path(key)) for key in newest_first[:kept])
    assert evict(store.root, str(size)).stages == 4 - kept
    assert {found.name for found in stages(store)} == set(newest_first[:kept])
    assert not leftovers(store)
    if kept:
        evict(store.root, str(size - 1))  # one byte less costs one more stage
        assert {found.name for found in stages(store)} == set(newest_first[: kept - 1])


def test_a_replay_counts_as_use_and_an_evicted_stage_is_computed_again(store):
    keys = filled(store)
    store.run("kind", 2, must_not_run)
    evict(store.root, str(folder_bytes(store.path(keys[2]))))
    assert [found.name for found in stages(store)] == [keys[2]]
    assert not store.run("kind", 0, lambda _: torch.zeros(1000)).replayed


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("17B", 17), ("2k", 2000), ("2 KB", 2000), ("1.5MB", 1_500_000), (" 3gb ", 3 * 10**9)],
)
def test_sizes_are_read_with_decimal_units(store, monkeypatch, text, size):
    filled(store)
    monkeypatch.setattr("harness.storage.stage_sizes.folder_bytes", lambda _: size)
    assert evict(store.root, text).stages == (0 if size == 0 else 3)
    monkeypatch.setattr("harness.storage.stage_sizes.folder_bytes", lambda _: size + 1)
    evict(store.root, text)
    assert not stages(store)  # not even one of a byte more fits


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "2GiB", "two", "1e9", "2 G B", "1.GB", "nan"])
def test_a_size_that_cannot_be_read_evicts_nothing(store, text):
    filled(store)
    with pytest.raises(UsageError, match="cannot read the size"):
        evict(store.root, text)
    assert len(stages(store)) == 4


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (45_678, "45.7 kB"),
        (999_499, "999 kB"),
        (999_999, "1 MB"),
        (2_500_000, "2.5 MB"),
        (999_999_999, "1 GB"),
        (12_345_678_901, "12.3 GB"),
        (1_234_567_890_123, "1.23 TB"),
    ],
)
def test_sizes_are_shown_with_three_digits_and_never_with_an_exponent(size, text):
    assert shown(size) == text


def test_usage_counts_stages_by_kind(store):
    for number in range(3):
        store.run("train", number, lambda _: torch.zeros(10_000))
    store.run("score", 0, lambda _: 1)
    at_checkpoint(store, lambda checkpoint: checkpoint.save(1, saved(1)))
    lines = usage(store.root).lines()
    sizes = [folder_bytes(found) for found, kind in store.folders() if kind == "train"]
    assert shown(folder_bytes(store.root)) in lines[0]
    words = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert words["train"] == ["3", "stages", *shown(sum(sizes)).split()]
    assert words["score"][:2] == ["1", "stages"]
    assert words["unfinished"][:2] == ["1", "stages"]


def test_usage_as_values_adds_up_to_the_folder(store):
    for number in range(3):
        store.run("train", number, lambda _: torch.zeros(10_000))
    found = usage(store.root).values()
    assert found["kinds"]["train"]["stages"] == 3
    assert found["store"] == str(store.root)
    parts = [*found["kinds"].values(), found["unfinished"]]
    assert sum(part["bytes"] for part in parts) + found["rest"] == found["bytes"] == folder_bytes(store.root)


def test_what_was_evicted_is_said_in_words(store):
    filled(store)
    assert str(evict(store.root, "0")) == "Evicted 4 stages; 0 B of stages left."
