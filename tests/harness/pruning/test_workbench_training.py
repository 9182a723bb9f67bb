"""Trainings of other lengths, parts and rates than the plan's schedule."""

import math
from dataclasses import fields, replace

import pytest
import torch

from harness.losses.registered import schedule_named
from harness.networks.factories import copy_of, state_of
from harness.pruning.meter import Meter
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store
from harness.training.fit import fit
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

EPOCHS, PER_EPOCH = 4, 4
"""Of `SCHEDULE` on 48 images in batches of 12; its last epoch is two steps short."""

STEPS = 14

SCHEDULE = Schedule(
    epochs=EPOCHS,
    max_steps=STEPS,
    batch_size=12,
    learning_rate=0.05,
    warmup=0.2,
    decay="cosine",
    clip=2.0,
    dropout=0.2,
    precision="float32",
    device="cpu",
)

OTHER_LENGTHS_AND_RATES = {
    "epochs": 3,
    "max_steps": 9,
    "learning_rate": 0.5,
    "warmup": 0.5,
    "decay": "constant",
}

OTHERS = {
    "batch_size": 24,
    "optimiser": "adamw",
    "sampler": "balanced",
    "momentum": 0.0,
    "weight_decay": 0.1,
    "clip": 0.0,
    "dropout": 0.0,
    "norm_momentum": 0.5,
    "augmentation": "none",
    "precision": "bfloat16",
    "device": "auto",
    "keep": "best",
}


class Remembering:
    """A saver that keeps what training passes through, epoch by epoch."""

    due = True

    def __init__(self):
        self.states = {}

    def load(self):
        return None

    def save(self, order, value):
        self.states[order] = value["current"]

    def stepped(self, done, of):
        pass


def half(network):
    weights = prunable_weights(network)
    return prune_least({name: weight.abs() for name, weight in weights.items()}, Mask.ones(network), 0.5)


def passed_through(network, mask, split, schedule, loss):
    """The states of the whole training after each of its epochs."""
    task = TrainingTask(
        module=copy_of(network),
        images=split.images,
        targets=split.labels,
        loss=loss,
        evaluate=lambda _module: next(figures),
        mask=mask,
    )
    figures = iter((0.1, 0.9, 0.3, 0.2))  # a choice of the best epoch would take the second
    saver = Remembering()
    fit(task, schedule, 0, saver)
    return {epoch: saver.states[epoch] for epoch in range(1, EPOCHS)}


def trainings(folder):
    return [kind for _, kind in Store(folder / "store").folders()].count("train")


# --- parts


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_first_epochs_are_those_of_the_whole_training_bit_for_bit(make_bench, splits, same_bits, keep, masked):
    schedule = replace(SCHEDULE, keep=keep)
    bench = make_bench("black", schedule=schedule)
    mask = half(bench.network()) if masked else None
    loss = schedule_named("black").resolve(1, 16, 32)
    whole = passed_through(bench.network(), mask, splits[0], schedule, loss)
    for epoch, state in whole.items():
        assert same_bits(bench.train(bench.network(), mask, round=1, epochs=(0, epoch)), state)
    assert not same_bits(whole[1], whole[2])


@pytest.mark.parametrize("split_at", [1, 2, 3])
def test_a_training_in_two_parts_is_the_whole_one_where_no_momentum_is_lost(make_bench, same_bits, split_at):
    """Without momentum a step depends on weights, batch and rate alone: all three are those of that epoch."""
    bench = make_bench(schedule=replace(SCHEDULE, momentum=0.0))
    first = bench.train(bench.network(), epochs=(0, split_at))
    assert same_bits(bench.train(first, epochs=(split_at, EPOCHS)), bench.dense())
    assert same_bits(bench.train(first, epochs=(split_at, None)), bench.dense())
    assert not same_bits(bench.train(first, epochs=(0, EPOCHS - split_at)), bench.dense())
    with_momentum = make_bench(schedule=SCHEDULE)
    first = with_momentum.train(with_momentum.network(), epochs=(0, split_at))
    assert not same_bits(with_momentum.train(first, epochs=(split_at, EPOCHS)), with_momentum.dense())


def test_parts_between_join_too(make_bench, same_bits):
    bench = make_bench(schedule=replace(SCHEDULE, momentum=0.0))
    network = bench.network()
    for epoch in range(EPOCHS):
        network = bench.train(network, epochs=(epoch, epoch + 1))
    assert same_bits(network, bench.dense())


@pytest.mark.parametrize("span", [(0, 2), (1, 3), (3, 4), (0, 4), (0, None), (2, None), (3, None)])
def test_a_part_has_the_rates_and_the_number_of_steps_of_its_epochs(make_bench, monkeypatch, span):
    step, rates = Stepper.step, []

    def noted(self, images, targets, learning_rate):
        rates.append(learning_rate)
        return step(self, images, targets, learning_rate)

    monkeypatch.setattr(Stepper, "step", noted)
    meter = Meter()
    bench = make_bench(schedule=SCHEDULE, meter=meter)
    bench.train(bench.network(), epochs=span)
    last = EPOCHS if span[1] is None else span[1]
    steps = range(span[0] * PER_EPOCH, min(last * PER_EPOCH, STEPS))
    assert rates == [SCHEDULE.learning_rate_at(step, STEPS) for step in steps]
    assert len(set(rates)) == len(rates)
    assert meter.steps == len(steps)
    assert (meter.kept_epoch, meter.kept_step) == (last, steps[-1] + 1)


