"""Pictures of tested positives: what they show and hold, and when they are published."""

import base64
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from harness import plugins
from harness.data.draw import Cutting
from harness.data.image_split import ImageSplit
from harness.results import names
from harness.results.looks import part_of
from harness.running import run, thumbnails
from harness.running.run import Publisher
from harness.running.thumbnails import thumbnail_publication


def split(size=128, labels=(1, 0, 1), ids=("b", "n", "a")):
    """Images that are half of one grey and half of another, each its own."""
    images = torch.zeros(len(labels), 3, size, size, dtype=torch.uint8)
    for place in range(len(labels)):
        images[place, :, :, : size // 2] = 40 * place + 20
        images[place, :, :, size // 2 :] = 40 * place + 120
    return ImageSplit.of(images, torch.tensor(labels), ids)


def splits(**about):
    return SimpleNamespace(test=split(**about))


def plan(*, allowed=True, cutting=None):
    cutting = cutting or Cutting(0.25, 0.25, False, 0)
    dataset = SimpleNamespace(thumbnails=allowed, name="spots", version="1", remote_files=())
    data = SimpleNamespace(size=128, cutting=cutting, dataset=lambda: dataset)
    return SimpleNamespace(data=data, store=None, entries=[SimpleNamespace(text="lt")])


@pytest.mark.parametrize(("size", "side"), [(128, 96), (96, 96), (32, 32)])
def test_positives_alone_are_shown_small_as_they_are(size, side):
    found = thumbnails.thumbnails(split(size))
    assert [*found] == ["a", "b"]  # by id
    for name, grey in (("b", 20), ("a", 100)):
        picture = Image.open(io.BytesIO(found[name]))
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (side, side), "RGB")
        pixels = np.asarray(picture).astype(int)
        assert np.abs(pixels[:, : side // 2 - 8] - grey).max() <= 6
        assert np.abs(pixels[:, side // 2 + 8 :] - (grey + 100)).max() <= 6


def test_a_picture_holds_no_metadata():
    for written in thumbnails.thumbnails(split()).values():
        assert not Image.open(io.BytesIO(written)).getexif()
        assert b"Exif" not in written
        assert len(written) < 4000


def test_of_many_the_first_are_shown(monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST", 1)
    assert [*thumbnails.thumbnails(split())] == ["a"]


def test_a_test_part_has_one_run_of_its_own_kind():
    one, same, other = (thumbnail_publication(plan(), splits(size=size)) for size in (64, 64, 32))
    assert one.key == same.key != other.key
    content = json.loads(one.documents[names.THUMBNAILS_FILE])
    part = part_of(("b", "n", "a"), (1, 0, 1))
    assert one.tags == {"harness.kind": "thumbnails", "harness.test_part": content["test_part"]}
    assert content["test_part"] == part
    assert {name: base64.b64decode(text) for name, text in content["images"].items()} == thumbnails.thumbnails(
        split(64)
    )


@pytest.mark.parametrize(("allowed", "asked", "sent"), [(True, False, 1), (False, False, 0), (False, True, 1)])
def test_they_are_published_once_where_the_licence_or_the_user_allows_it(monkeypatch, allowed, asked, sent):
    """Two seeds of one test part."""
    monkeypatch.setattr(run, "splits_of", lambda *_: splits())
    monkeypatch.setattr(run, "publication", lambda *_: SimpleNamespace(key="result", tags={}, name="lt"))
    taken = []
    tracker, reporter = SimpleNamespace(publish=taken.append), SimpleNamespace(warn=print)
    publisher = Publisher(tracker, reporter, "harness run", pictures=asked)
    for seed in (0, 1):
        publisher.take(plan(allowed=allowed), SimpleNamespace(job=SimpleNamespace(entry=0, seed=seed), records=[]))
    assert sum(one.tags.get("harness.kind") == "thumbnails" for one in taken) == sent
    assert len(taken) == 2 + sent


def test_data_sets_whose_licence_allows_it_say_so_and_users_own_images_never_do():
    """CC0 and the CC BY family, and what our programs draw."""
    for name, plugin in plugins.available(plugins.DATASETS).items():
        kind = plugin.load()
        if name in ("folder", "csv"):
            assert not kind.thumbnails
        elif plugin.is_ours:
            assert kind.thumbnails == (kind.simulated or str(kind.licence).startswith(("CC0", "CC-BY")))
