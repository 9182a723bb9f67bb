"""Recorded steps with a recorder that does all again: what is tested on a GPU too is in tests/cuda/check_graph.py."""

import math
from dataclasses import replace

import pytest
import torch

from harness.data.image_split import Rows
from harness.losses.class_dependent import ClassDependentLoss
from harness.losses.deferred import DeferredLoss
from harness.networks.factories import copy_of, state_of
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.training import fit as fitting
from harness.training.augmentation import drawn_views
from harness.training.batches import Batches
from harness.training.graph_recorder import GraphRecorder
from harness.training.recorded_steps import RecordedSteps, steps_of
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask
from harness.training.steps import Steps

CPU = torch.device("cpu")


class Again:
    """A recorder that does all again at every replay; notes what it is asked for."""

    def __init__(self, can=lambda: True):
        self.can, self.rehearsed, self.recorded, self.replays = can, 0, 0, 0

    def rehearse(self, work):
        self.rehearsed += 1
        before = torch.get_rng_state()
        work()
        work()
        torch.set_rng_state(before)
        return self.can()

    def record(self, work):
        self.recorded += 1

        def replay():
            self.replays += 1
            return work()

        return replay


class Saver:
    due = True

    def __init__(self, stop_after=math.inf):
        self.kept, self.saves, self.stop_after = None, 0, stop_after

    def load(self):
        return self.kept

    def save(self, order, value):
        self.kept = {**value, "history": list(value["history"])}
        self.saves += 1
        if self.saves >= self.stop_after:
            raise KeyboardInterrupt

    def stepped(self, done, of):
        pass


LOSS = ClassDependentLoss(2.0, 1.0)


@pytest.fixture
def task(tiny, splits):
    """Return a function that makes a task anew, of a fresh copy of the tiny network."""
    train, _ = splits

    def made(**changes):
        usual = {"module": copy_of(tiny), "images": train.images, "targets": train.labels, "loss": LOSS}
        return TrainingTask(**{**usual, "evaluate": weights_of, **changes})

    return made


def weights_of(module):
    return -float(sum(parameter.detach().sum() for parameter in module.parameters()))


@pytest.fixture
def trained(task, monkeypatch):
    """Return a function that trains, by recorded steps where a recorder is given."""

    def run(schedule, recorder=None, saver=None, **changes):
        chosen = Steps if recorder is None else lambda stepper: RecordedSteps(stepper, recorder)
        monkeypatch.setattr(fitting, "steps_of", chosen)
        return fitting.fit(task(**changes), schedule, 3, saver or Saver())

    return run


@pytest.fixture
def batch(splits):
    train, _ = splits
    views = drawn_views(12, "flips", torch.Generator())
    return Batches(train.images, train.labels, CPU).of(torch.arange(12), views)


def stepping(task, **changes):
    stepper = Stepper(task, replace(USUAL, **changes), CPU)
    stepper.module.train()
    return stepper


USUAL = Schedule(
    epochs=4,
    max_steps=14,
    batch_size=12,
    dropout=0.3,
    clip=1.0,
    warmup=0.3,
    decay="cosine",
    weight_decay=0.01,
    precision="float32",
    device="cpu",
)


def same(left, right, same_bits):
    assert left["history"] == right["history"]
    assert same_bits(left["state"], right["state"])
    names = ("outcome", "kept_epoch", "kept_step", "steps")
    assert [left[name] for name in names] == [right[name] for name in names]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimiser": "adamw"},
        {"momentum": 0.0, "clip": 0.0},
        {"augmentation": "paper", "dropout": 0.0},
        {"augmentation": "none"},
        {"precision": "bfloat16"},
        {"keep": "best", "warmup": 0.0},
        {"batch_size": 1000, "max_steps": 0},
        {"sampler": "balanced"},
    ],
    ids=lambda changes: " ".join(changes) or "usual",
)
def test_recorded_steps_train_the_bits_of_steps_taken_one_by_one(trained, same_bits, changes):
    schedule, recorder = replace(USUAL, **changes), Again()
    same(trained(schedule, recorder), trained(schedule), same_bits)
    assert (recorder.rehearsed, recorder.recorded) == (1, 1)
    assert recorder.replays == schedule.total_steps(48)


