"""Both simulators against their definition: the class acts through the latents alone, every image on its own."""

import pickle
import random
import zlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import kstest, mannwhitneyu

from harness.datasets.crack_renderer import render_cracks
from harness.datasets.crack_sim import CrackSim
from harness.datasets.isic_sim import IsicSim
from harness.datasets.latent_simulator import LatentSimulator
from harness.datasets.lesion_renderer import render_lesions

pytestmark = pytest.mark.slow

SPLITS = ("train", "test", "pretraining")
RENDERERS = {IsicSim: render_lesions, CrackSim: render_cracks}

Images = npt.NDArray[np.uint8]
Figures = dict[str, npt.NDArray[np.float64]]


def auc(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8]) -> float:
    positives, negatives = scores[labels == 1], scores[labels == 0]
    return float(mannwhitneyu(positives, negatives).statistic) / (len(positives) * len(negatives))


@pytest.fixture(params=[IsicSim, CrackSim], ids=["isic-sim", "crack-sim"], scope="module")
def kind(request: pytest.FixtureRequest) -> type[LatentSimulator]:
    made: type[LatentSimulator] = request.param
    return made


@pytest.fixture(scope="module")
def rendered(kind: type[LatentSimulator]) -> tuple[Images, Images]:
    """Return images and labels of 900 training images."""
    return kind(seed=1).render("train", range(900), 32), kind(seed=1).labels("train")[:900]


# Counts, labels and splits


@pytest.mark.parametrize(
    ("kind", "split", "negatives", "positives"),
    [
        (IsicSim, "train", 727, 173),
        (IsicSim, "test", 304, 75),
        (CrackSim, "train", 1700, 340),
        (CrackSim, "test", 300, 60),
    ],
)
def test_a_split_has_the_stated_counts(kind: type[LatentSimulator], split: str, negatives: int, positives: int) -> None:
    labels = kind().labels(split)
    assert np.bincount(labels).tolist() == [negatives, positives]
    assert labels.dtype == np.uint8
    assert kind().latent_values(split).shape == (negatives + positives, 4)


def test_the_pretraining_split_is_balanced_and_has_the_size_asked_for(kind: type[LatentSimulator]) -> None:
    assert np.bincount(kind().labels("pretraining")).tolist() == [800, 800]
    assert np.bincount(kind(pretraining=107).labels("pretraining")).tolist() == [54, 53]


def test_the_seed_permutes_the_labels(kind: type[LatentSimulator]) -> None:
    labels = kind(seed=1).labels("train")
    assert np.array_equal(labels, kind(seed=1).labels("train"))
    assert not np.array_equal(labels, kind(seed=2).labels("train"))
    assert 0.4 < auc(np.arange(len(labels), dtype=float), labels) < 0.6


def test_no_two_images_of_any_splits_seeds_or_simulators_are_the_same() -> None:
    simulators = [made(seed=seed) for made in (IsicSim, CrackSim) for seed in (0, 1, 256)]
    latents = np.concatenate([s.latent_values(split) for s in simulators for split in SPLITS])
    assert len(np.unique(latents.round(4), axis=0)) == len(latents)
    images = {bytes(image) for s in simulators for split in SPLITS for image in s.render(split, range(10), 16)}
    assert len(images) == 6 * 3 * 10


def test_more_pretraining_images_leave_the_other_splits_alone(kind: type[LatentSimulator]) -> None:
    small, large = kind(pretraining=100), kind(pretraining=200)
    assert np.array_equal(small.render("test", [3], 32), large.render("test", [3], 32))


# An image depends on (seed, split, index, size) alone


@pytest.mark.parametrize("size", [16, 40, 128])
def test_an_image_does_not_depend_on_which_others_are_asked_for(kind: type[LatentSimulator], size: int) -> None:
    simulator = kind(seed=3)
    together = simulator.render("train", range(18), size)
    assert together.shape == (18, 3, size, size)
    assert together.dtype == np.uint8
    alone = [simulator.render("train", [index], size)[0] for index in range(18)]
    assert np.array_equal(together, np.stack(alone))
    mixed = [17, 2, 2, 899, 11]
    assert np.array_equal(simulator.render("train", mixed, size)[[0, 1, 2, 4]], together[[17, 2, 2, 11]])


