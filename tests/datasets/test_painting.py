"""The painter's tools against what they are said to do."""

import math
from collections.abc import Mapping

import pytest
import torch

from harness.datasets import crack_renderer, lesion_renderer
from harness.datasets.crack_sim import CrackSim
from harness.datasets.isic_sim import IsicSim
from harness.datasets.painting import fractal_noise, gaussian_blur, splat


@pytest.mark.parametrize(
    ("noise", "weights"),
    [
        (IsicSim().draws("train", range(64), 64).noise, lesion_renderer.NOISE_WEIGHTS),
        (CrackSim().draws("train", range(64), 64).noise, crack_renderer.NOISE_WEIGHTS),
    ],
    ids=["lesions", "cracks"],
)
def test_noise_has_mean_zero_and_unit_variance(
    noise: tuple[torch.Tensor, ...], weights: Mapping[str, tuple[float, ...]]
) -> None:
    for name, field in fractal_noise(noise, weights, 64).items():
        assert float(field.mean()) == pytest.approx(0, abs=0.1), name
        assert float(field.std()) == pytest.approx(1, abs=0.12), name


def test_a_splat_keeps_its_ink_inside_the_picture_and_drops_it_outside() -> None:
    x, y = torch.tensor([[[0.1, -0.3, 4.0]]]), torch.tensor([[[0.2, 0.7, 0.0]]])
    canvas = splat(x, y, torch.ones(1, 1, 3), 32)
    assert float(canvas.sum()) == pytest.approx(2, abs=1e-5)
    at_centre = splat(torch.full((1, 1, 1), 1 / 32), torch.full((1, 1, 1), 1 / 32), torch.ones(1, 1, 1), 32)
    assert float(at_centre[0, 16, 16]) == pytest.approx(1, abs=1e-5)


def test_a_blur_is_the_normal_density() -> None:
    dot = torch.zeros(1, 31, 31)
    dot[0, 15, 15] = 1
    blurred = gaussian_blur(dot, 2.0)
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-5)
    assert float(blurred[0, 15, 15]) == pytest.approx(1 / (2 * math.pi * 4), rel=0.02)
    assert float(blurred[0, 15, 17] / blurred[0, 15, 15]) == pytest.approx(math.exp(-0.5), rel=1e-4)
