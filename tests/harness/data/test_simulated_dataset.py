import numpy as np

from harness.data import SimulatedDataset, locating
from harness.data.loading import decoded


class Tiny(SimulatedDataset):
    """Images that spell their own index and split."""

    name = "tiny"
    version = "1"
    classes = ("a", "b")

    def labels(self, split):
        return np.array([index % 5 == 0 for index in range(150 if split == "train" else 70)], dtype=np.uint8)

    def latent_values(self, split):
        raise AssertionError("reading images needs no latent variable")

    def render(self, split, indices, size):
        images = np.full((len(indices), 3, size, size), len(split), dtype=np.uint8)
        images[:, 0] = np.array(indices)[:, None, None]
        return images


def test_simulated_images_are_drawn_whole_and_in_order(store, monkeypatch, asked):
    monkeypatch.setattr(locating, "load_dataset", lambda _: Tiny())
    for split, count in (("train", 150), ("test", 70)):
        seen = []
        value = decoded(asked(name="tiny"), split, store, lambda done, total, seen=seen: seen.append((done, total)))
        assert value["images"][:, 0, 0, 0].tolist() == list(range(count))
        assert bool((value["images"][:, 1] == len(split)).all())
        assert value["labels"].tolist() == Tiny().labels(split).tolist()
        assert len(set(value["ids"])) == count
        assert seen[-1] == (count, count)
        assert decoded(asked(name="tiny"), split, store)["ids"] == value["ids"]
