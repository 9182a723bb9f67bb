"""The images of a set in one mapped file: compared byte by byte with what was written into the image files."""

import faulthandler
import hashlib
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data import FileDataset, Sample, Unreadable, pictures
from harness.data.image_cache import IMAGES, cached_images
from harness.errors import DataError, MachineError
from harness.images.decoding import Conversion
from harness.storage.store import Store

SIZE = 8
USUAL = Conversion()


def pixels(number):
    """The RGB image of a number, (3, 8, 8)."""
    return np.random.default_rng(number).integers(0, 256, (3, SIZE, SIZE)).astype(np.uint8)


def write(path, number):
    Image.fromarray(np.ascontiguousarray(pixels(number).transpose(1, 2, 0))).save(path)


class Files(FileDataset):
    """Files whose samples a test gives."""

    name = "files"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"

    def samples(self, folder):
        raise AssertionError("its samples are given")


class Own(Files):
    """Images of its own: what ``picture`` says for the number that is a sample's id."""

    in_folder = False
    reads = 0

    def picture(self, number):
        return pixels(number)

    def images(self, samples, size):
        type(self).reads += 1
        return (self.picture(int(sample.id)) for sample in samples)


@pytest.fixture(autouse=True)
def _unread():
    Own.reads = 0


@pytest.fixture
def samples(tmp_path):
    """Seven PNG files, every third positive, of two splits and of groups of two."""
    made = []
    for number in range(7):
        path = tmp_path / f"{6 - number}.png"  # the order of the names is not that of the ids
        write(path, number)
        split = "train" if number < 5 else "test"
        made.append(Sample(id=f"{number}", label=int(number % 3 == 0), path=path, group=f"g{number // 2}", split=split))
    return made


@pytest.fixture
def drawn():
    return [Sample(id=f"{number}", label=number % 2) for number in range(6)]


@pytest.fixture
def read(store):
    """Return a function that reads a set's samples."""

    def call(dataset, samples, size=SIZE, *, conversion=USUAL, progress=lambda *_: None, skip_broken=False):
        return cached_images(dataset, samples, size, conversion, store, progress, skip_broken=skip_broken)

    return call


def stages(store):
    return [folder for folder, _ in store.folders()]


def leftovers(store):
    return sorted(path.name for path in (store.root / "temporary").iterdir())


def refuse(*_arguments, **_keywords):
    raise AssertionError("read anew")


# --- one file, in order


def test_all_images_are_one_file_in_the_order_of_the_samples(store, samples, read):
    seen = []
    found = read(Files(), samples, progress=lambda done, total: seen.append((done, total)))
    expected = np.stack([pixels(number) for number in range(7)])
    (folder,) = stages(store)
    assert (folder / IMAGES).read_bytes() == expected.tobytes()
    assert np.array_equal(found.images.numpy(), expected)
    assert found.images.dtype == found.labels.dtype == torch.uint8
    assert found.ids == tuple("0123456")
    assert found.labels.tolist() == [1, 0, 0, 1, 0, 0, 1]
    assert found.groups == ("g0", "g0", "g1", "g1", "g2", "g2", "g3")
    assert found.splits.tolist() == ["train"] * 5 + ["test"] * 2
    assert [bytes(one) for one in found.digests] == [hashlib.sha256(bytes(one)).digest() for one in expected]
    assert found.broken == ()
    assert seen == [(done, 7) for done in range(1, 8)]


def test_rows_are_the_images_at_their_places(samples, read):
    found = read(Files(), samples).rows(np.array([5, 1]))
    assert np.array_equal(found[:].numpy(), np.stack([pixels(5), pixels(1)]))


def test_what_a_set_draws_and_what_it_has_as_files_keep_their_order(samples, read):
    mixed = [sample if place % 2 else Sample(id=sample.id, label=sample.label) for place, sample in enumerate(samples)]
    assert np.array_equal(read(Own(), mixed).images.numpy(), np.stack([pixels(number) for number in range(7)]))
    assert Own.reads == 1


def test_no_group_and_no_split_are_none_and_empty(drawn, read):
    found = read(Own(), drawn)
    assert found.groups == (None,) * 6
    assert found.splits.tolist() == [""] * 6


# --- read once


