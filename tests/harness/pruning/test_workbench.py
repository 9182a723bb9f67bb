import gc
import linecache
from dataclasses import replace

import pytest
import torch

from harness.data.image_split import ImageSplit
from harness.losses.class_dependent import ClassDependent
from harness.losses.registered import schedule_named
from harness.networks.factories import state_of
from harness.pruning.meter import Meter
from harness.pruning.workbench import TrainingDiverged, Workbench
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import StageBusy
from harness.training.augmentation import normalise
from harness.training.schedule import Schedule


def half(network):
    weights = prunable_weights(network)
    return prune_least({name: weight.abs() for name, weight in weights.items()}, Mask.ones(network), 0.5)


def equal(left, right):
    left, right = state_of(left), state_of(right)
    return all(torch.equal(left[name], right[name]) for name in left)


def test_w0_is_a_fresh_copy_every_time(make_bench, tiny):
    bench = make_bench()
    first = bench.network()
    with torch.no_grad():
        first.features.conv1.weight.zero_()
    assert equal(bench.network(), tiny)


def test_the_same_training_is_one_stage_whatever_asks_for_it(make_bench, tmp_path):
    meters = Meter(), Meter()
    one, other = make_bench(method="a", meter=meters[0]), make_bench(method="b", meter=meters[1])
    network = one.dense()
    assert equal(network, other.dense())
    # an all-ones mask and no mask are one thing; so are a mask applied before and by the bench
    assert equal(network, other.train(other.network(), Mask.ones(other.network())))
    assert len(list((tmp_path / "store" / "stages").glob("*/*"))) == 1
    assert [meter.steps for meter in meters] == [8, 8]
    assert meters[0].seconds == meters[1].seconds > 0


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"loss": "green"},
        {"schedule": Schedule(epochs=1, batch_size=12, device="cpu", precision="float32")},
    ],
)
def test_another_seed_loss_or_schedule_is_another_training(make_bench, change):
    assert not equal(make_bench().dense(), make_bench(**change).dense())


def test_training_leaves_the_given_network_alone_and_its_mask_in_force(make_bench, tiny):
    bench = make_bench()
    network = bench.network()
    mask = half(network)
    trained = bench.train(network, mask, round=1)
    assert equal(network, tiny)
    for name, weight in prunable_weights(trained).items():
        assert bool((weight[~mask[name]] == 0).all())


def test_the_round_chooses_the_loss(make_bench):
    bench = make_bench(loss="black")
    mask = half(bench.network())
    assert not equal(bench.train(bench.network(), mask, round=0), bench.train(bench.network(), mask, round=1))
    assert equal(bench.train(bench.network(), mask, round=1), bench.train(bench.network(), mask, round=2))


def test_the_loss_that_a_method_is_given_is_the_one_that_training_uses(make_bench, monkeypatch):
    bench = make_bench(loss="black")
    bench._losses = ClassDependent("mine", "effective-number(0.9)", 5.0, 2.0)
    before, after = bench.loss(0), bench.loss(1)
    assert before.gamma == pytest.approx((1 - 0.9**32) / (1 - 0.9**16))  # 32 negatives, 16 positives are trained on
    assert (after.gamma, after.lambda_) == (5.0, 2.0)
    assert bench.loss(3) == after
    handed = []

    def noted(task, *_):
        handed.append(task.loss)
        return {"outcome": "diverged", "steps": 0, "kept_epoch": 0, "kept_step": 0}

    monkeypatch.setattr("harness.pruning.workbench.fit", noted)
    for round in (0, 1):
        with pytest.raises(TrainingDiverged):
            bench.train(bench.network(), half(bench.network()), round=round)
    assert handed == [before, after]


def test_a_method_that_scores_by_the_training_loss_is_given_the_one_that_training_ends_with(make_bench):
    bench = make_bench("ldam-drw")
    loss = bench.loss(1)
    assert loss == schedule_named("ldam-drw").resolve(1, 16, 32).last
    assert loss.positive_weight > 1 > loss.negative_weight


@pytest.mark.parametrize("loss", ["focal", "class-balanced", "logit-adjusted", "ldam", "ldam-drw"])
def test_parts_of_a_training_are_the_whole_one_under_every_loss(make_bench, schedule, loss):
    bench = make_bench(loss, schedule=replace(schedule, momentum=0.0))
    first = bench.train(bench.network(), epochs=(0, 1))
    whole = bench.dense()
    assert equal(bench.train(first, epochs=(1, None)), whole)
    assert not equal(whole, make_bench(schedule=replace(schedule, momentum=0.0)).dense())


