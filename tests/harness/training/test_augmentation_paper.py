"""The kind ``paper`` against its definition, draw for draw."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from harness.training.augmentation import affine_matrices, augment, control_destinations, crop_matrices
from harness.training.colour_jitter import random_colour_changes
from harness.training.elastic_warp import control_points, random_offsets, sampling_grid

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
GREY = np.array([0.299, 0.587, 0.114])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photographs(count=4, size=24):
    return torch.randint(0, 256, (count, 3, size, size), generator=generator(), dtype=torch.uint8)


def pixel_centres(size):
    return np.array([((2 * c + 1) / size - 1, (2 * r + 1) / size - 1) for r in range(size) for c in range(size)])


def drawn_maps(count, seed):
    """Draw the maps of a call, in its order, and return for each view three functions of one point."""
    draws = generator(seed)
    offsets = random_offsets(count, draws).double().numpy()
    affine = affine_matrices(count, "flips-affine", draws).tolist()
    crops = crop_matrices(count, draws).tolist()
    controls = control_points().double().numpy()

    def applied(matrix):
        return lambda point: [row[0] * point[0] + row[1] * point[1] + row[2] for row in matrix]

    splines = [RBFInterpolator(controls, controls + o, kernel="thin_plate_spline", degree=1) for o in offsets]
    warps = [lambda point, spline=spline: spline([point])[0] for spline in splines]
    return list(zip(warps, map(applied, affine), map(applied, crops), strict=True)), draws


def places(maps, size):
    """Where each pixel of a view looks, (x, y), moved point by point through one map after the other."""
    found = []
    for point in pixel_centres(size):
        for move in maps:
            point = move(point)
        found.append(point)
    return np.array(found)


def recoloured(view, brightness, contrast, saturation, hue):
    """One change after the other on colours (3, P); hue in the chroma plane (B - Y, R - Y), clipped at the end."""
    view = view * brightness
    view = contrast * view + (1 - contrast) * (GREY @ view).mean()
    view = saturation * view + (1 - saturation) * (GREY @ view)
    luma = GREY @ view
    chroma = (0.492111 * (view[2] - luma) + 0.877283j * (view[0] - luma)) * np.exp(2j * math.pi * hue)
    red, blue = luma + chroma.imag / 0.877283, luma + chroma.real / 0.492111
    return np.clip([red, (luma - GREY[0] * red - GREY[2] * blue) / GREY[1], blue], 0, 255)


def test_grids_move_each_point_by_warp_affine_map_and_crop_in_turn():
    grids = sampling_grid(control_destinations(6, generator(3)), 11)
    for grid, maps in zip(grids, drawn_maps(6, 3)[0], strict=True):
        np.testing.assert_allclose(grid.reshape(-1, 2).numpy(), places(maps, 11), atol=1e-5)


def test_views_are_interpolated_once_recoloured_and_normalised():
    images = photographs(6, 16)
    maps, draws = drawn_maps(6, 5)
    changes = torch.stack(random_colour_changes(6, draws)).T.tolist()
    for image, view, moves, factors in zip(images, augment(images, "paper", generator(5)), maps, changes, strict=True):
        columns, rows = ((places(moves, 16) + 1) * 16 - 1).T / 2
        sampled = [map_coordinates(c, (rows, columns), order=1, mode="reflect") for c in image.double().numpy()]
        expected = (recoloured(np.array(sampled), *factors).T / 255 - MEAN) / DEVIATION
        np.testing.assert_allclose(view.flatten(1).T.numpy(), expected, atol=2e-3)  # a grey level is 0.017


def crops(count=8000):
    """Areas, aspect ratios, widths and heights (as shares of the image's) and centres of many crops."""
    matrices = crop_matrices(count, generator()).double().numpy()
    assert not matrices[:, 0, 1].any()
    assert not matrices[:, 1, 0].any()
    sides = matrices[:, [0, 1], [0, 1]]
    return sides.prod(1), sides[:, 0] / sides[:, 1], sides, matrices[:, :, 2]


def test_crops_have_uniform_area_and_log_uniform_ratio_until_they_fill_the_image():
    area, ratio, sides, _ = crops()
    assert stats.kstest(area, stats.uniform(0.4, 0.6).cdf).pvalue > 1e-3
    assert 3 / 4 - 1e-5 <= ratio.min() < 0.76
    assert 1.32 < ratio.max() <= 4 / 3 + 1e-5
    free = area < 3 / 4  # then even the longest crop fits
    logarithms = np.log(ratio)
    reach = math.log(4 / 3)
    assert stats.kstest(logarithms[free], stats.uniform(-reach, 2 * reach).cdf).pvalue > 1e-3
    # Elsewhere a crop that would be longer than the image is as long as the image.
    shorter = sides[~free].max(1) < 1 - 1e-5
    assert 0.1 < shorter.mean() < 0.9
    limit = np.abs(np.log(area[~free]))
    assert np.all(np.abs(logarithms[~free])[shorter] < limit[shorter])
    np.testing.assert_allclose(np.abs(logarithms[~free])[~shorter], limit[~shorter], atol=1e-4)


def test_crops_lie_within_the_image_and_anywhere_in_it():
    _, _, sides, centres = crops()
    assert np.all(np.abs(centres) + sides <= 1 + 1e-6)
    for axis in range(2):
        loose = sides[:, axis] < 0.99
        positions = centres[loose, axis] / (1 - sides[loose, axis])
        assert stats.kstest(positions, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    loose = sides.max(1) < 0.99
    positions = centres[loose] / (1 - sides[loose])
    assert abs(stats.pearsonr(*positions.T).statistic) < 5 / loose.sum() ** 0.5


def test_views_of_one_batch_differ():
    views = augment(photographs(1).expand(8, -1, -1, -1), "paper", generator())
    for first, second in itertools.combinations(views, 2):
        assert (first - second).abs().mean() > 0.1


@pytest.mark.parametrize("size", [63, 224])
def test_plain_images_give_plain_views_at_any_size(size):
    colours = torch.tensor([[200, 120, 90], [0, 0, 0], [255, 255, 255], [30, 180, 250]], dtype=torch.uint8)
    views = augment(colours.view(4, 3, 1, 1).expand(-1, -1, size, size), "paper", generator())
    assert bool(torch.isfinite(views).all())
    assert views.flatten(2).std(2).max() < 1e-4


def test_views_are_normalised_colours():
    views = augment(photographs(16), "paper", generator()).permute(0, 2, 3, 1).double().numpy()
    colours = (views * DEVIATION + MEAN) * 255
    assert -1e-3 < colours.min() < 1
    assert 254 < colours.max() < 255 + 1e-3


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one_are_batches(count):
    views = augment(photographs(count), "paper", generator())
    assert views.shape == (count, 3, 24, 24)
    assert views.dtype == torch.float32
    assert bool(torch.isfinite(views).all())


def test_draws_depend_on_the_number_of_images_alone():
    states = []
    for images in (photographs(), torch.zeros_like(photographs()), photographs(size=63)):
        draws = generator()
        augment(images, "paper", draws)
        states.append(draws.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])
    assert not torch.equal(states[0], generator().get_state())


class OneDeviceAtATime(TorchDispatchMode):
    """Fails an operation on tensors of two devices, unless it copies from one to the other."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor) and leaf.dim()]
        if "copy" not in str(function):
            assert len({tensor.device for tensor in tensors}) <= 1, function
        return function(*args, **(kwargs or {}))


def test_everything_follows_the_images_to_their_device():
    """On ``meta``, which is everywhere and computes nothing, a tensor that was left behind meets one that was not."""
    with OneDeviceAtATime():
        views = augment(photographs().to("meta"), "paper", generator())
    assert views.device.type == "meta"
    assert views.shape == (4, 3, 24, 24)
    assert views.is_contiguous(memory_format=torch.channels_last)
