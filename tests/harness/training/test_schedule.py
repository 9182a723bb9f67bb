import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness.training.schedule import A_METHODS_OWN, Schedule


def curve(total=100, **changes):
    schedule = Schedule(learning_rate=0.2, **changes)
    return [schedule.learning_rate_at(step, total) for step in range(total)]


def test_constant_is_constant():
    assert curve() == [0.2] * 100


def test_warmup_rises_linearly_and_reaches_the_full_rate_with_its_last_step():
    rates = curve(warmup=0.1)
    assert rates[:10] == pytest.approx([0.02 * step for step in range(1, 11)])
    assert rates[10:] == [0.2] * 90


def test_cosine_falls_from_the_full_rate_towards_zero():
    rates = curve(decay="cosine")
    assert rates == pytest.approx([0.2 * (1 + math.cos(math.pi * step / 100)) / 2 for step in range(100)])
    assert rates[0] == 0.2
    assert rates[50] == pytest.approx(0.1)
    assert 0 < rates[-1] < 1e-3 * 0.2


def test_warmup_and_cosine_share_the_steps():
    rates = curve(warmup=0.25, decay="cosine")
    assert rates[:25] == pytest.approx([0.2 * step / 25 for step in range(1, 26)])
    assert rates[25:] == pytest.approx([0.2 * math.cos(math.pi * step / 150) ** 2 for step in range(75)])


@given(st.integers(1, 300), st.floats(0, 0.99), st.sampled_from(["constant", "cosine"]), st.floats(1e-6, 10))
def test_rates_rise_then_fall_and_never_leave_their_range(total, warmup, decay, rate):
    schedule = Schedule(learning_rate=rate, warmup=warmup, decay=decay)
    rates = [schedule.learning_rate_at(step, total) for step in range(total)]
    assert all(0 < each <= rate * (1 + 1e-12) for each in rates)
    assert max(rates) == pytest.approx(rate)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@given(st.integers(1, 2000), st.integers(2, 200), st.integers(1, 50), st.integers(0, 500))
def test_steps_are_the_full_batches_of_every_epoch_up_to_the_limit(images, batch, epochs, limit):
    schedule = Schedule(epochs=epochs, batch_size=batch, max_steps=limit)
    full = sum(1 for start in range(0, images, batch) if start + batch <= images)
    assert schedule.steps_per_epoch(images) == (full or 1)
    steps = (full or 1) * epochs
    assert schedule.total_steps(images) == (steps if limit == 0 or steps < limit else limit)


@given(st.integers(1, 2000), st.integers(2, 200), st.integers(1, 50), st.integers(0, 500))
def test_epochs_are_what_their_steps_take(images, batch, epochs, limit):
    schedule = Schedule(epochs=epochs, batch_size=batch, max_steps=limit)
    left, counted = schedule.total_steps(images), 0
    while left > 0:
        left, counted = left - schedule.steps_per_epoch(images), counted + 1
    assert schedule.epoch_count(images) == counted


@given(st.integers(1, 2000), st.integers(2, 200), st.integers(1, 5000))
def test_a_schedule_of_some_steps_takes_exactly_those(images, batch, steps):
    schedule = Schedule(epochs=3, batch_size=batch, max_steps=7, decay="cosine").for_steps(steps)
    assert schedule.total_steps(images) == steps
    assert schedule.for_steps(steps) == schedule


# --- parts


@given(st.integers(2, 400), st.integers(2, 60), st.integers(1, 9), st.integers(0, 60), st.integers(-2, 12), st.data())
def test_a_part_is_some_epochs_one_after_another_of_those_that_its_steps_take(
    images, batch, epochs, limit, first, data
):
    schedule = Schedule(epochs=epochs, batch_size=batch, max_steps=limit)
    last = data.draw(st.integers(-2, 12) | st.none())
    a_pass = max(1, images // batch)
    steps = epochs * a_pass if limit == 0 else min(limit, epochs * a_pass)
    count = -(-steps // a_pass)
    asked = list(range(first, count if last is None else last))
    if not asked or set(asked) - set(range(count)):
        with pytest.raises(ValueError, match=rf"are not within the {count} of the schedule"):
            schedule.span((first, last), images)
        return
    found = schedule.span((first, last), images)
    assert list(range(*(found or (0, count)))) == asked
    assert (found is None) is (len(asked) == count)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, None),
        ((0, None), None),
        ((0, 4), None),
        ((0, 3), (0, 3)),
        ((0, 1), (0, 1)),
        ((3, None), (3, 4)),
        ((1, 3), (1, 3)),
    ],
)
def test_all_epochs_are_no_part_and_none_is_the_end(asked, found):
    schedule = Schedule(epochs=9, batch_size=12, max_steps=14)  # 4 + 4 + 4 + 2 steps on 48 images
    assert schedule.span(asked, 48) == found


@pytest.mark.parametrize("asked", [(0, 0), (2, 2), (3, 1), (-1, 2), (-1, None), (0, 5), (4, None), (4, 5), (5, None)])
def test_a_part_that_the_schedule_does_not_have_is_refused(asked):
    end = 4 if asked[1] is None else asked[1]
    with pytest.raises(ValueError, match=rf"^epochs \({asked[0]}, {end}\) are not within the 4 of the schedule$"):
        Schedule(epochs=9, batch_size=12, max_steps=14).span(asked, 48)


