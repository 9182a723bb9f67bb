"""Entries that borrow from others, common parameters that not every method takes, and variants."""

import pytest

from harness import plugins
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
        ("dense", "dense gives no mask"),
        ("magnitude-layerwise", "magnitude-layerwise borrows from another method itself"),
        ("scratch", "scratch borrows from another method itself"),
    ],
)
def test_what_cannot_lend_a_mask_is_refused_before_anything_runs(of, reason):
    with pytest.raises(UsageError, match=reason):
        resolve(["lt", f"random-layerwise[of={of}]"], {}, None)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ("snipp", "unknown method 'snipp' \\(did you mean 'snip'"),
        ("lt[rtae=0.5]", "'rtae' is not a parameter"),
        ("mobilenet", "mobilenet leaves no part of W0"),
        ("dense", "dense leaves no part of W0"),
        ("scratch", "scratch borrows from another method itself"),
        ("random-layerwise", "random-layerwise borrows from another method itself"),
    ],
)
def test_what_is_no_part_of_w0_has_no_control_and_is_refused_before_anything_runs(of, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        resolve(["lt", f"scratch[of={of}]"], {}, None)
    (fault,) = caught.value.faults
    assert fault.startswith(f"scratch[of={of}]: ")
    if "leaves no part of W0" in reason:
        assert "borrow from a method that chooses among a network's weights or channels" in fault


@pytest.mark.parametrize("of", ["lt", "snip", "l-obs", "structured-magnitude", "cdc", "random[start=trained]"])
def test_what_is_a_part_of_w0_has_a_control(of):
    (entry,), notes = resolve([f"scratch[of={of}]"], {}, None)
    assert entry.pruner().borrows_from == (of,)
    assert notes == []


def test_a_lender_that_the_run_has_otherwise_is_noted():
    for borrower in ("random-layerwise", "scratch"):
        (_, entry), notes = resolve(["lt[rate=0.75]", f"{borrower}[of=lt]"], {}, None)
        assert notes == [f"{entry.text} borrows from lt; the run has lt[rate=0.75]: of=NAME may say that"]
        assert resolve(["lt[rate=0.75]", f"{borrower}[of=lt[rate=0.75]]"], {}, None)[1] == []
    for loss in ("plain", "green"):  # a lender has no loss of its own: it runs under the borrower's
        notes = resolve(["lt", "scratch", "random-layerwise[of=lt]"], {}, loss)[1]
        assert not any("the run has" in note for note in notes)


# --- common parameters


def borrowed_by(written, common, loss=None):
    """What each entry of the run borrows from, by its text."""
    entries, _ = resolve(written, common, loss)
    return {entry.text: entry.pruner().borrows_from for entry in entries if entry.pruner().borrows_from}


@pytest.mark.parametrize("loss", [None, "plain", "green"])
@pytest.mark.parametrize("written", [["scratch"], ["scratch[of=lt]"], ["lt", "scratch"], ["all"], ["s*"]])
def test_common_parameters_reach_the_method_that_is_borrowed_from(written, loss):
    shown = "[loss=green,of=lt[rate=0.75]]" if loss == "green" else "[of=lt[rate=0.75]]"
    found = borrowed_by(written, {"rate": 0.75}, loss)
    assert found[f"scratch{shown}"] == ("lt[rate=0.75]",)
    (lender,) = {borrowed(of[0]).rate for text, of in found.items() if text == f"scratch{shown}"}
    assert lender == 0.75
    assert not any(of == ("lt",) for of in found.values())
    if written == ["all"]:  # the run's own ticket is the one that is controlled
        entries, notes = resolve(written, {"rate": 0.75}, loss)
        assert {"lt[rate=0.75]", "lt[loss=green,rate=0.75]"} & {entry.text for entry in entries}
        assert not any("the run has" in note for note in notes)


def test_they_reach_every_kind_of_borrower_and_the_borrower_too():
    assert borrowed_by(["random-layerwise[of=lt]"], {"rate": 0.75}) == {
        "random-layerwise[of=lt[rate=0.75]]": ("lt[rate=0.75]",)
    }
    common = {"recalibrate": True, "retrain": "finetune", "images": 64}
    assert borrowed_by(["magnitude-layerwise", "scratch[of=structured-magnitude]"], common) == {
        "magnitude-layerwise[of=snip[images=64,retrain=finetune],recalibrate=True,retrain=finetune]": (
            "snip[images=64,retrain=finetune]",
        ),
        "scratch[of=structured-magnitude[retrain=finetune]]": ("structured-magnitude[retrain=finetune]",),
    }


@pytest.mark.parametrize("common", [{"recalibrate": True}, {"recalibrate": True, "retrain": "finetune"}])
def test_recalibration_changes_neither_mask_nor_ticket_so_that_no_lender_has_it_and_none_is_missed(common):
    written = ["lt", "snip", "structured-magnitude", "magnitude-layerwise", "random-layerwise", "scratch*"]
    entries, notes = resolve(written, common, None)
    assert [entry.pruner().recalibrate for entry in entries[:5]] == [True] * 5
    lenders = [borrowed(*of) for of in borrowed_by(written, common).values()]
    assert len(lenders) == 4
    assert not any(lender.recalibrate for lender in lenders)
    assert not any("the run has" in note for note in notes)


def test_a_lenders_own_parameters_go_before_the_common_ones():
    common = {"rate": 0.75, "scope": "global"}
    assert borrowed_by(["scratch[of=lt[rate=0.25]]"], common) == {
        "scratch[of=lt[rate=0.25,scope=global]]": ("lt[rate=0.25,scope=global]",)
    }
    (entry,), _ = resolve(["scratch[of=lt[rate=0.5]]"], {"rate": 0.75}, None)
    assert borrowed(*entry.pruner().borrows_from).rate == 0.5


def test_a_common_lender_is_one_with_the_common_parameters():
    found = borrowed_by(["scratch", "random-layerwise"], {"of": "lt", "rate": 0.75})
    assert found == {
        "scratch[of=lt[rate=0.75]]": ("lt[rate=0.75]",),
        "random-layerwise[of=lt[rate=0.75]]": ("lt[rate=0.75]",),
    }


def test_a_lender_that_would_train_with_another_loss_is_noted():
    _, (note,) = resolve(["random-layerwise[of=class-dependent-lt]"], {}, None)
    assert note.endswith(": class-dependent-lt runs under this entry's loss plain, not its own black")
    assert resolve(["random-layerwise[of=class-dependent-lt,loss=black]"], {}, None)[1] == []


def test_the_lenders_reason_not_to_run_is_the_borrowers():
    network = skeleton(Architecture("mobilenet-v1"))
    (entry,), _ = resolve(["magnitude-layerwise[of=lt[variant=released-code]]"], {}, None)
    assert why_skipped(entry.pruner(), network).startswith(
        "lt[variant=released-code], which it borrows from: the released code has no rule for norm layers"
    )
    (entry,), _ = resolve(["magnitude-layerwise[of=snip]"], {}, None)
    assert why_skipped(entry.pruner(), network) is None


def test_a_common_value_goes_to_those_that_take_it_and_the_others_are_noted():
    entries, notes = resolve(["magnitude", "random-layerwise", "lt"], {"scope": "global"}, None)
    assert [entry.text for entry in entries] == ["magnitude", "random-layerwise", "lt[scope=global]"]
    assert notes == ['parameters.scope = "global" is not for random-layerwise, which keeps its own']
    controlled, notes = resolve(["random-layerwise[of=lt]"], {"scope": "global"}, None)
    assert [entry.text for entry in controlled] == ["random-layerwise[of=lt[scope=global]]"]
    assert len(notes) == 1


def test_a_common_value_that_no_method_takes_is_refused():
    with pytest.raises(UsageError, match=r"parameters.rate = 7: .*less than 1"):
        resolve(["lt"], {"rate": 7}, None)


# --- variants


def texts(written, common=None, loss=None):
    """The entries by their texts, where nothing is to be noted."""
    entries, notes = resolve(written, common or {}, loss)
    assert notes == []
    return [entry.text for entry in entries]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("rand*[start=W0]", ["random", "random-layerwise"]),
        (
            "rand*[start=trained]",
            ["random[start=trained]", "random[retrain=rewind-rate,start=trained]", "random-layerwise[start=trained]"],
        ),
        ("class-dependent*[scenario=green]", ["class-dependent-lt[scenario=green]"]),
        ("snip*[start=W0]", ["snip[start=W0]", "snip-retrain[start=W0]"]),
        ("scratch*[of=lt]", ["scratch"]),
        ("scratch*[of=snip]", ["scratch[of=snip]"]),  # neither variant's
    ],
)
def test_what_is_given_leaves_the_variants_that_it_does_not_contradict_each_once(written, expected):
    assert texts([written]) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("random", ["random"]),
        ("rando?", ["random", "random[retrain=rewind-rate,start=trained]"]),
        ("snip*[images=64]", ["snip[images=64]", "snip[images=64,start=W0]", "snip-retrain[images=64]"]),
        (
            "class-dependent*[rate=0.75]",
            [
                "class-dependent-lt[rate=0.75,scenario=blue]",
                "class-dependent-lt[rate=0.75]",
                "class-dependent-lt[rate=0.75,scenario=green]",
            ],
        ),
    ],
)
def test_what_is_given_beside_the_variants_goes_to_all_of_them(written, expected):
    assert texts([written]) == expected