def test_all_epochs_are_the_training_itself_and_one_stage(make_bench, same_bits, tmp_path):
    bench = make_bench(schedule=SCHEDULE)
    assert bench.epochs == EPOCHS
    whole = bench.train(bench.network(), epochs=(0, bench.epochs))
    assert trainings(tmp_path) == 1
    assert same_bits(whole, bench.dense())
    assert same_bits(whole, bench.train(bench.network(), epochs=(0, None)))
    assert trainings(tmp_path) == 1
    part = bench.train(bench.network(), epochs=(0, EPOCHS - 1))
    assert trainings(tmp_path) == 2
    on = bench.train(part, epochs=(EPOCHS - 1, None))
    assert same_bits(on, bench.train(part, epochs=(EPOCHS - 1, EPOCHS)))  # however the end is written
    assert trainings(tmp_path) == 3


def test_where_no_epochs_figure_is_finite_the_first_after_the_warm_up_is_kept_and_replayed(
    make_bench, same_bits, monkeypatch
):
    monkeypatch.setattr("harness.pruning.workbench.validation_auc", lambda *_: -math.inf)
    found, expected = [], make_bench(schedule=SCHEDULE)
    for _ in range(2):  # trained, then read from the store
        meter = Meter()
        bench = make_bench(schedule=replace(SCHEDULE, keep="best"), meter=meter)
        found.append(bench.dense())
        assert (meter.kept_epoch, meter.kept_step, meter.steps) == (1, PER_EPOCH, STEPS)
    first = expected.train(expected.network(), epochs=(0, 1))
    assert all(same_bits(network, first) for network in found)


@pytest.mark.parametrize("span", [(0, 0), (2, 2), (2, 1), (-1, 2), (0, EPOCHS + 1), (EPOCHS, EPOCHS + 1)])
def test_epochs_that_the_schedule_does_not_have_are_refused(make_bench, tmp_path, span):
    bench = make_bench(schedule=SCHEDULE)
    with pytest.raises(ValueError, match=rf"epochs \({span[0]}, {span[1]}\) are not within the 4 of the schedule"):
        bench.train(bench.network(), epochs=span)
    assert trainings(tmp_path) == 0


def test_epochs_are_those_of_the_schedule_that_is_given(make_bench, same_bits):
    bench = make_bench(schedule=SCHEDULE)
    longer = SCHEDULE.for_steps(6 * PER_EPOCH)
    last = bench.train(bench.network(), epochs=(5, 6), schedule=longer)
    assert same_bits(bench.train(bench.network(), epochs=(5, None), schedule=longer), last)
    with pytest.raises(ValueError, match=r"epochs \(4, 4\) are not within the 4"):
        bench.train(bench.network(), epochs=(EPOCHS, None))
    with pytest.raises(ValueError, match="within the 6"):
        bench.train(bench.network(), epochs=(5, 7), schedule=longer)


# --- other schedules


def test_every_field_of_a_schedule_is_a_methods_own_or_not():
    assert {field.name for field in fields(Schedule)} == {*OTHER_LENGTHS_AND_RATES, *OTHERS}


@pytest.mark.parametrize("name", OTHER_LENGTHS_AND_RATES)
def test_another_length_or_rate_trains_as_a_plan_with_it_would(make_bench, same_bits, name):
    changed = replace(SCHEDULE, **{name: OTHER_LENGTHS_AND_RATES[name]})
    bench, other = make_bench(schedule=SCHEDULE), make_bench(schedule=changed)
    found = bench.train(bench.network(), schedule=changed)
    assert same_bits(found, other.dense())
    assert not same_bits(found, bench.dense())
    assert bench.schedule == SCHEDULE


@pytest.mark.parametrize("name", OTHERS)
def test_a_schedule_that_changes_anything_else_is_refused(make_bench, tmp_path, name):
    bench = make_bench(schedule=SCHEDULE)
    changed = replace(SCHEDULE, **{name: OTHERS[name]})
    with pytest.raises(ValueError, match="differ from the plan's in epochs, max_steps, learning_rate, warmup, decay"):
        bench.train(bench.network(), schedule=changed)
    assert trainings(tmp_path) == 0


def test_a_length_is_one_stage_however_it_is_written(make_bench, same_bits, tmp_path):
    written = [
        replace(SCHEDULE, epochs=3, max_steps=0),
        replace(SCHEDULE, epochs=3, max_steps=12),
        replace(SCHEDULE, epochs=100, max_steps=12),
        SCHEDULE.for_steps(12),
    ]
    bench = make_bench(schedule=SCHEDULE)
    first, *others = [bench.train(bench.network(), schedule=one) for one in written]
    first_, *others_ = [make_bench(schedule=one).dense() for one in written]
    assert all(same_bits(first, other) for other in [*others, first_, *others_])
    assert trainings(tmp_path) == 1


@pytest.mark.parametrize("steps", [1, 5, 16, 29])
def test_a_lengthened_or_shortened_schedule_takes_that_many_steps(make_bench, steps):
    meter = Meter()
    bench = make_bench(schedule=SCHEDULE, meter=meter)
    trained = bench.train(bench.network(), schedule=bench.schedule.for_steps(steps))
    assert meter.steps == meter.kept_step == steps
    assert int(trained.features.norm1.num_batches_tracked) == steps
    assert torch.isfinite(trained.head[1].weight).all()


def test_neither_the_given_network_nor_the_benchs_schedule_is_changed(make_bench, same_bits, tiny):
    bench = make_bench(schedule=SCHEDULE)
    network = bench.network()
    before = state_of(network)
    bench.train(network, epochs=(1, 2), schedule=SCHEDULE.finetuning())
    assert same_bits(network, before)
    assert same_bits(bench.network(), tiny)
    assert bench.schedule == SCHEDULE
