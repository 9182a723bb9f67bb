import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from harness.training.augmentation import (
    MEAN,
    STD,
    _statistics,
    affine_matrices,
    augment,
    control_destinations,
    drawn_views,
    normalise,
    views_of,
)
from harness.training.colour_jitter import colour_matrices, random_colour_changes
from harness.training.elastic_warp import sampling_grid

AFFINE = ("flips", "flips-affine")
KINDS = ("none", *AFFINE, "paper")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photographs(count=4, size=64, seed=0):
    return torch.randint(0, 256, (count, 3, size, size), generator=generator(seed), dtype=torch.uint8)


def smooth(size=64):
    """One image whose pixels are linear in both coordinates, so that interpolation between them is exact."""
    rows = torch.arange(size, dtype=torch.float64).view(size, 1).expand(size, size)
    return torch.stack([rows, rows.t(), (rows + rows.t()) / 2])[None].round().to(torch.uint8)


def bilinear_by_loop(image, matrix):
    """One view (3, S, S) by definition: each output pixel's place in the input, reflected at the outer edges."""
    size = image.shape[-1]
    view = np.zeros(image.shape)

    def reflected(place):
        place = abs((place + 0.5) % (2 * size))  # distance from the left edge, pattern of period 2 S
        return min(max((2 * size - place if place > size else place) - 0.5, 0), size - 1)

    for row in range(size):
        for column in range(size):
            x, y = (2 * column + 1) / size - 1, (2 * row + 1) / size - 1
            place = [((entry[0] * x + entry[1] * y + entry[2] + 1) * size - 1) / 2 for entry in matrix]
            right, down = reflected(place[0]), reflected(place[1])
            left, top = min(int(right), size - 2), min(int(down), size - 2)
            a, b = right - left, down - top
            corners = image[:, top : top + 2, left : left + 2]
            weights = np.array([[(1 - a) * (1 - b), a * (1 - b)], [(1 - a) * b, a * b]])
            view[:, row, column] = (corners * weights).sum((1, 2))
    return view


def parameters(count=4000):
    """Angle, shear, scale and mirror images of many matrices, read back from their entries."""
    linear = affine_matrices(count, "flips-affine", generator())[:, :, :2].double()
    mirrored = torch.linalg.det(linear) < 0
    # input = R(angle) [[1, shear], [0, 1]] diag(signs) / scale: the first column is +- (cos, sin) / scale.
    first, second = linear[:, :, 0], linear[:, :, 1]
    scale = 1 / first.norm(dim=1)
    angle = torch.atan2(first[:, 1], first[:, 0])
    return linear, mirrored, angle, scale, second


def test_matrices_are_rotation_shear_and_scale_within_their_ranges():
    linear, _, _, scale, second = parameters()
    assert linear.shape == (4000, 2, 2)
    assert 0.8 - 1e-5 <= scale.min() < 0.81
    assert 1.19 < scale.max() <= 1.2 + 1e-5
    # det = +- 1 / scale^2 for any rotation, shear and mirror image.
    assert torch.allclose(torch.linalg.det(linear).abs(), scale**-2, rtol=1e-4)
    # The second column is the shear along the first and 1 across it, both over the scale.
    shear = ((second * linear[:, :, 0]).sum(1) * scale**2).abs()
    assert math.tan(math.radians(19.5)) < shear.max() <= math.tan(math.radians(20)) + 1e-4