def test_variants_may_be_given_as_a_table_too():
    assert texts([{"name": "class-dependent*", "scenario": "blue"}]) == ["class-dependent-lt[scenario=blue]"]
    assert texts([{"name": "snip*", "images": 64, "start": "W0"}]) == [
        "snip[images=64,start=W0]",
        "snip-retrain[images=64,start=W0]",
    ]


def test_variants_that_a_common_parameter_or_the_loss_makes_alike_are_one():
    assert texts(["snip*"], {"start": "W0"}) == ["snip[start=W0]", "snip-retrain[start=W0]"]
    assert texts(["class-dependent*"], loss="green") == ["lt[loss=green]"]  # a scenario is nothing but a loss


def test_a_variant_goes_before_a_common_parameter():
    assert texts(["rando?"], {"start": "W0"}) == ["random", "random[retrain=rewind-rate,start=trained]"]


def test_what_is_asked_for_twice_is_noted_still():
    entries, notes = resolve(["snip[start=W0]", "snip*[start=W0]"], {}, None)
    assert [entry.text for entry in entries] == ["snip[start=W0]", "snip-retrain[start=W0]"]
    assert notes == ["snip*[start=W0]: snip[start=W0] was asked for more than once and runs once"]


# --- what is pruned at W0 takes no way to retrain


