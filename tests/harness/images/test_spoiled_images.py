"""Hundreds of spoiled files at once: each is decoded to what another decoding gives, or told of with a reason."""

import collections
import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from harness.data.dataset import Sample
from harness.data.image_cache import cached_images
from harness.datasets.isic import Isic, read_labels
from harness.errors import DataError
from harness.images.decoding import Conversion, decoded
from harness.images.image_notes import ImageNotes
from harness.images.unreadable import Unreadable

SIZE = 32


def module(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
    loaded = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


spoiled_images = module("spoiled_images").spoiled_images


def independently(data):
    """Decode one file in the plain way: Pillow in one thread, transparency in numpy."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (2 * SIZE, 2 * SIZE))
        upright = ImageOps.exif_transpose(image)
        rgba = np.asarray(upright.convert("RGBA")).astype(float)
        opacity = rgba[..., 3:] / 255
        flat = Image.fromarray(np.round(rgba[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8))
        return np.asarray(flat.resize((SIZE, SIZE), Image.Resampling.LANCZOS, reducing_gap=3.0)).transpose(2, 0, 1)


def refused(path):
    try:
        independently(path.read_bytes())
    except Exception:
        return True
    return False


@pytest.mark.parametrize(("seed", "count"), [(0, 150), pytest.param(1, 1500, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of the plain way
def test_each_is_what_another_decoding_gives_or_told_of(tmp_path, capfd, seed, count):
    files = spoiled_images(seed, tmp_path, count)
    notes, told = ImageNotes(), collections.Counter()
    found = list(decoded([file.path for file in files], SIZE, Conversion(), None, notes))
    assert capfd.readouterr() == ("", "")  # whatever the libraries said
    assert len(found) == count
    for file, image in zip(files, found, strict=True):
        told[isinstance(image, Unreadable)] += 1
        if isinstance(image, Unreadable):
            assert image.reason
            assert "\n" not in image.reason
            assert not ("sound" in file.how and file.sound), (file, image)  # none is refused for nothing
            continue
        assert file.sound is not None, file
        assert np.abs(image.astype(int) - independently(file.path.read_bytes())).max() <= 2, file
        if file.kind == "PNG":  # the one with checksums of all: what passes is the picture that was saved
            assert np.abs(image.astype(int) - independently(file.sound)).max() <= 2, file
    assert min(told.values()) > count / 5  # neither branch stands empty
    assert all(str(tmp_path) in line for line in notes.lines()[:20])


@pytest.mark.parametrize(("seed", "count"), [(2, 60), pytest.param(3, 1500, marks=pytest.mark.long)])
def test_a_set_lists_all_its_faults_at_once_and_goes_on_without_them_if_asked(tmp_path, store, capfd, seed, count):
    labels = tmp_path / "ISBI2016_ISIC_Part3_Training_GroundTruth.csv"
    folder = tmp_path / "ISBI2016_ISIC_Part3_Training_Data"
    folder.mkdir()
    files = [
        file
        for file in spoiled_images(seed, folder, count, "ISIC_{:07d}.jpg")
        if file.path.exists() or file.path.is_symlink()
    ]
    labels.write_text("".join(f"{file.path.stem},{('benign', 'malignant')[n % 2]}\r\n" for n, file in enumerate(files)))
    samples = [
        Sample(id=name, label=label, path=folder / f"{name}.jpg") for name, label in sorted(read_labels(labels).items())
    ]
    single = {file.path.stem: next(decoded([file.path], SIZE, Conversion())) for file in files}
    broken = {name for name, image in single.items() if isinstance(image, Unreadable)}
    here = [sample for sample in samples if sample.is_here]
    with pytest.raises(DataError) as caught:
        cached_images(Isic(), here, SIZE, Conversion(), store, lambda *_: None)
    listed = {Path(fault.partition(": ")[0]).stem for fault in caught.value.faults}
    assert listed == broken & {sample.id for sample in here}
    kept = cached_images(Isic(), here, SIZE, Conversion(), store, lambda *_: None, skip_broken=True)
    assert list(kept.ids) == [sample.id for sample in here if sample.id not in broken]
    assert {Path(name).stem for name, _ in kept.broken} == listed
    for name, image in zip(kept.ids, kept.images, strict=True):
        assert np.array_equal(image.numpy(), single[name])
    assert capfd.readouterr() == ("", "")