def test_a_second_call_reads_no_image(samples, drawn, read, monkeypatch):
    first, own = read(Files(), samples), read(Own(), drawn)
    monkeypatch.setattr(pictures, "decoded", refuse)
    monkeypatch.setattr(Own, "images", refuse)
    assert torch.equal(read(Files(), samples).images, first.images)
    assert torch.equal(read(Own(), drawn).images, own.images)


def test_another_process_of_the_same_store_reads_no_image(store, samples, read, monkeypatch):
    first = read(Files(), samples)
    monkeypatch.setattr(pictures, "decoded", refuse)
    again = cached_images(Files(), samples, SIZE, Conversion(), Store(store.root), lambda *_: None)
    assert torch.equal(again.images, first.images)


def test_a_changed_file_is_decoded_anew_and_the_old_images_stay_as_they_were(store, samples, read):
    first = read(Files(), samples)
    write(samples[3].path, 33)
    again = read(Files(), samples)
    expected = [np.array_equal(again.images[place].numpy(), pixels(place)) for place in range(7)]
    assert expected == [place != 3 for place in range(7)]
    assert np.array_equal(again.images[3].numpy(), pixels(33))
    assert np.array_equal(first.images[3].numpy(), pixels(3))
    assert len(stages(store)) == 2


def changed(samples, **values):
    return [*samples[:2], Sample(**{**vars(samples[2]), **values}), *samples[3:]]


class Renewed(Files):
    version = "2"


class Renamed(Files):
    name = "others"


def test_whatever_decides_the_images_or_their_labels_is_another_file(store, samples, read):
    for sample in samples:
        os.utime(sample.path, (1_600_000_000, 1_600_000_000))
    touched = samples[0].path.with_name("touched.png")
    shutil.copy(samples[2].path, touched)
    calls = [
        lambda: read(Files(), samples),
        lambda: read(Renewed(), samples),
        lambda: read(Renamed(), samples),
        lambda: read(Files(), samples, 2 * SIZE),
        lambda: read(Files(), samples, conversion=Conversion(max_pixels=1000)),
        lambda: read(Files(), samples[:-1]),
        lambda: read(Files(), changed(samples, label=1)),
        lambda: read(Files(), changed(samples, id="22")),
        lambda: read(Files(), changed(samples, group=None)),
        lambda: read(Files(), changed(samples, split="validation")),
        lambda: read(Files(), changed(samples, path=touched)),
        lambda: (os.utime(samples[1].path, (1, 1)), read(Files(), samples)),
    ]
    for count, call in enumerate(calls, start=1):
        call()
        assert len(stages(store)) == count


# --- what cannot be read


def test_broken_files_are_all_listed_and_nothing_is_kept(store, samples, read):
    samples[1].path.write_text("<html>")
    samples[6].path.write_bytes(b"")
    with pytest.raises(DataError, match="2 of 7 images cannot be read") as caught:
        read(Files(), samples)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [str(samples[number].path) for number in (1, 6)]
    assert all(fault.partition(": ")[2] for fault in caught.value.faults)  # and why
    assert "--skip-broken" in caught.value.fix
    assert caught.value.exit_code == 4
    assert not stages(store)
    assert not leftovers(store)
    write(samples[1].path, 1)
    write(samples[6].path, 6)
    assert len(read(Files(), samples).ids) == 7


def test_broken_files_can_be_left_out_and_nothing_stands_in_for_them(samples, read):
    samples[1].path.write_text("<html>")
    found = read(Files(), samples, skip_broken=True)
    kept = [0, 2, 3, 4, 5, 6]
    assert found.ids == tuple(map(str, kept))
    assert found.labels.tolist() == [1, 0, 1, 0, 0, 1]
    assert found.groups == ("g0", "g1", "g1", "g2", "g2", "g3")
    assert np.array_equal(found.images.numpy(), np.stack([pixels(number) for number in kept]))
    ((identity, reason),) = found.broken
    assert identity == "1"
    assert "not an image" in reason
    again = read(Files(), samples, skip_broken=True)
    assert (again.broken, again.ids) == (found.broken, found.ids)


def test_what_was_left_out_once_is_refused_by_a_run_that_does_not_ask_for_it(samples, read):
    samples[1].path.write_text("<html>")
    read(Files(), samples, skip_broken=True)
    with pytest.raises(DataError, match="1 of 7 images cannot be read"):
        read(Files(), samples)