def test_a_masked_training_is_recorded_with_its_mask(trained, tiny, same_bits):
    scores = {name: weight.abs() for name, weight in prunable_weights(tiny).items()}
    mask = prune_least(scores, Mask.ones(tiny), 0.5)
    found = trained(USUAL, Again(), mask=mask)
    same(found, trained(USUAL, mask=mask), same_bits)
    assert not any(bool(found["state"][name][~remaining].any()) for name, remaining in mask.items())


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_training_that_is_stopped_and_resumed_gives_the_same_bits(trained, same_bits, optimiser, stop):
    schedule = replace(USUAL, optimiser=optimiser)
    saver = Saver(stop_after=stop)
    with pytest.raises(KeyboardInterrupt):
        trained(schedule, Again(), saver=saver)
    saver.stop_after = math.inf
    same(trained(schedule, Again(), saver=saver), trained(schedule), same_bits)


def test_a_loss_that_changes_is_recorded_anew_and_one_that_does_not_is_not(trained, same_bits):
    changing = DeferredLoss(ClassDependentLoss(), ClassDependentLoss(9.0, 2.0), 0.5)
    recorder = Again()
    same(trained(USUAL, recorder, loss=changing), trained(USUAL, loss=changing), same_bits)
    assert (recorder.recorded, recorder.replays) == (2, 14)
    unchanging = DeferredLoss(ClassDependentLoss(9.0), ClassDependentLoss(9.0), 0.5)  # equal, not the same object
    recorder = Again()
    trained(USUAL, recorder, loss=unchanging)
    assert (recorder.recorded, recorder.replays) == (1, 14)


def test_steps_that_cannot_be_recorded_are_taken_one_by_one(trained, same_bits):
    recorder = Again(can=lambda: False)
    same(trained(USUAL, recorder), trained(USUAL), same_bits)
    assert (recorder.rehearsed, recorder.recorded, recorder.replays) == (1, 0, 0)


def test_only_the_part_with_a_loss_that_cannot_be_recorded_is_taken_one_by_one(trained, same_bits):
    answers = iter([False, True])
    recorder = Again(can=lambda: next(answers))
    changing = DeferredLoss(ClassDependentLoss(), ClassDependentLoss(9.0), 0.5)
    same(trained(USUAL, recorder, loss=changing), trained(USUAL, loss=changing), same_bits)
    assert recorder.replays == 6  # of 14 steps, 4 an epoch, the first two epochs are 8


def test_each_loss_is_a_tensor_of_its_own(task, batch):
    held = torch.zeros(())

    class InPlace(Again):
        """As a graph does: its result lies in one place."""

        def record(self, work):
            return lambda: held.copy_(work())

    steps = RecordedSteps(stepping(task()), InPlace())
    losses = [steps.take(batch, 0.1) for _ in range(3)]
    assert len({float(loss) for loss in losses}) == 3


def test_rows_of_a_mapped_file_are_recorded_too(trained, splits, same_bits):
    train, _ = splits
    rows = Rows(train.images.flip(0), torch.arange(len(train.images)).flip(0))
    same(trained(USUAL, Again(), images=rows), trained(USUAL), same_bits)


def test_adamw_is_told_that_it_is_recorded_and_only_then(task, batch):
    stepper, told = stepping(task(), optimiser="adamw"), []

    class Told(Again):
        def record(self, work):
            told.extend(group["capturable"] for group in stepper.optimiser.param_groups)
            return super().record(work)

    RecordedSteps(stepper, Told()).take(batch, 0.1)
    assert told == [True, True]
    assert not any(group["capturable"] for group in stepper.optimiser.param_groups)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_looking_at_a_step_leaves_weights_statistics_and_moments_as_they_were(task, batch, optimiser):
    stepper = stepping(task(), optimiser=optimiser)
    before = state_of(stepper.module)
    RecordedSteps(stepper, Again())._look_at(batch)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state_of(stepper.module).items())
    kept = [value for state in stepper.optimiser.state.values() for value in state.values()]
    assert kept
    assert not any(bool(value.any()) for value in kept)


def test_steps_are_recorded_on_a_cuda_device_and_nowhere_else(monkeypatch):
    class OnDevice:
        def __init__(self, kind):
            self.device = torch.device(kind)

    monkeypatch.setattr("harness.training.graph_recorder._stream", lambda device: device)
    assert type(steps_of(OnDevice("cpu"))) is Steps
    chosen = steps_of(OnDevice("cuda"))
    assert isinstance(chosen, RecordedSteps)
    assert isinstance(chosen._recorder, GraphRecorder)
    assert not chosen.recorded
