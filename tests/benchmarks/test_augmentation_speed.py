"""How much faster the paper's augmentation is as one batch than one by one, and its share of a training step.

In seconds of the processor (one thread). One by one is what a careful user writes with torchvision and SciPy: JPEG
files, decoded anew each time at a fraction of their size where that will do, then each transform in turn. Harder: the
same without decoding, from small images in memory; and without the elastic warp either, the dearest transform.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.interpolate import RBFInterpolator
from torch import Tensor
from torchvision.transforms import v2

from harness.datasets.isic_sim import IsicSim
from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.randomness import generator
from harness.training.augmentation import augment
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

BATCH = 32


def images(size: int) -> Tensor:
    return torch.randint(0, 256, (BATCH, 3, size, size), dtype=torch.uint8, generator=generator(0, "images"))


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


class ElasticWarp:
    """Thin plate spline through a 4x4 grid, solved and evaluated for each image."""

    def __init__(self, size: int) -> None:
        self.size = size
        places = (2 * np.arange(size) + 1) / size - 1
        self.pixels = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        self.origins = np.stack(np.meshgrid(*[np.linspace(-1, 1, 4)] * 2), axis=-1).reshape(-1, 2)

    def __call__(self, image: Image.Image) -> Image.Image:
        moved = self.origins + np.random.uniform(-0.2, 0.2, self.origins.shape)
        spline = RBFInterpolator(self.origins, moved, kernel="thin_plate_spline", degree=1)
        grid = torch.from_numpy(spline(self.pixels)).float().view(1, self.size, self.size, 2)
        pixels = v2.functional.pil_to_tensor(image).float()[None]
        views = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
        return v2.functional.to_pil_image(views[0].to(torch.uint8))


def one_by_one(size: int, *, elastic: bool) -> Callable[[Image.Image], Tensor]:
    """Return the augmentation of one image, in the order of Perez et al. 2018."""
    bilinear = v2.InterpolationMode.BILINEAR
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.4, 1.0), interpolation=bilinear),
            v2.RandomAffine(90, scale=(0.8, 1.2), shear=20, interpolation=bilinear),
            *([ElasticWarp(size)] if elastic else []),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )


def photographs(folder: Path) -> list[Path]:
    """Return a batch of JPEG files of 512 pixels, as the real images at hand are."""
    found = []
    for place, image in enumerate(IsicSim().render("train", range(BATCH), 128)):
        picture = Image.fromarray(image.transpose(1, 2, 0)).resize((512, 512), Image.Resampling.BICUBIC)
        found.append(folder / f"{place}.jpg")
        picture.save(found[-1], quality=90)
    return found


def opened(path: Path, size: int) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (2 * size, 2 * size))
        return image.convert("RGB")


@pytest.mark.parametrize("how", ["decoded", "in-memory", "no-elastic"])
@pytest.mark.parametrize(("size", "aim"), [(64, 8), (96, 8), (128, 8), (224, 3)])
def test_one_by_one_over_batched(compare: Any, tmp_path: Path, size: int, aim: float, how: str) -> None:
    pixels, draws = images(size), generator(0, "views")
    paths = photographs(tmp_path) if how == "decoded" else []
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in pixels]
    view = one_by_one(size, elastic=how != "no-elastic")

    def theirs() -> Tensor:
        return torch.stack([view(picture) for picture in ([opened(path, size) for path in paths] or pictures)])

    def ours() -> Tensor:
        return augment(pixels, "paper", draws)

    name = {
        "decoded": f"decoding and augmentation one by one / batched, {size} px",
        "in-memory": f"augmentation one by one / batched, {size} px",
        "no-elastic": f"augmentation one by one without warp / batched with warp, {size} px",
    }[how]
    wanted = None if how == "no-elastic" else aim
    compare(name, lambda: seconds(theirs), lambda: seconds(ours), rounds=8, aim=wanted, more=True)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", [64, 128])
def test_share_of_a_training_step(compare: Any, size: int, precision: str) -> None:
    pixels, draws = images(size), generator(0, "views")
    labels = (torch.arange(BATCH) % 5 == 0).to(torch.uint8)
    network = build(Architecture("alexnet-bn"))
    initialise(network, generator(0, "benchmark"))
    schedule = Schedule(batch_size=BATCH, clip=2.0, precision=precision, device="cpu")  # type: ignore[arg-type]
    task = TrainingTask(
        module=network, images=pixels, targets=labels, loss=ClassDependentLoss(), evaluate=lambda _: 0.0
    )
    stepper = Stepper(task, schedule, torch.device("cpu"))
    stepper.module.train()

    def whole() -> Tensor:
        return stepper.step(augment(pixels, "paper", draws), labels, 0.01)

    name = f"augmentation / augmentation and step, {size} px, {precision}"
    compare(name, lambda: seconds(lambda: augment(pixels, "paper", draws)), lambda: seconds(whole), rounds=16, aim=0.12)
