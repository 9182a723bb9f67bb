"""A loss's own numbers: gamma and lambda as parameters of an entry, by what each round then trains with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.losses.class_dependent import ClassDependent
from harness.losses.registered import schedule_named
from harness.planning.entries import entry_of, reparametrised, values_of
from harness.planning.selection import resolve

GAMMAS = st.sampled_from([1.0, 1, 2.0, 5, 0.5, "effective-number(0.99)", "effective-number(0.9)"])
LAMBDAS = st.sampled_from([0.0, 0, 0.5, 5])
LOSSES = st.builds(ClassDependent, st.just("mine"), GAMMAS, GAMMAS, LAMBDAS)
NUMBERS = st.floats(1e-3, 1e3)


def one(written, losses=None, loss=None):
    (entry,), _ = resolve([written], {}, loss, losses)
    return entry


def rounds(loss):
    """(gamma of the first round, of the later ones, lambda) on 10 positives and 90 negatives."""
    first, later = loss.resolve(0, 10, 90), loss.resolve(3, 10, 90)
    assert first.lambda_ == later.lambda_
    return first.gamma, later.gamma, first.lambda_


def obvious(loss):
    """The weights, case by case."""
    weights = {}
    if loss.lambda_ > 0:
        weights["lambda"] = loss.lambda_
    texts = isinstance(loss.gamma, str) or isinstance(loss.gamma_after, str)
    if not texts:
        if loss.gamma == 1 and loss.gamma_after != 1:
            weights["gamma"] = loss.gamma_after
        elif loss.gamma != 1 and loss.gamma_after in (1, loss.gamma):
            weights["gamma"] = loss.gamma
    return weights


# --- a schedule's weights


@given(LOSSES)
def test_a_loss_has_a_gamma_where_one_number_says_it_and_a_lambda_where_it_ranks(loss):
    assert loss.parameters == obvious(loss)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("plain", {}),
        ("blue", {"lambda": 5}),
        ("black", {"gamma": 5, "lambda": 5}),
        ("green", {"gamma": 10, "lambda": 5}),
        ("weights-only", {"gamma": 5}),
        ("black-pointwise", {"gamma": 5, "lambda": 5}),
    ],
)
def test_the_papers_losses_have_these_weights(name, weights):
    assert schedule_named(name).parameters == weights


@given(LOSSES, NUMBERS, NUMBERS)
def test_other_weights_change_the_rounds_that_were_weighted_and_no_other(loss, gamma, lambda_):
    known = {name: value for name, value in (("gamma", gamma), ("lambda", lambda_)) if name in obvious(loss)}
    first, later, ranking = rounds(loss)
    if "gamma" in known:
        first, later = (gamma if before != 1 else 1.0 for before in (first, later))
    changed = loss.with_parameters(known)
    assert rounds(changed) == (first, later, known.get("lambda", ranking))
    assert changed.name == loss.name
    assert loss.with_parameters({}) == loss
    assert loss.with_parameters(loss.parameters) == loss


@given(LOSSES, st.lists(st.sampled_from(["gamma", "lambda", "beta"]), unique=True))
def test_every_weight_that_the_loss_does_not_have_is_a_fault(loss, names):
    missing = [name for name in names if name not in obvious(loss)]
    given_ = dict.fromkeys(names, 2.0)
    if not missing:
        loss.with_parameters(given_)
        return
    with pytest.raises(UsageError) as caught:
        loss.with_parameters(given_)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [repr(name) for name in missing]


@pytest.mark.parametrize(
    ("weights", "wrong"),
    [
        ({"gamma": 0.0}, ["gamma"]),
        ({"gamma": -1.0, "lambda": -1.0}, ["gamma", "lambda"]),
        ({"gamma": float("nan"), "lambda": float("inf")}, ["gamma", "lambda"]),
        ({"lambda": 0.0}, []),
        ({"gamma": 1e-9, "lambda": 1e9}, []),
    ],
)
def test_weights_are_finite_and_gamma_is_above_zero(weights, wrong):
    if not wrong:
        assert schedule_named("black").with_parameters(weights).name == "black"
        return
    with pytest.raises(UsageError) as caught:
        schedule_named("black").with_parameters(weights)
    assert [fault.split(" ")[0] for fault in caught.value.faults] == wrong


# --- in brackets


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("class-dependent-lt[gamma=3]", "class-dependent-lt[gamma=3.0]", (1, 3, 5)),
        ("class-dependent-lt[lambda=2,gamma=3]", "class-dependent-lt[gamma=3.0,lambda=2.0]", (1, 3, 2)),
        ("class-dependent-lt[gamma=5,lambda=5.0]", "class-dependent-lt", (1, 5, 5)),
        ("class-dependent-lt[gamma=1,lambda=0]", "class-dependent-lt[gamma=1.0,lambda=0.0]", (1, 1, 0)),
        ("class-dependent-lt[gamma=3,scenario=green]", "class-dependent-lt[gamma=3.0,scenario=green]", (3, 3, 5)),
        ("class-dependent-lt[gamma=10,scenario=green]", "class-dependent-lt[scenario=green]", (10, 10, 5)),
        ("lt[loss=blue,lambda=0.5,rate=0.25]", "lt[lambda=0.5,loss=blue,rate=0.25]", (1, 1, 0.5)),
        ("lt[loss=weights-only,gamma=2]", "lt[gamma=2.0,loss=weights-only]", (2, 2, 0)),
        ("class-dependent-lt[loss=green,gamma=3]", "lt[gamma=3.0,loss=green]", (3, 3, 5)),
        (
            {"name": "class-dependent-lt", "gamma": 3, "lambda": 1},
            "class-dependent-lt[gamma=3.0,lambda=1.0]",
            (1, 3, 1),
        ),
    ],
)
def test_gamma_and_lambda_are_parameters_of_an_entry_and_change_its_loss(written, text, expected):
    entry = one(written)
    assert entry.text == text
    assert rounds(entry.loss) == expected
    assert not {"gamma", "lambda"} & {name for name, _ in entry.parameters}
    assert one(text) == entry


@pytest.mark.parametrize(
    "written",
    [
        "lt[gamma=3]",
        "lt[lambda=0]",
        "class-dependent-lt[gamma=3,scenario=blue]",
        "lt[loss=blue,gamma=3]",
        "class-dependent-lt[gamma=0]",
        "class-dependent-lt[gamma=high]",
        "class-dependent-lt[gamma=]",
        "class-dependent-lt[lambda=-1]",
        "class-dependent-lt[lambda=inf]",
        {"name": "class-dependent-lt", "gamma": [3]},
        {"name": "class-dependent-lt", "gamma": None},
    ],
)
def test_a_weight_that_the_loss_does_not_have_or_take_is_refused_by_name(written):
    with pytest.raises(UsageError, match=r"gamma|lambda"):
        one(written)


def test_a_weight_beyond_all_floats_is_refused():
    with pytest.raises(UsageError, match="gamma"):
        one({"name": "class-dependent-lt", "gamma": 10**400})


def test_a_loss_for_all_brings_its_weights_with_it():
    assert one("class-dependent-lt[gamma=3]", loss="green").text == "lt[gamma=3.0,loss=green]"
    with pytest.raises(UsageError, match="'gamma' is not a parameter"):
        one("class-dependent-lt[gamma=3]", loss="blue")


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["class-dependent-lt", "class-dependent-lt[scenario=green]", "lt[loss=black]", "snip[loss=green]"]),
    NUMBERS,
    st.floats(0, 1e3),
)
def test_every_text_reads_back_as_its_entry(written, gamma, lambda_):
    entry = reparametrised(one(written), {"gamma": gamma, "lambda": lambda_})
    assert one(entry.text) == entry
    assert values_of(one(entry.text))["gamma"] == gamma
    assert values_of(one(entry.text))["lambda"] == lambda_


@settings(max_examples=15, deadline=None)
@given(LOSSES, NUMBERS)
def test_every_text_of_an_own_loss_reads_back_as_its_entry(loss, number):
    losses = {"mine": loss}
    entry = one("lt[loss=mine,rate=0.25]", losses)
    changed = reparametrised(entry, dict.fromkeys(obvious(loss), number), losses)
    assert one(changed.text, losses) == changed
    first, later, _ = rounds(changed.loss)
    assert changed.loss.name == "mine"
    if "gamma" in obvious(loss):
        assert {first, later} <= {1.0, number}


def test_an_own_loss_of_a_built_in_name_brings_its_own_weights():
    losses = {"black": ClassDependent("black", 2.0, 2.0, 0.0)}
    entry = one("class-dependent-lt[gamma=3]", losses)
    assert (entry.text, rounds(entry.loss)) == ("class-dependent-lt[gamma=3.0]", (3, 3, 0))
    assert one("class-dependent-lt[gamma=2]", losses).text == "class-dependent-lt"
    with pytest.raises(UsageError, match="'lambda' is not a parameter"):
        one("class-dependent-lt[lambda=3]", losses)


# --- values and other values


def test_the_values_of_an_entry_are_all_its_parameters_with_its_losses():
    assert values_of(one("class-dependent-lt[gamma=3,rate=0.25]")) == {
        "criterion": "magnitude-increase",
        "gamma": 3.0,
        "lambda": 5.0,
        "rate": 0.25,
        "recalibrate": False,
        "retrain": "rewind-weights",
        "scenario": "black",
        "scope": "layer",
        "variant": "exact",
    }
    assert "gamma" not in values_of(one("lt"))
    assert "gamma" not in values_of(one("lt[loss=blue]"))
    assert values_of(one("class-dependent-lt[gamma=1,lambda=0]")).items() >= {"gamma": 1.0, "lambda": 0.0}.items()


def test_other_values_leave_the_rest_of_an_entry_as_it_is():
    entry = one("class-dependent-lt[gamma=3,rate=0.25,scope=global]")
    assert reparametrised(entry, {}) == entry
    assert reparametrised(entry, values_of(entry)) == entry
    changed = reparametrised(entry, {"rate": 0.75, "lambda": 2.0})
    assert changed.text == "class-dependent-lt[gamma=3.0,lambda=2.0,rate=0.75,scope=global]"
    assert reparametrised(changed, {"rate": 0.25, "lambda": 5.0}) == entry
    assert reparametrised(entry, {"gamma": 5.0, "rate": 0.5, "scope": "layer"}) == one("class-dependent-lt")


def test_a_weight_that_was_switched_off_can_be_switched_on_again():
    entry = one("class-dependent-lt[gamma=1,lambda=0]")
    assert reparametrised(entry, {"rate": 0.25}).text == "class-dependent-lt[gamma=1.0,lambda=0.0,rate=0.25]"
    assert reparametrised(entry, {"gamma": 5.0, "lambda": 5.0}) == one("class-dependent-lt")


def test_another_scenario_brings_its_loss():
    changed = reparametrised(one("class-dependent-lt"), {"scenario": "green"})
    assert changed == one("class-dependent-lt[scenario=green]")
    assert rounds(changed.loss) == (10, 10, 5)
    assert rounds(reparametrised(changed, {"scenario": "blue"}).loss) == (1, 1, 5)


def test_an_entry_under_another_loss_keeps_it():
    entry = one("lt[loss=green]")
    assert reparametrised(entry, {"gamma": 3.0}).text == "lt[gamma=3.0,loss=green]"
    assert rounds(reparametrised(entry, {"rate": 0.25}).loss) == (10, 10, 5)


def test_other_values_are_checked_as_written_ones_are():
    with pytest.raises(UsageError, match="rate"):
        reparametrised(one("lt"), {"rate": 2.0})
    with pytest.raises(UsageError, match="'gamma'"):
        reparametrised(one("lt"), {"gamma": 2.0})
    with pytest.raises(UsageError, match="'gamma'"):
        reparametrised(one("class-dependent-lt[gamma=3]"), {"scenario": "blue"})


# --- methods with a field of that name


def test_a_method_with_its_own_gamma_keeps_it(plugged_in):
    entry = one("plugged-in[gamma=7,lambda=2]")
    assert entry.text == "plugged-in[gamma=7,lambda=2.0]"
    assert entry.parameters == (("gamma", 7),)
    assert rounds(entry.loss) == (1, 5, 2)
    assert one(entry.text) == entry
    assert values_of(entry) == {"gamma": 7, "lambda": 2.0}
    assert reparametrised(entry, {"lambda": 3.0}).text == "plugged-in[gamma=7,lambda=3.0]"
    back = reparametrised(entry, {"gamma": 3, "lambda": 5.0})
    assert back == entry_of("plugged-in", {}) == one("plugged-in")


def test_a_common_parameter_is_a_methods_own_field_and_never_a_weight(plugged_in):
    entries, _ = resolve(["plugged-in", "class-dependent-lt"], {"gamma": 7}, None)
    assert [entry.text for entry in entries] == ["plugged-in[gamma=7]", "class-dependent-lt"]
