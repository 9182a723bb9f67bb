import numpy as np
import pytest
from PIL import Image

from harness.data import Dataset, Sample, Unreadable
from harness.data.inspection import INSPECTED_AT, inspect
from harness.errors import DataError
from harness.images.decoding import Conversion


def picture(seed):
    """A smooth field of colours: noise would not survive JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((INSPECTED_AT, INSPECTED_AT), Image.Resampling.BICUBIC)


class Spoiled(Dataset):
    """Images of which each pair is wrong in its own way; some are files, one is given as an array."""

    name, version, classes, licence, citation = "spoiled", "1", ("fine", "ill"), "none", "none"

    def samples(self, folder):
        rows = [
            ("a.png", 0, "train", "g1"),
            ("a-as.bmp", 0, "train", None),  # the pixels of a.png
            ("b.png", 1, "train", "g2"),
            ("b-again.png", 1, "test", "g2"),  # the bytes of b.png, in another split
            ("c.png", 0, "test", "g3"),
            ("c-as.jpg", 1, "test", None),  # looks like c.png, under another label
            ("d.png", 0, "test", "g1"),  # its group is torn
            ("broken.png", 0, "train", None),
            ("missing.png", 0, "train", None),
        ]
        own = [
            Sample(id=name, label=label, path=folder / name, split=split, group=group)
            for name, label, split, group in rows
        ]
        return sorted([*own, Sample(id="zero", label=1, split="train")], key=lambda sample: sample.id)

    def images(self, samples, size):
        for sample in samples:
            yield Unreadable("out of stock") if sample.id == "zero" else np.zeros((3, size, size), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate("abcd"):
        picture(seed).save(tmp_path / f"{name}.png")
    picture(0).save(tmp_path / "a-as.bmp")
    (tmp_path / "b-again.png").write_bytes((tmp_path / "b.png").read_bytes())
    picture(2).save(tmp_path / "c-as.jpg", quality=60)
    (tmp_path / "broken.png").write_bytes(b"no image")
    return tmp_path


@pytest.fixture
def found(folder):
    return inspect(Spoiled(), folder, Conversion(), lambda *_: None)


def ids(found, groups):
    return [[found.samples[place].id for place in group] for group in groups]


def test_each_fault_is_found_in_its_place(found):
    assert found.missing == ["missing.png"]
    assert [identity for identity, _ in found.broken] == ["broken.png", "zero"]
    assert found.broken[1] == ("zero", "out of stock")
    assert ids(found, found.same_bytes) == [["b-again.png", "b.png"]]
    assert ids(found, found.same_pixels) == [["a-as.bmp", "a.png"]]
    assert ids(found, found.alike) == [["c-as.jpg", "c.png"]]
    assert found.torn == ["g1", "g2"]
    assert found.one_class == []


def test_a_set_with_faults_is_not_sound_and_all_of_them_are_values(found):
    values = found.values()
    assert not values["sound"]
    assert values["images"] == 7
    assert values["missing"] == ["missing.png"]
    assert values["same_bytes"] == [
        [{"id": "b-again.png", "split": "test", "label": 1}, {"id": "b.png", "split": "train", "label": 1}]
    ]
    assert [[one["label"] for one in group] for group in values["look_alike"]] == [[1, 0]]


def test_what_is_only_alike_or_kept_together_leaves_a_set_sound(folder):
    class Sound(Spoiled):
        def samples(self, folder):
            names = {"a.png": 0, "a-as.bmp": 0, "b.png": 1, "c.png": 0, "c-as.jpg": 1}
            return [Sample(id=name, label=label, path=folder / name) for name, label in sorted(names.items())]

    found = inspect(Sound(), folder, Conversion(), lambda *_: None)
    assert found.is_sound
    assert ids(found, found.same_pixels) == [["a-as.bmp", "a.png"]]
    assert ids(found, found.wrong(found.alike)) == [["c-as.jpg", "c.png"]]


def test_a_split_of_one_class_is_found(folder):
    class Lopsided(Spoiled):
        def samples(self, folder):
            rows = {"a.png": (0, "train"), "b.png": (1, "train"), "c.png": (0, "test")}
            return [Sample(id=i, label=one[0], split=one[1], path=folder / i) for i, one in sorted(rows.items())]

    found = inspect(Lopsided(), folder, Conversion(), lambda *_: None)
    assert found.one_class == ["test"]
    assert not found.is_sound


def test_progress_counts_the_images_that_are_here(folder):
    told = []
    inspect(Spoiled(), folder, Conversion(), lambda done, total: told.append((done, total)))
    assert told == [(done, 9) for done in range(1, 10)]


def test_labels_that_cannot_be_read_are_an_error(tmp_path):
    class Twice(Spoiled):
        def samples(self, folder):
            return [Sample(id="a", label=0), Sample(id="a", label=1)]

    with pytest.raises(DataError, match="lists images with 1 faults"):
        inspect(Twice(), tmp_path, Conversion(), lambda *_: None)


def test_what_is_told_while_decoding_is_kept(folder):
    class Deep(Spoiled):
        def samples(self, folder):
            return [Sample(id=f"{number}.png", label=number, path=folder / f"{number}.png") for number in range(2)]

    for number in range(2):
        Image.fromarray(np.full((64, 64), 3000 + number, dtype=np.uint16)).save(folder / f"{number}.png")
    found = inspect(Deep(), folder, Conversion(), lambda *_: None)
    assert "read as 12 bits" in found.notes[0]
    assert found.values()["notes"] == found.notes
