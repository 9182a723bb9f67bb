import colorsys
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional as vision

from harness.training.colour_jitter import (
    ColourChanges,
    change_colours,
    colour_maps,
    colour_matrices,
    random_colour_changes,
)

GREY = np.array([0.299, 0.587, 0.114])
TOLERANCE = 0.05  # of 255: the published coefficients have six digits


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photographs(count=6, low=0, high=256, size=9):
    return torch.randint(low, high, (count, 3, size, size), generator=generator()).float()


def changes(count=6, **only):
    """No changes but those given."""
    made = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0} | only
    return ColourChanges(**{name: torch.full((count,), value) for name, value in made.items()})


def changed(images, changes):
    return change_colours(images, colour_maps(changes))


# By definition, on one image (3, S, S) in float64.
def brightened(image, factor):
    return image * factor


def contrasted(image, factor):
    mean_grey = np.mean([GREY @ image[:, r, c] for r, c in itertools.product(range(image.shape[1]), repeat=2)])
    return mean_grey + factor * (image - mean_grey)


def saturated(image, factor):
    grey = np.tensordot(GREY, image, 1)
    return grey + factor * (image - grey)


def hue_turned(image, shift):
    """Turn the chroma plane from red to green. I and Q are U and V turned by 33 degrees and swapped: same angles."""
    luma = np.tensordot(GREY, image, 1)
    u, v = 0.492111 * (image[2] - luma), 0.877283 * (image[0] - luma)
    turned = (u + 1j * v) * np.exp(2j * math.pi * shift)
    blue, red = luma + turned.real / 0.492111, luma + turned.imag / 0.877283
    return np.stack([red, (luma - GREY[0] * red - GREY[2] * blue) / GREY[1], blue])


STEPS = {"brightness": brightened, "contrast": contrasted, "saturation": saturated, "hue": hue_turned}


def one_by_one(image, factors, after=lambda image: image):
    image = image.double().numpy()
    for step, factor in zip(STEPS.values(), factors, strict=True):
        image = after(step(image, factor))
    return image


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("reach", [-1, 0.4, 1])
def test_each_change_equals_its_definition(name, reach):
    value = 0.1 * reach if name == "hue" else 1 + 0.3 * reach
    images = photographs(low=80, high=150)
    found = changed(images, changes(**{name: value}))
    for image, view in zip(images, found.numpy(), strict=True):
        expected = STEPS[name](image.double().numpy(), value)
        assert 0 < expected.min() < expected.max() < 255
        np.testing.assert_allclose(view, expected, atol=TOLERANCE)


def test_all_changes_equal_one_after_the_other():
    images, drawn = photographs(40, 80, 150), random_colour_changes(40, generator())
    found = changed(images, drawn)
    for image, view, factors in zip(images, found.numpy(), torch.stack(drawn).T.tolist(), strict=True):
        expected = one_by_one(image, factors)
        assert 0 < expected.min() < expected.max() < 255
        np.testing.assert_allclose(view, expected, atol=TOLERANCE)


def test_colours_are_clipped_once_at_the_end():
    images, drawn = photographs(40), random_colour_changes(40, generator())
    clipped_each_time = 0
    for image, view, factors in zip(images, changed(images, drawn).numpy(), torch.stack(drawn).T.tolist(), strict=True):
        expected = np.clip(one_by_one(image, factors), 0, 255)
        np.testing.assert_allclose(view, expected, atol=TOLERANCE)
        clipped_each_time += np.abs(one_by_one(image, factors, lambda x: np.clip(x, 0, 255)) - expected).max() > 1
    assert clipped_each_time > 10  # or this test could not tell


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("factor", [0.7, 1.25])
def test_factors_mean_what_they_mean_to_torchvision(name, factor):
    images = photographs(low=80, high=150)
    found = changed(images, changes(**{name: factor}))
    expected = getattr(vision, f"adjust_{name}")(images / 255, factor) * 255
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0)  # its grey weights red by 0.2989


@pytest.mark.parametrize("shift", [-0.1, 0.05, 0.1])
def test_a_hue_shift_is_about_as_far_on_the_circle_of_hsv(shift):
    hues = np.arange(24) / 24
    colours = torch.tensor([colorsys.hsv_to_rgb(hue, 0.4, 0.6) for hue in hues]).float().view(24, 3, 1, 1)
    found = changed(colours * 255, changes(24, hue=shift)).flatten(1) / 255
    moved = np.array([colorsys.rgb_to_hsv(*colour.tolist())[0] for colour in found]) - hues
    moved = (moved + 0.5) % 1 - 0.5
    assert np.abs(moved - shift).max() < 0.5 * abs(shift)  # the circle of HSV is a hexagon stretched
    assert moved.mean() == pytest.approx(shift, abs=0.01)


def test_no_change_changes_nothing():
    images = photographs()
    torch.testing.assert_close(changed(images, changes()), images, atol=1e-3, rtol=0)


def test_greys_stay_grey_and_a_plain_grey_changes_in_brightness_alone():
    images = torch.linspace(10, 180, 40).view(40, 1, 1, 1).expand(40, 3, 5, 5)
    drawn = random_colour_changes(40, generator())
    expected = images * drawn.brightness.view(-1, 1, 1, 1)
    torch.testing.assert_close(changed(images, drawn), expected, atol=1e-3, rtol=0)
    ramps = torch.linspace(10, 150, 25).view(1, 1, 5, 5).expand(40, 3, 5, 5)
    found = changed(ramps, drawn)
    torch.testing.assert_close(found, found[:, :1].expand_as(found), atol=1e-3, rtol=0)


def test_changes_are_uniform_within_the_papers_ranges_and_unrelated():
    drawn = random_colour_changes(4000, generator())
    for factors in drawn[:3]:
        assert stats.kstest(factors.numpy(), stats.uniform(0.7, 0.6).cdf).pvalue > 1e-3
    assert stats.kstest(drawn.hue.numpy(), stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(torch.stack(drawn).numpy()) - np.eye(4)).max() < 5 / 4000**0.5


def test_changes_come_from_the_generator_alone():
    first = torch.stack(random_colour_changes(3, generator(1)))
    torch.manual_seed(4)
    before = torch.get_rng_state()
    assert torch.equal(torch.stack(random_colour_changes(3, generator(1))), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one_are_batches(count):
    images, drawn = photographs(count), random_colour_changes(count, generator())
    found = changed(images, drawn)
    assert found.shape == images.shape
    assert colour_matrices(drawn).shape == (count, 3, 3)
    if count:
        expected = np.clip(one_by_one(images[0], torch.stack(drawn)[:, 0].tolist()), 0, 255)
        np.testing.assert_allclose(found[0].numpy(), expected, atol=TOLERANCE)


def test_an_image_depends_on_no_other_and_is_left_alone():
    images, others = photographs(), photographs().flip(0)
    others[1] = images[1]
    drawn = random_colour_changes(6, generator())
    before = images.clone()
    assert torch.equal(changed(images, drawn)[1], changed(others, drawn)[1])
    assert torch.equal(images, before)
