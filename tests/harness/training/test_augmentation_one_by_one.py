"""The kind ``paper`` against the same transforms one by one: one image, one interpolation for each, own draws.

Each step works on a canvas three times as wide as the image, mirrored around it, so that what a step brings in from
beyond the crop is what was there. Views must be alike in distribution, not one by one.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates

from harness.training.augmentation import augment

pytestmark = pytest.mark.slow

SIZE, VIEWS, REFERENCE_VIEWS = 24, 4000, 500
GREY = np.array([0.299, 0.587, 0.114])
CONTROLS = np.array([(x, y) for x in np.linspace(-1, 1, 4) for y in np.linspace(-1, 1, 4)])
PLACES = (2 * np.arange(3 * SIZE) + 1) / SIZE - 3  # of a canvas's pixels; the image's are those within -1 and 1
X, Y = np.meshgrid(PLACES, PLACES)


def lesion():
    """Smooth and alike in no mirror image or rotation: a dark ellipse off the middle of a slope of skin colour."""
    x, y = X[SIZE:-SIZE, SIZE:-SIZE], Y[SIZE:-SIZE, SIZE:-SIZE]
    dark = np.exp(-(((x - 0.35) / 0.5) ** 2) - ((y + 0.3 - 0.3 * x) / 0.3) ** 2)
    return np.stack([165 + 15 * x - 60 * dark, 130 + 12 * y - 70 * dark, 115 - 8 * x - 50 * dark])


def stripes():
    """Colour that turns from top to bottom, and stripes from left to right."""
    x, y = X[SIZE:-SIZE, SIZE:-SIZE], Y[SIZE:-SIZE, SIZE:-SIZE]
    return np.stack([125 + 30 * y, 125 + 25 * np.sin(4 * x), 125 - 30 * y + 10 * x])


def resampled(canvas, x, y):
    rows, columns = ((y + 3) * SIZE - 1) / 2, ((x + 3) * SIZE - 1) / 2
    # Cubic: six linear interpolations in a row would blur what one does not.
    return np.stack([map_coordinates(channel, (rows, columns), order=3, mode="reflect") for channel in canvas])


def cropped(canvas, draws):
    area = draws.uniform(0.4, 1)
    ratio = math.exp(draws.uniform(math.log(3 / 4), math.log(4 / 3)))
    width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
    if max(width, height) > 1:
        width, height = (1, area) if width > height else (area, 1)
    left, top = draws.uniform(0, 1 - width), draws.uniform(0, 1 - height)
    return resampled(canvas, 2 * left + width - 1 + width * X, 2 * top + height - 1 + height * Y)


def rotated(canvas, draws):
    angle = math.radians(draws.uniform(-90, 90))
    return resampled(canvas, math.cos(angle) * X - math.sin(angle) * Y, math.sin(angle) * X + math.cos(angle) * Y)


def sheared(canvas, draws):
    return resampled(canvas, X + math.tan(math.radians(draws.uniform(-20, 20))) * Y, Y)


def scaled(canvas, draws):
    scale = draws.uniform(0.8, 1.2)
    return resampled(canvas, X / scale, Y / scale)


def warped(canvas, draws):
    moved = CONTROLS + draws.uniform(-0.2, 0.2, CONTROLS.shape)
    spline = RBFInterpolator(CONTROLS, moved, kernel="thin_plate_spline", degree=1)
    x, y = spline(np.stack([X.ravel(), Y.ravel()], axis=1)).T.reshape(2, *X.shape)
    return resampled(canvas, x, y)


def flipped(canvas, draws):
    for axis in (1, 2):
        if draws.random() < 0.5:
            canvas = np.flip(canvas, axis)
    return canvas


def recoloured(view, draws):
    brightness, contrast, saturation = draws.uniform(0.7, 1.3, 3)
    view = np.clip(view * brightness, 0, 255)
    mean_grey = np.tensordot(GREY, view, 1).mean()
    view = np.clip(mean_grey + contrast * (view - mean_grey), 0, 255)
    luma = np.tensordot(GREY, view, 1)
    view = np.clip(luma + saturation * (view - luma), 0, 255)
    luma = np.tensordot(GREY, view, 1)
    chroma = 0.492111 * (view[2] - luma) + 0.877283j * (view[0] - luma)
    chroma *= np.exp(2j * math.pi * draws.uniform(-0.1, 0.1))
    red, blue = luma + chroma.imag / 0.877283, luma + chroma.real / 0.492111
    return np.clip([red, (luma - GREY[0] * red - GREY[2] * blue) / GREY[1], blue], 0, 255)


def one_by_one(image, draws):
    canvas = np.pad(image, ((0, 0), (SIZE, SIZE), (SIZE, SIZE)), mode="symmetric")
    for step in (cropped, rotated, sheared, scaled, warped, flipped):
        canvas = step(canvas, draws)
    return recoloured(canvas[:, SIZE:-SIZE, SIZE:-SIZE], draws)


def batched(image):
    images = torch.from_numpy(image.astype(np.uint8)).expand(VIEWS, -1, -1, -1)
    views = augment(images, "paper", torch.Generator().manual_seed(1)).double().numpy()
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).reshape(2, 1, 3, 1, 1)
    return (views * deviation + mean) * 255


@pytest.fixture(scope="module", params=[lesion, stripes])
def both(request):
    """Views of one image from the batched pipeline and from the one by one."""
    image = np.floor(request.param())
    draws = np.random.default_rng(0)
    return batched(image), np.array([one_by_one(image, draws) for _ in range(REFERENCE_VIEWS)])


def ring_means(grey):
    """Return mean grey in four rings around the middle, less the view's, shape (N, 4)."""
    x, y = X[SIZE:-SIZE, SIZE:-SIZE], Y[SIZE:-SIZE, SIZE:-SIZE]
    ring = np.digitize(np.hypot(x, y), [0.35, 0.7, 1.0])
    return np.stack([grey[:, ring == r].mean(1) for r in range(4)], axis=1) - grey.mean((1, 2))[:, None]


def figures(views):
    """One row per figure, one column per view."""
    grey = np.tensordot(GREY, views, (0, 1))
    columns = {f"mean of channel {c}": views[:, c].mean((1, 2)) for c in range(3)}
    columns |= {f"deviation of channel {c}": views[:, c].std((1, 2)) for c in range(3)}
    columns |= {f"ring {r}": ring for r, ring in enumerate(ring_means(grey).T)}
    columns["roughness across"] = np.abs(np.diff(grey, axis=2)).mean((1, 2))
    columns["roughness down"] = np.abs(np.diff(grey, axis=1)).mean((1, 2))
    columns["left - right"] = grey[:, :, : SIZE // 2].mean((1, 2)) - grey[:, :, SIZE // 2 :].mean((1, 2))
    columns["top - bottom"] = grey[:, : SIZE // 2].mean((1, 2)) - grey[:, SIZE // 2 :].mean((1, 2))
    columns["colour difference"] = (views[:, 0] - views[:, 2]).mean((1, 2))
    return columns


def test_figures_of_views_are_alike_in_distribution(both):
    ours, theirs = map(figures, both)
    pvalues = {name: stats.ks_2samp(ours[name], theirs[name]).pvalue for name in ours}
    assert min(pvalues.values()) > 1e-3, pvalues


def test_mean_images_and_deviations_are_alike(both):
    ours, theirs = both
    error = theirs.std(0) / REFERENCE_VIEWS**0.5
    assert np.abs((ours.mean(0) - theirs.mean(0)) / error).max() < 4.5  # of 1728 pixels, most of them related
    assert np.abs(ours.std(0) / theirs.std(0) - 1).max() < 0.15