def test_every_parameter_is_uniform_and_mirror_images_are_even():
    linear, mirrored, angle, scale, second = parameters()
    # A mirrored first axis adds half a turn, so angles of (-90, 90) degrees fill the circle evenly.
    assert stats.kstest(angle.numpy(), stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-3
    assert stats.kstest(scale.numpy(), stats.uniform(0.8, 0.4).cdf).pvalue > 1e-3
    degrees = torch.rad2deg(torch.atan((second * linear[:, :, 0]).sum(1) * scale**2))
    assert stats.kstest(degrees.numpy(), stats.uniform(-20, 40).cdf).pvalue > 1e-3
    assert stats.binomtest(int(mirrored.sum()), len(mirrored)).pvalue > 1e-3


def test_angles_reach_a_quarter_turn_and_no_more():
    # Only unmirrored first axes: their angle is the rotation itself, or half a turn off where both are mirrored.
    linear = affine_matrices(2000, "flips-affine", generator(1))[:, :, :2]
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    signs = torch.sign(torch.cos(angle))
    rotation = torch.atan2(linear[:, 1, 0] * signs, linear[:, 0, 0] * signs)
    assert rotation.abs().max() <= math.pi / 2 + 1e-6
    assert rotation.abs().max() > math.radians(89)


@pytest.mark.parametrize("kind", AFFINE)
def test_nothing_is_shifted(kind):
    assert not affine_matrices(50, kind, generator())[:, :, 2].any()


def test_flips_are_the_four_mirror_images_equally_often():
    matrices = affine_matrices(4000, "flips", generator())
    assert not matrices[:, 0, 1].any()
    assert not matrices[:, 1, 0].any()
    counts = {}
    for x, y in matrices[:, [0, 1], [0, 1]].tolist():
        counts[x, y] = counts.get((x, y), 0) + 1
    assert counts.keys() == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("size", [63, 64, 100])
def test_flips_move_pixels_and_change_none(size):
    images = photographs(16, size)
    views = augment(images, "flips", generator(4))
    signs = affine_matrices(16, "flips", generator(4))[:, [0, 1], [0, 1]].tolist()
    assert len({tuple(pair) for pair in signs}) == 4
    for image, view, (x, y) in zip(normalise(images), views, signs, strict=True):
        axes = [axis for axis, sign in ((2, x), (1, y)) if sign < 0]
        assert torch.allclose(view, image.flip(axes), atol=2e-4)  # a grey level is 0.017


def test_views_equal_bilinear_interpolation_by_definition():
    images = torch.cat([photographs(2, 20), smooth(20)])
    matrices = affine_matrices(3, "flips-affine", generator(9))
    views = augment(images, "flips-affine", generator(9))
    for image, matrix, view in zip(normalise(images).double().numpy(), matrices.tolist(), views, strict=True):
        expected = torch.from_numpy(bilinear_by_loop(image, matrix))
        assert torch.allclose(view.double(), expected, atol=2e-4)


def test_none_is_normalisation_alone_and_draws_nothing():
    draws = generator(5)
    before = draws.get_state()
    assert torch.equal(augment(photographs(), "none", draws), normalise(photographs()))
    assert torch.equal(draws.get_state(), before)


def test_normalise_equals_a_loop_with_imagenets_statistics():
    images = photographs(2, 5)
    found = normalise(images)
    assert found.dtype == torch.float32
    for channel, (mean, deviation) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))):
        for image in range(2):
            for row in range(5):
                for column in range(5):
                    expected = (images[image, channel, row, column].item() / 255 - mean) / deviation
                    assert found[image, channel, row, column].item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_gives_the_same_bits_in_one_memory_layout(kind):
    first, second = (augment(photographs(), kind, generator(2)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (4, 3, 64, 64)
    assert first.is_contiguous(memory_format=torch.channels_last)
    if kind != "none":
        assert not torch.equal(first, augment(photographs(), kind, generator(3)))


@pytest.mark.parametrize("kind", KINDS)
def test_global_random_state_is_neither_read_nor_moved(kind):
    torch.manual_seed(1)
    first = augment(photographs(), kind, generator(2))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert torch.equal(augment(photographs(), kind, generator(2)), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_depends_on_its_own_image_and_place_only(kind):
    images = photographs()
    others = photographs(seed=8)
    others[2] = images[2]
    views, mixed = (augment(batch, kind, generator(6)) for batch in (images, others))
    assert torch.equal(views[2], mixed[2])
    assert not torch.equal(views[1], mixed[1])


@pytest.mark.parametrize("kind", AFFINE)
def test_a_batch_of_one_is_a_batch(kind):
    image = photographs(1)
    view = augment(image, kind, generator(6))
    assert view.shape == (1, 3, 64, 64)
    matrix = affine_matrices(1, kind, generator(6))[0].tolist()
    expected = bilinear_by_loop(normalise(image)[0].double().numpy(), matrix)
    assert torch.allclose(view[0].double(), torch.from_numpy(expected), atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_images_themselves_are_left_alone(kind):
    images = photographs()
    augment(images, kind, generator())
    assert torch.equal(images, photographs())


@pytest.mark.parametrize("kind", AFFINE)
def test_views_stay_within_the_images_range(kind):
    images = photographs(8)
    pixels, views = normalise(images), augment(images, kind, generator())
    assert views.min() >= pixels.min() - 1e-4
    assert views.max() <= pixels.max() + 1e-4
    assert bool(torch.isfinite(views).all())


def as_one(images, kind, draws):
    """Return the views as they were computed before draws were apart from pixels, constants built at every call."""

    def normal(pixels):
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
        return pixels.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)

    def sampled(pixels, grid):
        return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    if kind == "paper":
        grid = sampling_grid(control_destinations(len(images), draws), images.shape[-1])
        pixels = sampled(images.float(), grid)
        changes = random_colour_changes(len(images), draws)
        share = (1 - changes.contrast) * changes.brightness
        weights = share.unsqueeze(1) * torch.tensor((0.299, 0.587, 0.114))
        bias = (pixels.flatten(2).mean(2) * weights).sum(1).view(-1, 1, 1)
        mixed = torch.baddbmm(bias, colour_matrices(changes), pixels.flatten(2)).clamp_(0, 255)
        return normal(mixed.view_as(images))
    pixels = normal(images.float())
    if kind == "none":
        return pixels
    matrices = affine_matrices(len(images), kind, draws)
    grid = F.affine_grid(matrices, list(pixels.shape), align_corners=False)
    return sampled(pixels, grid).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", ["none", "flips", "flips-affine", "paper"])
def test_draws_apart_from_pixels_give_the_bits_of_both_in_one(kind):
    """And they take as much from the generator, batch after batch."""
    draws, apart, at_once = generator(8), generator(8), generator(8)
    for count in (12, 12, 5):
        images = torch.randint(256, (count, 3, 20, 20), generator=generator(count)).to(torch.uint8)
        expected = as_one(images, kind, draws)
        drawn = drawn_views(count, kind, apart)
        assert all(one.device.type == "cpu" and len(one) == count for one in drawn)
        assert torch.equal(views_of(images, kind, drawn), expected)
        assert torch.equal(augment(images, kind, at_once), expected)
    assert torch.equal(draws.get_state(), apart.get_state())


def test_the_channels_statistics_are_made_once_for_a_device_and_may_be_trained_through():
    _statistics.cache_clear()
    with torch.inference_mode():
        normalise(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    made = _statistics(torch.device("cpu"))
    assert not any(one.is_inference() for one in made)
    assert all(one is again for one, again in zip(made, _statistics(torch.device("cpu")), strict=True))
