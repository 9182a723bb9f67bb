"""The paper's comparison as others run it, beside ours: the same trainings, one machine, one run, one thread.

    python tests/benchmarks/peers.py [--steps 24] [--size 64]

The work: four lottery-ticket variants and SNIP at seven levels, one seed, `alexnet-bn`, 900 JPEG files of 512 px for
training and validation and 379 for testing, 150 steps of 32 images a training, as the preset `quick` has them, float32.
Seconds are of the processor. What would take hours is measured in pieces that the run times one by one, and added up:
each row says so. All of it is in our own words:

- ours: the whole sweep at few steps; the missing ones are added at what one took.
- bare script: a loop as people write it with torch.nn.utils.prune: a DataLoader that decodes and augments image by
  image, validation after each epoch, every method's own dense network.
- the same, careful: images decoded once and kept, evaluated once a level.
- a process a cell: the bare script started anew for each (method, level): Python, imports, its own dense network.
- released code's way: the bare script, with a Python loop over the pruned indices in every step's gradient, and another
  over the indices that each round prunes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.transforms import v2

from harness.data.loading import read_images
from harness.datasets.isic_sim import IsicSim
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import Plan
from harness.planning.planner import Flags, build_plan
from harness.randomness import generator
from harness.running.cells import cells, score_test
from harness.storage.store import Store

WHOLE, BATCH, LEVELS, VARIANTS = 150, 32, 7, 4
PAPER = ["lt", "class-dependent-lt[scenario=blue]", "class-dependent-lt", "class-dependent-lt[scenario=green]", "snip"]
SAMPLE = 2_000
"""Indices that a loop over indices is timed on."""


@dataclass(frozen=True)
class Row:
    """A way to run the comparison: its trainings, its seconds, and how they were had."""

    way: str
    trainings: int
    seconds: float
    how: str


def clocked(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# Ours


def ours(folder: Path, steps: int, size: int, precision: str) -> Row:
    """Run the sweep with two numbers of steps: their difference is what the steps that are left out would take."""
    few, many = (_swept(folder, number, size, precision) for number in (steps // 2, steps))
    each = (many[1] - few[1]) / (steps - steps // 2)
    seconds = many[1] + each * (WHOLE - steps)
    return Row(f"harness run, {precision}", many[0], seconds, f"measured at {steps} steps, extrapolated by steps")


def _swept(folder: Path, steps: int, size: int, precision: str) -> tuple[int, float]:
    """Return the number of trainings and the seconds of a whole sweep from an empty store."""
    keys = {
        "seeds": [0],
        "network": "alexnet-bn",
        "weights": "kaiming",
        "methods": PAPER,
        "densities": [2.0**-level for level in range(LEVELS)],
        "parameters": {"rate": 0.5},
        "data": {"name": f"folder:{folder / 'images'}", "positive": "malignant", "size": size},
        "training": {"max_steps": steps, "precision": precision},
    }
    plan = build_plan(
        load_configuration("quick", None, [], keys), Flags("quick", None, Path(tempfile.mkdtemp(dir=folder)))
    )[0]
    seconds = clocked(lambda: _run(plan))
    return sum(kind == "train" for _, kind in Store(plan.store).folders()), seconds


def _run(plan: Plan) -> None:
    store = Store(plan.store)
    read_images(plan.data, store)
    asked = [entry for entry in plan.entries if entry.method in ("lt", "class-dependent-lt", "snip")]
    for entry in asked:
        for cell in cells(plan, entry, 0, plan.densities, store):
            assert score_test(plan, cell, store).status == "done"


# A bare script


class Files(Dataset[tuple[Tensor, int]]):
    """Images decoded whenever they are asked for."""

    def __init__(self, folder: Path, transform: Callable[[Image.Image], Tensor]) -> None:
        self.paths = [path for path in sorted(folder.rglob("*.jpg")) if path.parent.name in ("benign", "malignant")]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        path = self.paths[place]
        with Image.open(path) as image:
            return self.transform(image.convert("RGB")), int(path.parent.name == "malignant")


class Kept(Files):
    """The same, decoded once and kept at the size that is wanted."""

    def __init__(self, folder: Path, size: int, transform: Callable[[Image.Image], Tensor]) -> None:
        super().__init__(folder, transform)
        self.images = [Image.open(path).convert("RGB").resize((size, size)) for path in self.paths]

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.transform(self.images[place]), int(self.paths[place].parent.name == "malignant")


def transforms(size: int, *, training: bool) -> Callable[[Image.Image], Tensor]:
    moves = [
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
        v2.RandomAffine(20, translate=(0.1, 0.1), scale=(0.9, 1.1)),
    ]
    ends = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    return v2.Compose([v2.Resize((size, size)), *(moves if training else []), *ends])


@dataclass
class Script:
    """What people write: one network, a loader to train with, and loaders to evaluate with."""

    train: Dataset[tuple[Tensor, int]]
    validation: Dataset[tuple[Tensor, int]]
    test: Dataset[tuple[Tensor, int]]

    def __post_init__(self) -> None:
        self.network = build(Architecture("alexnet-bn"))
        initialise(self.network, generator(0, "peers"))
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=0.001, weight_decay=0.05)
        self._batches = self._endless()

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from DataLoader(self.train, batch_size=BATCH, shuffle=True, drop_last=True)

    def step(self) -> None:
        self.network.train()
        images, labels = next(self._batches)
        self.optimiser.zero_grad()
        F.cross_entropy(self.network(images), labels).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()

    def auc(self, images: Dataset[tuple[Tensor, int]]) -> float:
        self.network.eval()
        scores, truth = [], []
        with torch.no_grad():
            for batch, labels in DataLoader(images, batch_size=BATCH):
                scores.append(self.network(batch).softmax(1)[:, 1])
                truth.append(labels)
        return float(roc_auc_score(torch.cat(truth), torch.cat(scores)))

    def prune(self) -> None:
        """Take away half of what is left, and keep it away."""
        for layer in self.network.modules():
            if isinstance(layer, nn.Conv2d):
                prune.l1_unstructured(layer, "weight", amount=0.5)


def scripts(folder: Path, size: int, *, careful: bool) -> Script:
    def images(of: str, *, training: bool) -> Dataset[tuple[Tensor, int]]:
        made = transforms(size, training=training)
        return Kept(folder / of, size, made) if careful else Files(folder / of, made)

    training = images("images/train", training=True)
    held = torch.randperm(900, generator=generator(0, "split")).tolist()
    watched = images("images/train", training=False)
    return Script(Subset(training, held[225:]), Subset(watched, held[:225]), images("images/test", training=False))


@dataclass(frozen=True)
class Pieces:
    """Seconds of what a script is made of."""

    step: float
    validation: float
    test: float
    prune: float
    loading: float = 0.0

    @classmethod
    def of(cls, folder: Path, size: int, steps: int, *, careful: bool) -> "Pieces":
        """Time each piece, the steps with half of the weights masked, as they are in all rounds but the first."""
        start = time.process_time()
        script = scripts(folder, size, careful=careful)
        loading = time.process_time() - start
        prune_seconds = clocked(script.prune)
        script.step()
        taken = clocked(lambda: [script.step() for _ in range(steps)]) / steps
        validation, tested = (clocked(lambda of=of: script.auc(of)) for of in (script.validation, script.test))
        return cls(taken, validation, tested, prune_seconds, loading)

    def training(self, *, every_epoch: bool) -> float:
        """Return the seconds of one training with its evaluations: validation each epoch or at the end, then test."""
        epochs = WHOLE * BATCH / 675 if every_epoch else 1
        return WHOLE * self.step + epochs * self.validation + self.test


# The released code's loops


def hook_seconds(weights: Tensor) -> float:
    """Return the seconds that a hook takes an index: a gradient's places are set to zero one by one."""
    gradient = torch.randn_like(weights)
    places = [np.unravel_index(index, weights.shape) for index in range(SAMPLE)]

    def hook() -> None:
        for place in places:
            gradient[place] = 0

    hook()
    return min(clocked(hook) for _ in range(3)) / SAMPLE


