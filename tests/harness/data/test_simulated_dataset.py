import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import Sample, SimulatedDataset
from harness.data.loading import read_images


class Tiny(SimulatedDataset):
    """Images that spell their own index and split."""

    name = "tiny"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"
    latents = ("z",)
    oracle_auc = 1.0

    def labels(self, split):
        return np.array([index % 5 == 0 for index in range(150 if split == "train" else 70)], dtype=np.uint8)

    def latent_values(self, split):
        raise AssertionError("reading images needs no latent variable")

    def render(self, split, indices, size):
        images = np.full((len(indices), 3, size, size), len(split), dtype=np.uint8)
        images[:, 0] = np.array(indices)[:, None, None]
        return images


def test_simulated_images_are_drawn_whole_and_in_order(store, register, asked):
    register(tiny=Tiny)
    seen = []
    found = read_images(asked("tiny"), store, lambda done, total: seen.append((done, total)))
    numbers = [("test", index) for index in range(70)] + [("train", index) for index in range(150)]
    assert found.ids == tuple(f"{split}-{index:05d}" for split, index in numbers)
    assert found.splits.tolist() == [split for split, _ in numbers]
    assert found.images[:, 0, 0, 0].tolist() == [index for _, index in numbers]
    assert found.images[:, 1, 7, 7].tolist() == [len(split) for split, _ in numbers]
    assert found.labels.tolist() == [*Tiny().labels("test"), *Tiny().labels("train")]
    assert seen == [(done, 220) for done in range(1, 221)]
    assert read_images(asked("tiny"), store).ids == found.ids


def test_samples_are_sorted_by_id(tmp_path):
    ids = [sample.id for sample in Tiny().samples(tmp_path)]
    assert ids == sorted(ids)


@given(st.lists(st.tuples(st.sampled_from(["train", "test"]), st.integers(0, 69)), max_size=150))
@settings(max_examples=30, deadline=None)
def test_any_samples_are_drawn_in_the_order_that_they_are_asked_in(chosen):
    samples = [Sample(id=f"{split}-{index:05d}", label=0, split=split) for split, index in chosen]
    drawn = list(Tiny().images(samples, 8))
    assert [(image[1, 0, 0], image[0, 0, 0]) for image in drawn] == [(len(split), index) for split, index in chosen]
