"""--trained: what is refused, all at once; what W0 is called; what is said; and what a plan of other weights keeps."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from harness.errors import DataError, UsageError
from harness.initial.weights_file import file_digest
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import setting_of
from harness.planning.planner import Flags, build_plan


@pytest.fixture
def own(tmp_path):
    """The file of a trained network."""
    network = build(Architecture("small-cnn"))
    initialise(network, torch.Generator().manual_seed(5))
    torch.save(state_of(network), tmp_path / "own.pt")
    return tmp_path / "own.pt"


@pytest.fixture
def plan_of(tmp_path):
    def make(weights, *, dataset="isic-sim", preset="quick", methods=("magnitude",), **keys):
        data = {"name": dataset, **keys.pop("data", {})}
        asked = {"network": "small-cnn", "trained": True, "weights": str(weights), "methods": list(methods), **keys}
        options = load_configuration(preset, None, [], {**asked, "data": data})
        return build_plan(options, Flags(preset, tmp_path, tmp_path / "never"))

    return make


def test_w0_is_named_by_its_file_and_every_seed_has_it(plan_of, own):
    plan, notes = plan_of(own)
    assert plan.weights == f"trained:{file_digest(own)}"
    assert plan.weights_file == str(own)
    assert plan.trained
    assert any(f"your own, {own}, and is not trained here" in note and "only you know" in note for note in notes)
    assert plan_of(own, trained_positive=0)[0].weights == f"trained-swapped:{file_digest(own)}"


def test_results_of_another_file_or_reading_or_of_its_convolutions_alone_are_other_groups(plan_of, own, tmp_path):
    other = tmp_path / "other.pt"
    torch.save({name: 2 * tensor for name, tensor in torch.load(own).items()}, other)
    ways = ({}, {"trained_positive": 0}, {"trained": False})
    plans = [plan_of(path, **how)[0] for path in (own, other) for how in ways]
    assert len({setting_of(plan, "pool") for plan in plans}) == len(plans)
    assert [plan.trained for plan in plans] == [True, True, False] * 2


def test_the_probe_is_left_out_where_its_features_would_be_the_networks_own(plan_of, own):
    assert [entry.text for entry in plan_of(own)[0].entries] == ["dense", "magnitude"]
    assert [entry.text for entry in plan_of(own, trained=False)[0].entries] == ["dense", "probe", "magnitude"]


def test_a_criterion_is_magnitude_unless_it_is_given_and_that_is_said(plan_of, own):
    plan, notes = plan_of(own, methods=("lt", "class-dependent-lt[criterion=distance]"))
    assert [entry.text for entry in plan.entries[1:]] == [
        "lt[criterion=magnitude,rate=0.75]",
        "class-dependent-lt[criterion=distance,rate=0.75]",
    ]
    (said,) = [note for note in notes if "by magnitude" in note]
    assert said.startswith("lt[criterion=magnitude,rate=0.75]: by magnitude")
    plan, notes = plan_of(own, methods=("lt",), trained=False)
    assert [entry.text for entry in plan.entries[2:]] == ["lt[rate=0.75]"]
    asked = plan_of(own, methods=("lt",), parameters={"criterion": "distance"})[0].entries[1]
    assert asked.text == "lt[criterion=distance,rate=0.75]"
    assert not any("by magnitude" in note for note in plan_of(own)[1])


@pytest.mark.parametrize("word", ["auto", "imagenet", "simulated", "kaiming"])
def test_a_word_has_no_head_and_folds_know_what_they_test_all_at_once(plan_of, word):
    with pytest.raises(UsageError) as refused:
        plan_of(word, data={"folds": 5})
    head, folds = refused.value.faults
    assert f"'{word}', which has no head" in head
    assert "trained on" in folds
    assert "--folds 0" in folds


def test_the_folds_of_a_preset_are_refused_too(plan_of, own):
    with pytest.raises(UsageError, match="folds is 5"):
        plan_of(own, preset="standard")
    assert plan_of(own, preset="standard", data={"folds": 0})[0].trained


def test_a_file_that_is_not_there_or_of_another_network_is_refused(plan_of, own, tmp_path):
    with pytest.raises(UsageError, match="there is no file 'nowhere"):
        plan_of("nowhere.pt")
    with pytest.raises(DataError, match="it fits --network small-cnn"):
        plan_of(own, network="alexnet-bn")
    assert not (tmp_path / "never").exists()


def write(folder: Path, names) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64)).save(path)
    return folder


def test_test_images_that_the_harness_draws_are_said(plan_of, own, tmp_path):
    cut = write(
        tmp_path / "cut", [f"{part}/{kind}/{n}.png" for part in ("train", "test") for kind in "ab" for n in "1234"]
    )
    whole = write(tmp_path / "whole", [f"{kind}/{n}.png" for kind in "ab" for n in "12345678"])
    said = {
        place.name: any("has no test images of its own" in note for note in notes)
        for place in (cut, whole)
        for notes in [plan_of(own, dataset=f"folder:{place}", data={"positive": "a"})[1]]
    }
    assert said == {"cut": False, "whole": True}


def test_a_network_that_was_pruned_before_is_said(plan_of, own, tmp_path):
    state = torch.load(own)
    state["features.conv4.weight"][:64] = 0
    torch.save(state, tmp_path / "pruned.pt")
    assert any("weights are zero: it was pruned before" in note for note in plan_of(tmp_path / "pruned.pt")[1])
    assert not any("pruned before" in note for note in plan_of(own)[1])
