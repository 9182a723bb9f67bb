"""Files as numpy writes them, against numpy and Pillow by themselves."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from harness.data import Unreadable
from harness.data.asked import Asked
from harness.data.dataset import full_name
from harness.data.image_cache import cached_images
from harness.data.labelled import labelled
from harness.datasets.breastmnist import BreastMnist
from harness.datasets.dermamnist import DermaMnist
from harness.errors import DataError, DatasetNotFound, UsageError
from harness.images.decoding import Conversion
from harness.storage.store import Store

COUNTS = {"train": 5, "val": 2, "test": 3}
SPLITS = {"train": "train", "val": "validation", "test": "test"}


def arrays(pixels=28, most=6, channels=(3,), seed=0):
    """Arrays as in the real files; the labels rise, so that each is there."""
    random = np.random.default_rng(seed)
    found = {}
    for split, count in COUNTS.items():
        found[f"{split}_images"] = random.integers(0, 256, (count, pixels, pixels, *channels), dtype=np.uint8)
        found[f"{split}_labels"] = (np.arange(count, dtype=np.uint8) % (most + 1)).reshape(-1, 1)
    return found


def written(folder, name="dermamnist.npz", **changed):
    given = {**arrays(), **changed}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / name, **{key: value for key, value in given.items() if value is not None})
    return folder / name


def fault(folder, dataset=None):
    """Return what is wrong with the file, in one text."""
    with pytest.raises(DataError) as caught:
        (dataset or DermaMnist(pixels=28)).samples(folder)
    assert not isinstance(caught.value, DatasetNotFound)
    assert str(folder / "dermamnist.npz") in caught.value.message
    assert "harness data fetch 'dermamnist[pixels=28]'" in caught.value.fix
    return caught.value.message


def test_each_row_is_a_sample_of_its_split(tmp_path):
    path = written(tmp_path)
    samples = labelled(DermaMnist(pixels=28), tmp_path)
    assert [sample.id for sample in samples] == [
        *(f"test-{row:05d}" for row in range(3)),
        *(f"train-{row:05d}" for row in range(5)),
        *(f"validation-{row:05d}" for row in range(2)),
    ]
    for sample in samples:
        assert sample.split == sample.id.partition("-")[0]
        assert (sample.source, sample.path, sample.group) == (path, None, None)
        assert sample.label == int(sample.id.endswith("4"))  # the labels are the rows, and 4 is the melanoma
    assert all(sample.is_here for sample in samples)
    path.unlink()
    assert not any(sample.is_here for sample in samples)


@pytest.mark.parametrize(("channels", "size"), [((3,), 28), ((3,), 16), ((), 40)])
def test_the_images_are_what_pillow_makes_of_the_array(tmp_path, channels, size):
    given = arrays(channels=channels)
    np.savez_compressed(tmp_path / "dermamnist.npz", **given)
    dataset = DermaMnist(pixels=28)
    samples = labelled(dataset, tmp_path)
    for sample, image in zip(samples, dataset.images(samples, size), strict=True):
        split, _, row = sample.id.partition("-")
        array = given[f"{'val' if split == 'validation' else split}_images"][int(row)]
        picture = Image.fromarray(array).convert("RGB")
        if size != 28:
            picture = picture.resize((size, size), Image.Resampling.LANCZOS)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, np.asarray(picture).transpose(2, 0, 1))


def test_any_order_and_any_part_can_be_asked_for(tmp_path):
    written(tmp_path)
    dataset = DermaMnist(pixels=28)
    samples = labelled(dataset, tmp_path)
    images = dict(zip(samples, dataset.images(samples, 28), strict=True))
    for chosen in (samples[::-1], samples[3:4], samples[::3], [samples[4], samples[0], samples[4]]):
        for sample, image in zip(chosen, dataset.images(chosen, 28), strict=True):
            np.testing.assert_array_equal(image, images[sample])


def test_the_cache_knows_the_file_by_its_state(tmp_path):
    """Another file in its place, with the same labels, is other images."""
    dataset, store = DermaMnist(pixels=28), Store(tmp_path / "store")
    found = []
    for seed in (0, 0, 1):
        written(tmp_path, **arrays(seed=seed))
        samples = labelled(dataset, tmp_path)
        found.append(cached_images(dataset, samples, 28, Conversion(), store, lambda *_: None).images.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_a_missing_file_is_told_with_its_address(tmp_path):
    with pytest.raises(DatasetNotFound) as caught:
        BreastMnist().samples(tmp_path / "breastmnist")
    assert caught.value.message == f"no file {tmp_path / 'breastmnist' / 'breastmnist_224.npz'}"
    assert "breastmnist_224.npz: https://zenodo.org/records/10519652/files/breastmnist_224.npz?download=1" in str(
        caught.value
    )


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 and no more"])
def test_what_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / "dermamnist.npz").write_bytes(content)
    assert "cannot be read: " in fault(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_not_found(tmp_path):
    (tmp_path / "dermamnist.npz").mkdir()
    with pytest.raises(DatasetNotFound):
        DermaMnist(pixels=28).samples(tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"val_labels": None}, "it lacks"),
        ({"test_images": None}, "it lacks"),
        ({"train_labels": np.arange(4, dtype=np.uint8).reshape(-1, 1)}, "which is not 4 images of 28 pixels"),
        ({"train_images": np.zeros((5, 64, 64, 3), np.uint8)}, "which is not 5 images of 28 pixels"),
        ({"train_images": np.zeros((5, 28, 28, 4), np.uint8)}, "neither grey nor RGB bytes"),
        ({"train_images": np.zeros((5, 28, 28, 3), np.float32)}, "neither grey nor RGB bytes"),
        ({"train_images": np.asfortranarray(np.zeros((5, 28, 28, 3), np.uint8))}, "neither grey nor RGB bytes"),
        ({"train_labels": np.array([[0], [1], [7], [9], [2]])}, "not from 0 to 6: 7, 9"),
        ({"train_labels": np.array([[0], [1], [-1], [1], [2]])}, "not from 0 to 6: -1"),
        ({"train_labels": np.zeros((5, 2), np.uint8)}, "not one whole number an image"),
        ({"train_labels": np.zeros((5, 1))}, "not one whole number an image"),
        ({"train_labels": np.array(["a", "b", "c", "d", "e"], dtype=object)}, "not one whole number an image"),
        ({"train_labels": np.zeros(3 << 23, np.uint8)}, "larger than labels are"),
        ({"train_labels": np.uint8(3)}, "not one whole number an image"),
    ],
)
def test_arrays_that_cannot_be_are_refused(tmp_path, changed, words):
    written(tmp_path, **changed)
    assert words in fault(tmp_path)


def test_a_head_that_states_more_than_there_is_is_refused(tmp_path):
    path = written(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["train_labels.npy"] = members["train_labels.npy"].replace(
        b"(5, 1), }" + b" " * 11, b"(900000000000, 1), }", 1
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "does not hold the 900000000000 labels" in fault(tmp_path)


def test_a_damaged_file_gives_no_image_in_the_place_of_another(tmp_path):
    """Bytes changed within the compressed images: what was read before stays, and the rest is said to be lost."""
    path = written(tmp_path, train_images=np.random.default_rng(1).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8))
    dataset = DermaMnist(pixels=28)
    samples = [sample for sample in labelled(dataset, tmp_path) if sample.split == "train"]
    assert not any(isinstance(image, Unreadable) for image in dataset.images(samples, 28))
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("train_images.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 6000 : start + 6400] = bytes(400)
    path.write_bytes(content)
    found = list(dataset.images(samples, 28))
    assert len(found) == 5
    assert isinstance(found[-1], Unreadable)
    assert str(path) in found[-1].reason
    broken = [isinstance(image, Unreadable) for image in found]
    assert broken == sorted(broken)


def test_a_truncated_file_is_refused_at_every_length(tmp_path):
    path = written(tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 20):
        path.write_bytes(content[:length])
        assert "cannot be read: " in fault(tmp_path)


def test_sizes_are_those_that_are_published():
    assert [DermaMnist(pixels=pixels).remote_files[0].name for pixels in (28, 64, 128, 224)] == [
        "dermamnist.npz",
        "dermamnist_64.npz",
        "dermamnist_128.npz",
        "dermamnist_224.npz",
    ]
    assert full_name(DermaMnist(pixels=28)) == "dermamnist[pixels=28]"
    assert full_name(DermaMnist()) == "dermamnist"
    with pytest.raises(UsageError) as caught:
        Asked(kind="dermamnist", options=(("pixels", "32"),)).dataset()
    assert "one of 28, 64, 128, 224, not 32" in str(caught.value)


@pytest.mark.parametrize("kind", [DermaMnist, BreastMnist])
def test_every_size_has_its_own_md5(kind):
    hashes = [kind(pixels=pixels).remote_files[0].md5 for pixels in (28, 64, 128, 224)]
    assert len({*hashes}) == 4
    assert all(len(text) == 32 and int(text, 16) for text in hashes)


def test_an_npz_of_another_version_of_the_format_is_read(tmp_path):
    given = arrays()
    with zipfile.ZipFile(tmp_path / "dermamnist.npz", "w") as archive:
        for name, array in given.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(2, 0))
            archive.writestr(f"{name}.npy", buffer.getvalue())
    dataset = DermaMnist(pixels=28)
    image = next(iter(dataset.images(labelled(dataset, tmp_path), 28)))
    np.testing.assert_array_equal(image, given["test_images"][0].transpose(2, 0, 1))
