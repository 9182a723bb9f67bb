"""Each latent of a lesion moves what it is named after; what is drawn stays in the picture."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.datasets.isic_sim import IsicSim
from harness.datasets.lesion_renderer import (
    HAIRS,
    NOISE_WEIGHTS,
    LesionDraws,
    Outline,
    render_lesions,
    trace_outline,
)
from harness.datasets.painting import fractal_noise

SIZE = 64


@pytest.fixture(scope="module")
def lesions() -> LesionDraws:
    return IsicSim(seed=5).draws("train", range(64), SIZE)


def moved(lesions: LesionDraws, latent: str, shift: float) -> LesionDraws:
    latents = lesions.latents.clone()
    latents[:, LesionDraws.LATENTS.index(latent)] += shift
    return replace(lesions, latents=latents)


def outline(lesions: LesionDraws) -> Outline:
    return trace_outline(lesions, fractal_noise(lesions.noise, NOISE_WEIGHTS, SIZE), SIZE)


def test_a_diameter_latent_enlarges_the_lesion(lesions: LesionDraws) -> None:
    small, large = outline(lesions), outline(moved(lesions, "diameter", 1.5))
    assert (large.mask.mean((1, 2)) > small.mask.mean((1, 2))).all()


def test_an_asymmetry_latent_breaks_the_point_symmetry(lesions: LesionDraws) -> None:
    normals = lesions.normals.clone()
    normals[:, [LesionDraws.NORMALS.index("centre-x"), LesionDraws.NORMALS.index("centre-y")]] = 0
    centred = replace(lesions, normals=normals)

    def difference(draws: LesionDraws) -> torch.Tensor:
        mask = outline(draws).mask
        return (mask - mask.flip(1, 2)).abs().sum((1, 2)) / mask.sum((1, 2))

    assert (difference(moved(centred, "asymmetry", 2.0)) > difference(centred)).float().mean() > 0.8


def test_a_border_latent_lengthens_the_border(lesions: LesionDraws) -> None:
    def raggedness(draws: LesionDraws) -> torch.Tensor:
        mask = outline(draws).mask
        across, down = mask.diff(dim=2).abs().sum((1, 2)), mask.diff(dim=1).abs().sum((1, 2))
        return (across + down) / mask.sum((1, 2)).sqrt()

    assert (raggedness(moved(lesions, "border", 2.0)) > raggedness(lesions)).float().mean() > 0.8


def test_a_colour_latent_adds_colours_and_leaves_the_outline(lesions: LesionDraws) -> None:
    plain, colourful = lesions, moved(lesions, "colour", 2.0)
    assert torch.equal(outline(plain).mask, outline(colourful).mask)
    inside = (outline(plain).mask > 0.8).numpy()

    def variety(draws: LesionDraws) -> npt.NDArray[np.float64]:
        images = render_lesions(draws, SIZE).transpose(0, 2, 3, 1)
        return np.array([image[part].std(0).mean() for image, part in zip(images, inside, strict=True)])

    assert (variety(colourful) > variety(plain)).mean() > 0.9


def test_about_three_in_ten_images_have_hair_and_never_more_than_the_most() -> None:
    draws = IsicSim().draws("train", range(900), 16)
    assert float(draws.chance("hairy", 0.30).mean()) == pytest.approx(0.30, abs=0.05)
    assert float(draws.uniform("hairs", 3, HAIRS + 1).floor().max()) <= HAIRS
