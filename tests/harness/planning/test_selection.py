"""Entries that borrow from others, and common parameters that not every method takes."""

import pytest

from harness.errors import UsageError
from harness.networks.architecture import Architecture
from harness.networks.factories import skeleton
from harness.planning.pruners import borrowed, why_skipped
from harness.planning.selection import resolve


def test_an_entry_may_borrow_from_a_method_with_parameters():
    written = "random-layerwise[of=lt[rate=0.75,scope=global]]"
    (entry,), notes = resolve([written], {}, None)
    assert entry.text == written
    assert entry.pruner().borrows_from == ("lt[rate=0.75,scope=global]",)
    assert borrowed(*entry.pruner().borrows_from) == resolve(["lt[rate=0.75,scope=global]"], {}, None)[0][0].pruner()
    assert notes == []
    assert resolve([entry.text], {}, None)[0] == [entry]


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ("snipp", "unknown method 'snipp' \\(did you mean 'snip'"),
        ("snip[image=3]", "'image' is not a parameter"),
        ("mobilenet", "mobilenet gives no mask"),
        ("cdc", "cdc gives no mask"),
        ("magnitude-layerwise", "magnitude-layerwise takes its mask from another method itself"),
    ],
)
def test_what_cannot_lend_a_mask_is_refused_before_anything_runs(of, reason):
    with pytest.raises(UsageError, match=reason):
        resolve(["lt", f"random-layerwise[of={of}]"], {}, None)


def test_a_lender_that_the_run_has_otherwise_is_noted():
    _, notes = resolve(["lt", "random-layerwise[of=lt]"], {"rate": 0.75}, None)
    assert notes == ["random-layerwise[of=lt] borrows from lt; the run has lt[rate=0.75]: of=NAME may say that"]
    assert resolve(["lt", "random-layerwise[of=lt[rate=0.75]]"], {"rate": 0.75}, None)[1] == []


def test_a_lender_that_would_train_with_another_loss_is_noted():
    _, (note,) = resolve(["random-layerwise[of=class-dependent-lt]"], {}, None)
    assert note.endswith(": class-dependent-lt runs under this entry's loss plain, not its own black")
    assert resolve(["random-layerwise[of=class-dependent-lt,loss=black]"], {}, None)[1] == []


def test_the_lenders_reason_not_to_run_is_the_borrowers():
    network = skeleton(Architecture("mobilenet-v1"))
    (entry,), _ = resolve(["magnitude-layerwise[of=l-obs]"], {}, None)
    assert why_skipped(entry.pruner(), network).startswith("l-obs, which it borrows from: features.block1.depthwise")
    (entry,), _ = resolve(["magnitude-layerwise[of=snip]"], {}, None)
    assert why_skipped(entry.pruner(), network) is None


def test_a_common_value_goes_to_those_that_take_it_and_the_others_are_noted():
    entries, notes = resolve(["magnitude", "random-layerwise", "lt"], {"scope": "global"}, None)
    assert [entry.text for entry in entries] == ["magnitude", "random-layerwise", "lt[scope=global]"]
    assert notes == ["parameters.scope = 'global' is not for random-layerwise, which keeps its own"]


def test_a_common_value_that_no_method_takes_is_refused():
    with pytest.raises(UsageError, match=r"parameters.rate = 7: .*less than 1"):
        resolve(["lt"], {"rate": 7}, None)
