import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness.training.schedule import Schedule


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
