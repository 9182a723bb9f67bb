import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.interpolate import RBFInterpolator

from harness.training.elastic_warp import control_points, random_offsets, sampling_grid, spline_basis, spline_weights


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def grid_of_points():
    return np.array([(x, y) for y, x in itertools.product((-1, -1 / 3, 1 / 3, 1), repeat=2)])


def pixel_centres(size):
    return np.array([((2 * c + 1) / size - 1, (2 * r + 1) / size - 1) for r in range(size) for c in range(size)])


def test_control_points_are_an_even_grid_from_edge_to_edge():
    np.testing.assert_allclose(control_points().numpy(), grid_of_points(), atol=1e-6)


@pytest.mark.parametrize("size", [1, 9, 24])
def test_warps_equal_scipys_thin_plate_spline(size):
    destinations = control_points() + random_offsets(5, generator())
    grids = sampling_grid(destinations, size)
    assert grids.shape == (5, size, size, 2)
    for found, moved in zip(grids, destinations, strict=True):
        spline = RBFInterpolator(grid_of_points(), moved.double().numpy(), kernel="thin_plate_spline", degree=1)
        expected = spline(pixel_centres(size)).reshape(size, size, 2)
        np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)


def test_a_control_point_looks_exactly_where_it_should_and_heeds_no_other():
    weights = spline_weights(torch.from_numpy(grid_of_points()))
    np.testing.assert_allclose(weights.numpy(), np.eye(16), atol=1e-6)


@pytest.mark.parametrize("size", [63, 64, 224])
def test_points_that_stay_leave_every_pixel_where_it_is(size):
    found = sampling_grid(control_points()[None], size)
    expected = F.affine_grid(torch.eye(2, 3)[None], [1, 3, size, size], align_corners=False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)  # a pixel of 224 is 0.009 wide


def test_points_moved_by_an_affine_map_move_every_pixel_by_it():
    matrix = torch.tensor([[[0.7, -0.4, 0.2], [0.3, 1.1, -0.5]]])
    found = sampling_grid(control_points() @ matrix[:, :, :2].mT + matrix[:, :, 2], 30)
    expected = F.affine_grid(matrix, [1, 3, 30, 30], align_corners=False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [63, 224])
def test_every_warp_is_finite_and_stays_near(size):
    centres = torch.from_numpy(pixel_centres(size)).float().view(size, size, 2)
    moved = sampling_grid(control_points() + random_offsets(100, generator()), size) - centres
    assert bool(torch.isfinite(moved).all())
    # Between points a spline may overshoot what it interpolates, but not by much.
    assert 0.15 < moved.abs().max() < 2 * 0.2


def test_offsets_are_uniform_up_to_a_tenth_of_the_width_and_unrelated():
    offsets = random_offsets(2000, generator())
    assert offsets.shape == (2000, 16, 2)
    for column in offsets.flatten(1).T.numpy():
        assert stats.kstest(column, stats.uniform(-0.2, 0.4).cdf).pvalue > 1e-4
    correlations = np.corrcoef(offsets.flatten(1).T.numpy()) - np.eye(32)
    assert np.abs(correlations).max() < 5 / 2000**0.5


def test_offsets_come_from_the_generator_alone():
    first = random_offsets(3, generator(1))
    torch.manual_seed(4)
    before = torch.get_rng_state()
    assert torch.equal(random_offsets(3, generator(1)), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(random_offsets(3, generator(2)), first)


def test_no_warps_are_an_empty_grid():
    assert sampling_grid(control_points() + random_offsets(0, generator()), 8).shape == (0, 8, 8, 2)


def test_the_basis_is_made_once_for_a_size_and_device():
    made = spline_basis(17, torch.device("cpu"))
    assert spline_basis(17, torch.device("cpu")) is made
    assert made.dtype == torch.float32
    assert spline_basis(18, torch.device("cpu")).shape == (16, 18 * 18)
    assert spline_basis(17, torch.device("meta")).device.type == "meta"