# --- a method's own

PLAN = Schedule(epochs=4, batch_size=12, learning_rate=0.05, warmup=0.25, decay="cosine", clip=2.0)


@given(
    st.integers(2, 400),
    st.integers(1, 40),
    st.integers(0, 99),
    st.floats(1e-4, 1),
    st.floats(0, 0.9),
    st.sampled_from(["constant", "cosine"]),
)
def test_a_method_chooses_length_and_rates_and_is_known_by_its_steps(images, epochs, limit, rate, warmup, decay):
    own = {"epochs": epochs, "max_steps": limit, "learning_rate": rate, "warmup": warmup, "decay": decay}
    assert set(own) == set(A_METHODS_OWN)
    schedule = replace(PLAN, **own)
    found = schedule.of_a_method(PLAN, images)
    a_pass = max(1, images // 12)
    steps = epochs * a_pass if limit == 0 else min(limit, epochs * a_pass)
    assert found == replace(schedule, epochs=steps, max_steps=steps)
    assert found.total_steps(images) == steps
    assert [found.learning_rate_at(step, steps) for step in (0, steps - 1)] == [
        schedule.learning_rate_at(step, steps) for step in (0, steps - 1)
    ]
    assert found.of_a_method(PLAN, images) == found


def test_one_length_is_one_schedule_however_it_is_written():
    written = [(3, 0), (3, 12), (3, 500), (99, 12), (12, 12)]  # epochs of 4 steps on 48 images, and limits
    found = [replace(PLAN, epochs=epochs, max_steps=limit).of_a_method(PLAN, 48) for epochs, limit in written]
    assert found == [PLAN.for_steps(12)] * 5
    assert replace(PLAN, epochs=3).of_a_method(PLAN, 60) == PLAN.for_steps(15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 13),
        ("optimiser", "adamw"),
        ("momentum", 0.0),
        ("weight_decay", 0.1),
        ("clip", 0.0),
        ("dropout", 0.5),
        ("norm_momentum", 0.5),
        ("sampler", "balanced"),
        ("augmentation", "none"),
        ("precision", "float32"),
        ("device", "cpu"),
        ("keep", "best"),
    ],
)
@pytest.mark.parametrize("own", [{}, {"epochs": 9, "learning_rate": 0.5}])
def test_a_method_changes_nothing_else_of_the_plans_schedule(name, value, own):
    assert name not in A_METHODS_OWN
    with pytest.raises(
        ValueError, match="differ from the plan's in epochs, max_steps, learning_rate, warmup, decay alo"
    ):
        replace(PLAN, **own, **{name: value}).of_a_method(PLAN, 48)
    with pytest.raises(ValueError, match="differ from the plan's"):
        replace(PLAN, **own).of_a_method(replace(PLAN, **{name: value}), 48)


# --- rates at the end


@pytest.mark.parametrize(("warmup", "total"), [(0.0, 10_000), (0.25, 20_000)])
def test_the_last_rate_of_a_fall_is_the_mean_of_its_last_tenth(warmup, total):
    fall = curve(total, warmup=warmup, decay="cosine")[round(warmup * total) :]
    tail = fall[-len(fall) // 10 :]
    last = Schedule(learning_rate=0.2, warmup=warmup, decay="cosine").last_rate
    assert last == pytest.approx(sum(tail) / len(tail), rel=4e-3)
    assert last == pytest.approx(0.00818 * 0.2, rel=1e-3)


def test_fine_tuning_is_constant_at_the_last_rate():
    schedule = Schedule(learning_rate=0.2, warmup=0.1, decay="cosine", epochs=3, clip=2.0, keep="best")
    tuned = schedule.finetuning()
    assert [tuned.learning_rate_at(step, 10) for step in range(10)] == [schedule.last_rate] * 10
    assert replace(tuned, learning_rate=0.2, warmup=0.1, decay="cosine") == schedule


def test_fine_tuning_by_a_constant_rate_is_that_schedule():
    """As in the paper's presets: to train on and to fine-tune are one there, and one stage."""
    schedule = Schedule(learning_rate=0.001)
    assert schedule.finetuning() == schedule


def test_isic_at_the_default_batch_has_21_steps_an_epoch():
    assert Schedule().steps_per_epoch(675) == 21


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"max_steps": -1},
        {"batch_size": 1},  # batch norm has no variance of one image
        {"learning_rate": 0},
        {"learning_rate": math.nan},
        {"momentum": 1},
        {"weight_decay": -1e-4},
        {"warmup": 1},
        {"clip": -1},
        {"dropout": 1},
        {"norm_momentum": 0},
        {"sampler": "sorted"},
        {"decay": "linear"},
        {"augmentation": "cutout"},
        {"precision": "float16"},
        {"device": "tpu"},
        {"keep": "first"},
        {"lr": 0.1},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        Schedule(**wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(Schedule).validate_python(wrong)


@pytest.mark.parametrize("field", ["learning_rate", "weight_decay"])
def test_infinity_is_refused(field):
    with pytest.raises(ValidationError):
        Schedule(**{field: math.inf})