def test_a_set_without_a_single_image_that_can_be_read_is_refused_all_the_same(store, samples, read):
    for sample in samples:
        sample.path.write_text("<html>")
    with pytest.raises(DataError, match="7 of 7 images cannot be read"):
        read(Files(), samples, skip_broken=True)
    assert not leftovers(store)


class Torn(Own):
    def picture(self, number):
        return Unreadable("it is torn") if number in (2, 5) else pixels(number)


def test_what_a_set_cannot_give_is_told_in_its_words(drawn, read):
    with pytest.raises(DataError) as caught:
        read(Torn(), drawn)
    assert caught.value.faults == ["2: it is torn", "5: it is torn"]
    assert read(Torn(), drawn, skip_broken=True).ids == ("0", "1", "3", "4")


class Grey(Own):
    def picture(self, number):
        return pixels(number)[:1]


class Floats(Own):
    def picture(self, number):
        return pixels(number) / 255


class Tensors(Own):
    def picture(self, number):
        return torch.from_numpy(pixels(number))


class Nothing(Own):
    def picture(self, number):
        return None if number == 4 else pixels(number)


class Breaks(Own):
    def picture(self, number):
        return {0: pixels(0)}[number]


class BreaksAtOnce(Own):
    def images(self, samples, size):
        raise RuntimeError("no such device")


class TooFew(Own):
    def images(self, samples, size):
        return super().images(samples[:-2], size)


class TooMany(Own):
    def images(self, samples, size):
        return super().images([samples[0], *samples], size)


class Undrawn(Files):
    in_folder = False


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Grey, "gives uint8 (1, 8, 8) as an image, not uint8 (3, 8, 8)"),
        (Floats, "gives float64 (3, 8, 8) as an image"),
        (Tensors, "gives a Tensor as an image"),
        (Nothing, "gives a NoneType as an image"),
        (Breaks, "cannot give its images: "),
        (BreaksAtOnce, "no such device"),
        (TooFew, "gives 4 images for 6 samples"),
        (TooMany, "gives more than 6 images for 6 samples"),
        (Undrawn, "has samples without a file, such as '0', and draws no images"),
    ],
)
def test_a_set_whose_code_is_at_fault_is_named(store, drawn, read, kind, words):
    for skip_broken in (False, True):
        with pytest.raises(DataError) as caught:
            read(kind(), drawn, skip_broken=skip_broken)
        assert "data set 'files'" in caught.value.message
        assert words in caught.value.message
        assert caught.value.fix
    assert not stages(store)
    assert not leftovers(store)


def test_a_file_that_is_lost_while_it_is_asked_for_is_told(samples, read):
    samples[2].path.unlink()
    with pytest.raises((DataError, MachineError)) as caught:
        read(Files(), samples)
    assert str(samples[2].path) in str(caught.value)


# --- mapped


def mappings(path):
    """(first, last address, permissions) of each mapping of a file in this process."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        words = line.split(maxsplit=5)
        if words[5:] == [str(path)]:
            first, last = (int(number, 16) for number in words[0].split("-"))
            yield first, last, words[1]


def test_images_are_mapped_from_the_file_and_not_copied(store, samples, read):
    found = read(Files(), samples)
    (folder,) = stages(store)
    place = found.images.data_ptr()
    assert [permissions for first, last, permissions in mappings(folder / IMAGES) if first <= place < last] == ["r--s"]


WRITES = {
    "in place": lambda images: images.fill_(1),
    "one": lambda images: images[0, 0, 0, 0].add_(1),
    "by data": lambda images: images.data.view(-1)[-1:].fill_(1),
    "as an array": lambda images: images.numpy().__setitem__(0, 1),
}


@pytest.mark.parametrize("way", WRITES)
def test_a_write_ends_its_process_and_changes_nothing(store, samples, read, way):
    found = read(Files(), samples)
    child = os.fork()
    if child == 0:
        faulthandler.disable()  # pytest's
        try:
            WRITES[way](found.images)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGSEGV
    (folder,) = stages(store)
    assert (folder / IMAGES).read_bytes() == b"".join(pixels(number).tobytes() for number in range(7))


def test_images_outlive_their_eviction(store, samples, read):
    found = read(Files(), samples)
    shutil.rmtree(stages(store)[0])
    assert np.array_equal(found.images[6].numpy(), pixels(6))
    assert len(read(Files(), samples).ids) == 7
