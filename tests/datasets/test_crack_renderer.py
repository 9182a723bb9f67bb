"""Each latent of a crack moves what it is named after; a stroke is as wide and as dark as its formula."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.datasets.crack_renderer import (
    REACH,
    STEPS,
    Crack,
    CrackDraws,
    coverage,
    positions,
    render_cracks,
    seam,
    trace_crack,
    visible_depth,
)
from harness.datasets.crack_sim import CrackSim

SIZE = 64


@pytest.fixture(scope="module")
def draws() -> CrackDraws:
    return CrackSim(seed=5).draws("train", range(64), SIZE)


def moved(draws: CrackDraws, **shifts: float) -> CrackDraws:
    latents = draws.latents.clone()
    for latent, shift in shifts.items():
        latents[:, CrackDraws.LATENTS.index(latent)] += shift
    return replace(draws, latents=latents)


def area(draws: CrackDraws) -> Tensor:
    return coverage(trace_crack(draws, SIZE), SIZE).mean((1, 2))


@pytest.mark.parametrize("latent", ["width", "length", "branching"])
def test_a_latent_of_the_shape_enlarges_the_crack(draws: CrackDraws, latent: str) -> None:
    assert (area(moved(draws, **{latent: 1.5})) >= area(draws)).float().mean() > 0.9  # a part may leave the picture
    assert area(moved(draws, **{latent: 1.5})).mean() > 1.1 * area(draws).mean()


def test_a_depth_latent_darkens_the_crack_and_leaves_its_shape(draws: CrackDraws) -> None:
    assert torch.equal(area(moved(draws, depth=1.5)), area(draws))
    plain, deep = (render_cracks(one, SIZE).astype(float) for one in (draws, moved(draws, depth=1.5)))
    assert (deep <= plain).all()
    assert (deep.mean((1, 2, 3)) < plain.mean((1, 2, 3))).mean() > 0.9


def test_without_depth_there_is_no_crack(draws: CrackDraws) -> None:
    """The class acts through the crack alone: an infinitely shallow one leaves the same surface for any shape."""
    shallow = moved(draws, depth=-60)
    assert float(visible_depth(shallow).max()) < 1e-12
    assert np.array_equal(
        render_cracks(shallow, SIZE), render_cracks(moved(shallow, width=2, length=2, branching=2), SIZE)
    )


@pytest.mark.parametrize(("size", "width"), [(128, 0.45), (128, 0.9), (128, 1.8), (256, 0.9), (64, 1.8)])
def test_a_straight_stroke_has_a_normal_profile_of_its_width(size: int, width: float) -> None:
    points = STEPS * max(1, -(-size * 2 // 128))
    x = torch.linspace(-REACH / 2, REACH / 2, points).expand(1, 1, points)
    crack = Crack(x, torch.full_like(x, 1 / size), torch.full_like(x, width))
    across = coverage(crack, size)[0, :, size // 2 - 8 : size // 2 + 8].mean(1)
    spread, middle = width * size / 128, size // 2
    for away in (0, round(spread), round(2 * spread)):
        wanted = 1 - math.exp(-1.6 * math.exp(-0.5 * (away / spread) ** 2))
        assert float(across[middle + away]) == pytest.approx(wanted, abs=0.06)


def test_a_stroke_thinner_than_a_pixel_is_fainter_not_wider() -> None:
    points = STEPS * 2
    x = torch.linspace(-1, 1, points).expand(1, 1, points)
    thin, thinner = (coverage(Crack(x, torch.full_like(x, 0.0), torch.full_like(x, w)), 32) for w in (0.8, 0.4))
    assert float(thinner.sum() / thin.sum()) == pytest.approx(0.5, abs=0.1)
    assert float(thinner.max()) < float(thin.max())


def test_the_walks_start_inside_and_each_step_is_as_long(draws: CrackDraws) -> None:
    x, y = positions(draws)
    assert x.shape == y.shape == (64, 4, STEPS)
    steps = torch.hypot(x.diff(dim=2), y.diff(dim=2))
    assert torch.allclose(steps, torch.full_like(steps, REACH / STEPS), atol=1e-5)
    assert float(x[:, :2, 0].abs().max()) < 0.75
    gap = torch.hypot(x[:, 0, 0] - x[:, 1, 0], y[:, 0, 0] - y[:, 1, 0])
    assert float(gap.max()) < 2.01 * REACH / STEPS  # both halves leave one point


def test_a_branch_begins_on_its_half(draws: CrackDraws) -> None:
    x, y = positions(draws)
    for half in (0, 1):
        away = torch.hypot(x[:, half] - x[:, half + 2, :1], y[:, half] - y[:, half + 2, :1]).min(1).values
        assert float(away.max()) < 1.01 * REACH / STEPS


def test_about_one_in_seven_surfaces_of_both_classes_has_a_seam() -> None:
    draws, labels = CrackSim().draws("pretraining", range(800), 16), CrackSim().labels("pretraining")[:800]
    seamed = (seam(draws, 16).abs() > 0.001).any(-1).any(-1).numpy()
    for label in (0, 1):
        assert seamed[labels == label].mean() == pytest.approx(0.15, abs=0.06)


@pytest.mark.parametrize("size", [16, 17, 50, 224])
def test_any_size_gives_the_same_surface_but_for_its_grain(size: int) -> None:
    image = CrackSim().render("train", range(8), size).mean((1, 2, 3))
    assert image == pytest.approx(CrackSim().render("train", range(8), 64).mean((1, 2, 3)), abs=6)