def loop_seconds(weights: Tensor) -> float:
    """Return the seconds that a round's loop takes an index: unravelled, written to weights and mask, and noted."""
    weights, mask = weights.clone(), torch.ones(weights.shape, dtype=torch.bool)
    least = torch.topk(weights.abs().flatten(), SAMPLE, largest=False).indices
    noted = []

    def loop() -> None:
        for index in least:
            place = np.unravel_index(index.item(), weights.shape)
            weights[place] = 0
            mask[place] = False
            noted.append(place)

    loop()
    return min(clocked(loop) for _ in range(3)) / SAMPLE


def loops() -> float:
    """Return the seconds of all hooks and prune loops of a lottery ticket's six rounds after the first."""
    layer = build(Architecture("alexnet-bn")).get_parameter("features.conv3.weight").detach()
    prunable = sum(one.numel() for one in build(Architecture("alexnet-bn")).parameters() if one.dim() == 4)
    hook, loop = hook_seconds(layer), loop_seconds(layer)
    pruned = [1 - 2.0**-level for level in range(1, LEVELS)]
    return prunable * sum(WHOLE * hook * share + loop * 2.0**-level for level, share in enumerate(pruned, start=1))


def start_seconds() -> float:
    """Return the seconds until a new Python has imported what such a script needs."""
    code = "import torch, torchvision.transforms.v2, sklearn.metrics, time; print(time.process_time())"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3)]
    return sorted(times)[1]