def test_divergence_is_stored_and_raised_again_without_training(make_bench, tmp_path):
    wild = Schedule(epochs=2, batch_size=12, learning_rate=1e18, precision="float32", device="cpu")
    for _ in range(2):
        with pytest.raises(TrainingDiverged):
            make_bench(schedule=wild).dense()
    assert len(list((tmp_path / "store" / "stages").glob("*/*"))) == 1


def test_batches_are_fixed_stratified_and_unaugmented(make_bench, splits):
    train, _ = splits
    batches = make_bench().batches(30)
    images = torch.cat([batch for batch, _ in batches])
    labels = torch.cat([batch for _, batch in batches])
    assert len(images) == 30
    assert int(labels.sum()) == 10  # a third of the split is positive
    known = normalise(train.images)
    for image, label in zip(images, labels, strict=True):
        matches = (known == image).flatten(1).all(1)
        assert int(matches.sum()) == 1
        assert bool(train.labels[matches.nonzero()[0, 0]] == label)
    again = make_bench(method="another").batches(30)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(batches, again, strict=True))
    assert sum(len(batch) for batch, _ in make_bench().batches(10**6)) == len(train.labels)


def test_draws_depend_on_seed_method_and_tag_only(make_bench):
    def draw(tag=("x",), **changes):
        return torch.rand(3, generator=make_bench(**changes).generator(*tag)).tolist()

    assert draw() == draw()
    assert len({tuple(draw()), tuple(draw(seed=1)), tuple(draw(method="m")), tuple(draw(("y",)))}) == 4


def counted(values, offset):
    values.add_(offset)  # in place: it must be a copy
    counted.calls += 1
    return {"sum": values.sum(), "count": values.numel()}


counted.calls = 0


def test_compute_is_done_once_on_copies(make_bench):
    values = torch.arange(4.0)
    results = [make_bench(method=name).compute(counted, values, 2.0) for name in "ab"]
    assert counted.calls == 1
    assert torch.equal(values, torch.arange(4.0))
    assert [float(result["sum"]) for result in results] == [14.0, 14.0]
    assert results[0]["count"] == 4
    make_bench().compute(counted, values, 3.0)
    assert counted.calls == 2


def test_compute_refuses_what_it_cannot_know_by_its_source(make_bench):
    offset = 3.0
    with pytest.raises(TypeError, match="module level"):
        make_bench().compute(lambda x: x + offset, 1.0)


def test_compute_refuses_a_function_whose_file_was_edited(make_bench, tmp_path, monkeypatch):
    path = tmp_path / "edited_method.py"
    path.write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import edited_method

    assert make_bench().compute(edited_method.twice, 3.0) == 6.0
    path.write_text("def twice(x):\n    return 3 * x\n")
    linecache.checkcache()
    with pytest.raises(RuntimeError, match="was edited while it ran"):
        make_bench().compute(edited_method.twice, 3.0)


def test_a_busy_stage_cannot_be_caught_as_a_method_s_own_error():
    assert not issubclass(StageBusy, Exception)


def reachable(root, limit=200_000):
    """Return every object that can be reached from ``root`` by following references, code and modules aside."""
    seen, waiting = {}, [root]
    while waiting and len(seen) < limit:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | type(gc)) or callable(item):
            continue
        seen[id(item)] = item
        waiting += gc.get_referents(item)
    return seen.values()


def test_no_method_can_reach_the_test_split(make_bench, splits):
    """All image splits that hang on a bench are the training and the validation one, by whatever path."""
    bench = make_bench()
    bench.dense()
    found = [item for item in reachable(bench) if isinstance(item, ImageSplit)]
    assert {split.fingerprint for split in found} == {split.fingerprint for split in splits}


def test_the_bench_offers_what_the_contract_names_and_no_more():
    public = {name for name in vars(Workbench) if not name.startswith("_")}
    assert public == {
        *("network", "schedule", "epochs", "train", "dense", "loss", "mask_of", "ticket_of"),
        *("device", "batches", "generator", "compute"),
    }
