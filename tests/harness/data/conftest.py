"""A small data set in the layout of ISIC-2016, and plans on it."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from harness import plugins
from harness.data import asked as asking
from harness.data import loading
from harness.data.asked import parse_dataset
from harness.data.draw import Cutting
from harness.data.locating import DataPlan, resolve_data


class SmallIsic:
    """Sixteen training images of which four are positive, eight for testing of which two are."""

    def __init__(self):
        self.names = {"train": "Training", "test": "Test"}
        self.counts = {"train": (16, 4), "test": (8, 2)}

    def identity(self, split, number):
        return f"ISIC_{number + (1000 if split == 'test' else 0):07d}"

    def image_path(self, root, split, number):
        return root / "isic" / f"ISBI2016_ISIC_Part3_{self.names[split]}_Data" / f"{self.identity(split, number)}.jpg"

    def draw_image(self, path, seed):
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3)).astype(np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((84, 70)).save(path)

    def write_labels(self, root, split, labels):
        words = {True: "malignant", False: "benign"}
        text = "".join(f"{self.identity(split, number)},{words[bool(label)]}\n" for number, label in labels)
        path = root / "isic" / f"ISBI2016_ISIC_Part3_{self.names[split]}_GroundTruth.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def make(self, root):
        for split, (count, positives) in self.counts.items():
            self.write_labels(root, split, [(number, number < positives) for number in range(count)])
            for number in range(count):
                self.draw_image(self.image_path(root, split, number), number + (100 if split == "test" else 0))


@pytest.fixture
def forget():
    """Return a function that makes this process read everything anew."""

    def call():
        for remembered in (
            *(loading.image_set, loading.training_splits, loading.test_split, loading.pool_fingerprint),
            asking._made,
        ):
            remembered.cache_clear()

    return call


@pytest.fixture(autouse=True)
def _fresh_memory(forget):
    forget()
    yield
    forget()  # a data set of one test is not to be known to the next


@pytest.fixture
def register(monkeypatch):
    """Return a function that registers classes as data sets, as an installed plugin does."""
    known, available, own = plugins.load, plugins.available, {}

    def load(group, name):
        return own[name] if group == plugins.DATASETS and name in own else known(group, name)

    def everything(group):
        also = {name: SimpleNamespace(source="a-plugin 1.0") for name in own} if group == plugins.DATASETS else {}
        return {**available(group), **also}

    monkeypatch.setattr(plugins, "load", load)
    monkeypatch.setattr(plugins, "available", everything)
    return lambda **kinds: own.update(kinds)


@pytest.fixture
def small(small_isic):
    return SmallIsic()


@pytest.fixture
def root(small, tmp_path):
    """A data folder with a small, complete data set in the layout of ISIC-2016."""
    small.make(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def asked():
    """Return a function that makes a plan as it is asked for, from fields of `DataPlan` and of `Cutting`."""

    def call(name="isic", size=64, **changes):
        usual = {"validation_fraction": 0.25, "test_fraction": 0.25, "fixed": False, "split_seed": 0}
        cutting = Cutting(**usual | {field: changes.pop(field) for field in Cutting._fields if field in changes})
        return DataPlan(**{"asked": parse_dataset(name), "folder": None, "size": size, "cutting": cutting} | changes)

    return call


@pytest.fixture
def resolved(asked):
    """Return a function that makes a plan and finds its images."""

    def call(root, *, allow_missing=False, real_only=False, fetch=None, **changes):
        return resolve_data(asked(**changes), root, allow_missing=allow_missing, real_only=real_only, fetch=fetch)

    return call