def test_the_number_of_threads_changes_no_bit(kind: type[LatentSimulator]) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = kind().paint("test", range(16), 128)
        torch.set_num_threads(3)
        assert np.array_equal(one, kind().paint("test", range(16), 128))
    finally:
        torch.set_num_threads(before)


def test_one_thread_draws_however_many_there_are(kind: type[LatentSimulator], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads took 23 ms of the processor an image of 64 pixels where one takes 1.4."""
    asked, before = [], torch.get_num_threads()
    black = np.zeros((5, 3, 32, 32), dtype=np.uint8)
    monkeypatch.setattr(kind, "paint", lambda *_: asked.append(torch.get_num_threads()) or black)
    try:
        torch.set_num_threads(3)
        kind().render("test", range(5), 32)
        assert (asked, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)


def test_rendering_leaves_global_state_alone_and_does_not_read_it(kind: type[LatentSimulator]) -> None:
    before = (
        torch.get_rng_state(),
        pickle.dumps(np.random.get_state()),
        random.getstate(),
        torch.get_num_threads(),
    )
    first = kind().render("test", range(20), 32)
    assert torch.equal(before[0], torch.get_rng_state())
    after = pickle.dumps(np.random.get_state()), random.getstate(), torch.get_num_threads()
    assert before[1:] == after
    with torch.random.fork_rng():
        torch.manual_seed(99)
        assert np.array_equal(first, kind().render("test", range(20), 32))


def test_what_cannot_be_rendered_is_refused_in_words(kind: type[LatentSimulator]) -> None:
    last = len(kind().labels("train")) - 1
    assert kind().render("train", [], 32).shape == (0, 3, 32, 32)
    with pytest.raises(IndexError, match=rf"{kind.name}: train has images 0\.\.{last}, not {last + 1}"):
        kind().render("train", [0, last + 1], 32)
    with pytest.raises(IndexError, match="not -1"):
        kind().render("train", [-1], 32)
    with pytest.raises(ValueError, match=f"{kind.name} has the splits train, test, pretraining, not 'validation'"):
        kind().labels("validation")
    with pytest.raises(ValueError, match="at least 16"):
        kind().render("train", [0], 8)
    with pytest.raises(ValueError, match=f"{kind.name}: seed"):
        kind(seed=-1)
    for number in (0, 99, 100_001):
        with pytest.raises(ValueError, match=rf"{kind.name}: pretraining must be in 100\.\.100000, not {number}"):
            kind(pretraining=number)


# The class acts through the latents and through nothing else


def test_the_latents_are_normal_and_shifted_by_the_class(kind: type[LatentSimulator]) -> None:
    for split in SPLITS:
        noise = kind().latent_values(split) - kind().labels(split)[:, None] * np.array(kind.class_shifts)
        assert all(kstest(column, "norm").pvalue > 1e-3 for column in noise.T)
        assert np.abs(np.corrcoef(noise.T) - np.eye(4)).max() < 0.2


@pytest.mark.parametrize(("kind", "stated"), [(IsicSim, 0.963), (CrackSim, 0.985)])
def test_the_latents_reach_the_best_possible_auc(kind: type[LatentSimulator], stated: float) -> None:
    """The sum of d z is the log of the likelihood ratio, less a constant: nothing ranks better (Neyman and Pearson)."""
    assert pytest.approx(stated, abs=5e-4) == kind.oracle_auc
    simulators = [kind(seed=seed) for seed in range(8)]
    reached = [auc(s.latent_values("train") @ np.array(kind.class_shifts), s.labels("train")) for s in simulators]
    error = np.std(reached, ddof=1) / np.sqrt(len(reached))
    assert abs(np.mean(reached) - kind.oracle_auc) < 4 * error
    assert error < 0.005


def test_turning_the_labels_over_moves_the_latents_and_nothing_else(
    kind: type[LatentSimulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator, own = kind(), kind.labels
    plain, labels = simulator.draws("test", range(20), 48), simulator.labels("test")[:20]  # type: ignore[attr-defined]
    images = simulator.render("test", range(20), 48)
    monkeypatch.setattr(kind, "labels", lambda self, split: 1 - own(self, split))
    turned = simulator.draws("test", range(20), 48)  # type: ignore[attr-defined]
    shifts = (1 - 2 * torch.from_numpy(labels).float())[:, None] * torch.tensor(kind.class_shifts)
    assert torch.allclose(turned.latents - plain.latents, shifts, atol=1e-5)
    others = {name: value for name, value in vars(plain).items() if name not in ("latents", "noise")}
    assert all(torch.equal(value, getattr(turned, name)) for name, value in others.items())
    assert all(map(torch.equal, plain.noise, turned.noise))
    assert len(others) >= 5
    same_latents = RENDERERS[kind](replace(turned, latents=plain.latents), 48)  # type: ignore[operator]
    assert np.array_equal(same_latents, images)
    assert not np.array_equal(simulator.render("test", range(20), 48), images)


# No shortcut: what does not look at the lesion or the crack hardly tells the class


def beside_the_point(images: Images) -> Figures:
    """Return figures of each image that see nothing of a lesion's or a crack's shape."""
    pixels = images.astype(np.float64)
    grey, size = pixels.mean(1), images.shape[-1]
    edge = np.ones((size, size), dtype=bool)
    edge[1:-1, 1:-1] = False
    red, green, blue = pixels.mean((2, 3)).T
    return {
        **{f"edge, {name}": pixels[:, c][:, edge].mean(1) for c, name in enumerate(("red", "green", "blue"))},
        "edge, grey": grey[:, edge].mean(1),
        "edge, spread": grey[:, edge].std(1),
        "corners": grey[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(1),
        "red": red,
        "green": green,
        "blue": blue,
        "grey": grey.mean((1, 2)),
        "red - blue": red - blue,
        "red - green": red - green,
        "median": np.median(grey, (1, 2)),
        "brightest": np.quantile(grey, 0.99, (1, 2)),
        "left - right": grey[:, :, : size // 2].mean((1, 2)) - grey[:, :, size // 2 :].mean((1, 2)),
        "top - bottom": grey[:, : size // 2].mean((1, 2)) - grey[:, size // 2 :].mean((1, 2)),
        "camera noise": np.diff(pixels[:, 0] - pixels[:, 1], axis=2).std((1, 2)),
        "odd values": (images % 2).mean((1, 2, 3)),
    }


def seen_dimly(images: Images) -> Figures:
    """Return figures that a lesion or a crack does move: how much is there, not what it looks like."""
    grey = images.mean(1)
    dark = grey < 0.65 * np.median(grey, axis=(1, 2), keepdims=True)
    return {
        "dark area": dark.mean((1, 2)),
        "darkest": -np.quantile(grey, 0.01, (1, 2)),
        "spread": grey.std((1, 2)),
        "bytes when packed": np.array([float(len(zlib.compress(bytes(image)))) for image in images]),
    }


def test_no_shortcut_tells_the_class(rendered: tuple[Images, Images]) -> None:
    images, labels = rendered
    found = {name: auc(values, labels) for name, values in beside_the_point(images).items()}
    assert {name: value for name, value in found.items() if not 0.35 <= value <= 0.65} == {}
    edge = [value for name, value in found.items() if name.startswith("edge") and name != "edge, spread"]
    assert edge == pytest.approx([0.5] * 4, abs=0.05)


def test_one_simple_figure_tells_far_less_than_the_latents(
    kind: type[LatentSimulator], rendered: tuple[Images, Images]
) -> None:
    images, labels = rendered
    found = {name: auc(values, labels) for name, values in seen_dimly(images).items()}
    assert {name: value for name, value in found.items() if not 0.5 < value < 0.8} == {}
    assert max(found.values()) < kind.oracle_auc - 0.15


# What a classifier may know of an image that it must not: its place among the others


def test_neither_an_id_nor_its_place_tells_the_class(kind: type[LatentSimulator]) -> None:
    for split in SPLITS:
        labels = kind().labels(split)
        for period in (2, 3, 16, 64):
            assert 0.4 < auc(np.arange(len(labels)) % period + 0.0, labels) < 0.6