def test_a_common_retrain_passes_by_what_is_pruned_at_w0_with_a_note():
    entries, notes = resolve(["snip*", "grasp", "rand*"], {"retrain": "finetune"}, None)
    assert [entry.text for entry in entries] == [
        "snip[retrain=finetune]",
        "snip[start=W0]",
        "snip-retrain[retrain=finetune]",
        "grasp",
        "random",
        "random[retrain=rewind-rate,start=trained]",  # which says it itself
        "random-layerwise[of=snip[retrain=finetune]]",
    ]
    assert notes == [
        f'parameters.retrain = "finetune" is not for {own}, which keeps its own'
        for own in ("snip[start=W0]", "grasp", "random", "random-layerwise")
    ]


def test_a_common_retrain_and_start_that_contradict_each_other_are_refused():
    with pytest.raises(UsageError, match="what is pruned at W0 is always trained from there"):
        resolve(["magnitude"], {"start": "W0", "retrain": "finetune"}, None)


@pytest.mark.parametrize("loss", [None, "green"])
def test_the_references_are_part_of_every_run_and_no_loss_makes_another_probe(loss):
    entries, notes = resolve(["probe", "lt"], {}, loss)
    assert [entry.method for entry in entries] == ["lt"]
    assert notes == ["probe is part of every run"]
    with pytest.raises(UsageError, match="'rate' is not a parameter"):
        resolve(["probe[rate=0.5]"], {}, None)
    with pytest.raises(UsageError, match="probe leaves no part of W0"):
        resolve(["scratch[of=probe]"], {}, None)


@pytest.mark.parametrize("name", ["dense", "probe"])
def test_a_plugin_with_the_name_of_a_reference_is_refused(monkeypatch, name):
    available = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: {**available(group), name: None})
    with pytest.raises(UsageError, match=f"a plugin is registered as '{name}', the name of a reference"):
        resolve(["lt"], {}, None)
