"""Somebody's own network on their own images: trained in plain torch, pruned by one command, and taken home."""

import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import nn

from harness.data.asked import asked_for
from harness.integrity.recorded_plan import Machine
from harness.progress import Reporter
from harness.results.mlflow_tracker import default_uri
from harness.shipping.held_cell import CellName, find_cell
from harness.shipping.replay import replayed

pytestmark = pytest.mark.slow

TINY = [
    *("run", "--dataset", "folder:cells", "--positive", "ill", "--methods", "magnitude", "--seeds", "1"),
    *("--network", "small-cnn", "--trained", "--set", "training.max_steps=2", "--set", "training.batch_size=8"),
    *("--densities", "1,0.25", "--jobs", "1", "--store", "store"),
]
MEAN, STD = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Own(nn.Module):
    """The layers of small-cnn as its user wrote them, with one logit."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in (32, 64, 128, 128):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.backbone, self.ill = nn.Sequential(*layers), nn.Linear(channels, 1)

    def forward(self, images):
        return self.ill(self.backbone(images).mean(dim=(2, 3)))[:, 0]


def seen(path):
    """An image as its user shows it to the network."""
    pixels = torch.from_numpy(np.asarray(Image.open(path)).copy()).permute(2, 0, 1)
    return (pixels.float() / 255 - MEAN) / STD


def trained(paths):
    """The user's own training, of some steps."""
    torch.manual_seed(1)
    network, images = Own(), torch.stack([seen(path) for path in paths])
    labels = torch.tensor([float("ill" in path.parts) for path in paths])
    optimiser = torch.optim.Adam(network.parameters(), 0.002)
    for _ in range(12):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(network(images), labels).backward()
        optimiser.step()
    return network.eval()


@pytest.fixture(scope="module")
def place(tmp_path_factory, commands):
    """Where the images, the file own.ckpt and the results of a run on both lie, with the user's network."""
    folder = tmp_path_factory.mktemp("user")
    draws = np.random.default_rng(3)
    for part, count in (("train", 60), ("test", 30)):
        for number in range(count):
            pixels = draws.integers(60, 140, size=(64, 64, 3)).astype(np.uint8)
            if number % 3 == 0:
                pixels[20:36, 10:26] = 250
            path = folder / "cells" / part / ("well" if number % 3 else "ill") / f"{part}{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    network = trained(sorted((folder / "cells" / "train").rglob("*.png")))
    state = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 12, "state_dict": state}, folder / "own.ckpt")
    told = commands.harness(*TINY, "--weights", "own.ckpt", cwd=folder, check=0)
    return folder, network, told


@pytest.fixture(scope="module")
def report(place):
    return place[0] / "store" / "reports" / "folder-cells"


def scores_of(folder, entry, density):
    held = find_cell(CellName(dataset="folder-cells", entry=entry, density=density), uri(folder), folder / "store")
    return dict(zip(held.ids, held.record.test_scores, strict=True)), held


def uri(folder):
    return default_uri(folder / "store")


def test_the_dense_network_gives_the_scores_that_the_user_knows(place):
    folder, network, told = place
    scores, held = scores_of(folder, "dense", 1.0)
    assert len(scores) == 30
    with torch.no_grad():
        own = {image: float(network(seen(folder / "cells" / image)[None])[0]) for image in scores}
    assert scores == pytest.approx(own, abs=1e-5)
    assert held.record.metrics["cost/steps"] == 0
    assert scores_of(folder, "magnitude", 1.0)[0] == scores
    assert scores_of(folder, "magnitude", 0.25)[0] != scores
    lines = [line for line in told.stderr.splitlines() if line.startswith("[")]
    assert lines[0].startswith("[1/3] dense seed 0 at 100 %: validation AUC 1.000")


def test_it_says_on_page_terminal_and_in_the_results_that_it_was_trained_elsewhere(place, report):
    _, _, told = place
    facts = json.loads((report / "results.json").read_text())["groups"][0]["provenance"]
    assert facts["trained"] is True
    assert facts["weights"].startswith("trained:")
    assert "Trained elsewhere" in (report / "index.html").read_text()
    assert "Trained elsewhere" in told.stdout
    assert "only you know" in " ".join(told.stderr.split())
    with (report / "cells.csv").open() as file:
        assert {row["entry"] for row in csv.DictReader(file)} == {"dense", "magnitude"}


@pytest.mark.long
def test_the_same_command_computes_nothing_twice_and_a_bundle_has_no_weights(place, commands):
    folder, _, _ = place
    again = commands.harness(*TINY, "--weights", "own.ckpt", "--verbose", cwd=folder, check=0)
    stages = [line for line in again.stderr.splitlines() if ": from the store" in line or ": computed in" in line]
    assert any(" train " in line for line in stages)
    assert not [line for line in stages if "computed in" in line]
    commands.harness("bundle", "mine.zip", "--author", "Me", "--masks", "--store", "store", cwd=folder, check=0)
    with zipfile.ZipFile(folder / "mine.zip") as packed:
        names = {name.rpartition("/")[2] for name in packed.namelist()}
    documents = {"bundle.json", "manifest.json", "plan.json", "provenance.json"}
    assert names == documents | {"cell.json", "mask.npz", "scores.csv"}
    found = commands.harness("verify", "--bundle", "mine.zip", cwd=folder, check=0)
    assert "Nothing differs" in found.stdout


def test_its_pruned_network_is_taken_home_when_the_file_is_gone(place, tmp_path):
    folder, _, _ = place
    scores, held = scores_of(folder, "magnitude", 0.25)
    shutil.copytree(folder / "store", tmp_path / "store")
    images = asked_for(f"folder:{folder / 'cells'}", "ill")
    machine = Machine(None, tmp_path / "store", 1, lambda *_: None, images)
    found = replayed(held, machine, Reporter(Console(file=io.StringIO())))
    assert found.record.test_scores == tuple(scores.values())
    assert found.plan.weights_file is None


@pytest.mark.long
def test_a_network_that_is_read_the_wrong_way_round_is_shouted_at(place, commands, tmp_path):
    folder, _, _ = place
    told = commands.harness(
        *TINY, "--weights", "own.ckpt", "--set", "trained_positive=0", "--densities", "1", cwd=folder, check=0
    )
    assert "RANKS THE CLASSES THE WRONG WAY ROUND" in " ".join(told.stderr.split())
    assert "dense seed 0 at 100 %: validation AUC 0.000" in told.stderr


def test_folds_and_another_network_are_refused(place, commands):
    folder, _, _ = place
    folds = commands.harness(*TINY, "--weights", "own.ckpt", "--folds", "3", cwd=folder, check=2)
    assert "folds test every image" in " ".join(folds.stderr.split())
    other = commands.harness(*TINY, "--weights", "own.ckpt", "--network", "alexnet-bn", cwd=folder, check=4)
    assert "it fits --network small-cnn" in " ".join(other.stderr.split())