# All of them


def draw(folder: Path) -> None:
    """Write the images as JPEG files of 512 px, in the layout that a folder of classes has."""
    dataset = IsicSim()
    for part, count in (("train", 900), ("test", 379)):
        samples = [one for one in dataset.samples(Path()) if one.split == part][:count]
        for first in range(0, count, 100):
            indices = range(first, min(first + 100, count))
            for place, image in zip(indices, dataset.render(part, indices, 128), strict=True):
                name = "malignant" if samples[place].label else "benign"
                where = folder / "images" / part / name
                where.mkdir(parents=True, exist_ok=True)
                picture = Image.fromarray(image.transpose(1, 2, 0)).resize((512, 512), Image.Resampling.BICUBIC)
                picture.save(where / f"{place:04}.jpg", quality=90)


def rows(folder: Path, steps: int, size: int) -> list[Row]:
    shared = VARIANTS * LEVELS + 1
    alone = VARIANTS * sum(range(1, LEVELS + 1)) + LEVELS
    found = [ours(folder, steps, size, "float32")]
    bare = Pieces.of(folder, size, steps, careful=False)
    careful = Pieces.of(folder, size, steps, careful=True)
    pruning = bare.prune * VARIANTS * LEVELS
    rest = (LEVELS - 1) * bare.test  # SNIP's other levels are scored, not trained
    script = shared * bare.training(every_epoch=True) + pruning + rest
    pieces = f"pieces measured, {steps} steps, and multiplied"
    return [
        *found,
        Row("bare script with torch.nn.utils.prune", shared, script, pieces),
        Row(
            "the same, careful: decoded once, evaluated once a level",
            shared,
            careful.loading + shared * careful.training(every_epoch=False) + pruning + (LEVELS - 1) * careful.test,
            pieces,
        ),
        Row(
            "a process a cell",
            alone,
            alone * bare.training(every_epoch=True) + (VARIANTS + 1) * LEVELS * start_seconds(),
            pieces,
        ),
        Row("released code's way", shared, script + VARIANTS * loops(), f"{pieces}; loops from {SAMPLE:,} indices"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--size", type=int, default=64)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name))
        found = rows(Path(name), asked.steps, asked.size)
    print("| Way | Trainings | Processor, s | / ours | How |\n| --- | --- | --- | --- | --- |")
    for row in found:
        print(
            f"| {row.way} | {row.trainings} | {row.seconds:,.0f} | {row.seconds / found[0].seconds:.1f} | {row.how} |"
        )


if __name__ == "__main__":
    main()
