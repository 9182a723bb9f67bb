import hashlib
import mmap

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.image_split import ImageSplit, Rows, fingerprint_of, image_digest


def pixels(count=6, seed=0):
    return torch.randint(0, 256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def split(count=6, seed=0):
    labels = torch.tensor([index % 3 == 0 for index in range(count)], dtype=torch.uint8)
    return ImageSplit.of(pixels(count, seed), labels, [f"image {index}" for index in range(count)])


def part(whole, chosen):
    return ImageSplit.of(whole.images[chosen], whole.labels[chosen], [whole.ids[place] for place in chosen])


def test_a_fingerprint_sees_every_pixel_label_id_and_their_order():
    whole = split()
    others = [ImageSplit.of(whole.images, whole.labels, [*whole.ids[:-1], "other"])]
    changed, labels = whole.images.clone(), whole.labels.clone()
    changed[5, 2, 7, 7] ^= 1
    labels[1] = 1
    others += [ImageSplit.of(changed, whole.labels, whole.ids), ImageSplit.of(whole.images, labels, whole.ids)]
    others += [part(whole, [1, 0, 2, 3, 4, 5]), part(whole, [0, 1, 2, 3, 4])]
    assert len({other.fingerprint for other in [whole, *others]}) == 6
    assert split().fingerprint == whole.fingerprint == part(whole, list(range(6))).fingerprint


def test_a_fingerprint_is_that_of_its_images_digests():
    whole = split()
    digests = np.stack([image_digest(image.numpy()) for image in whole.images])
    assert [bytes(one) for one in digests] == [hashlib.sha256(bytes(image.numpy())).digest() for image in whole.images]
    assert fingerprint_of(digests, whole.labels, whole.ids) == whole.fingerprint


def test_the_digest_of_an_image_does_not_depend_on_its_strides():
    image = pixels(1)[0].numpy()
    turned = np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
    assert not turned.flags.c_contiguous
    assert bytes(image_digest(turned)) == bytes(image_digest(image))


def test_positives_and_negatives_are_counted():
    assert (split(7).positives, split(7).negatives) == (3, 4)


# --- rows of a larger tensor

CHOSEN = [7, 2, 2, 9, 0]


@pytest.fixture
def rows():
    """Five rows of ten images, one of them twice, and the same five by plain indexing."""
    return Rows(pixels(10), torch.tensor(CHOSEN)), pixels(10)[CHOSEN]


@settings(max_examples=80, deadline=None)
@given(st.slices(5), st.lists(st.integers(-5, 4), max_size=8), st.lists(st.booleans(), min_size=5, max_size=5))
def test_rows_are_indexed_as_a_tensor_is(piece, places, mask):
    rows, plain = Rows(pixels(10), torch.tensor(CHOSEN)), pixels(10)[CHOSEN]
    keys = [torch.tensor(places, dtype=torch.int64), torch.tensor(mask)]
    if piece.step is None or piece.step > 0:  # no tensor has others
        keys.append(piece)
    for key in keys:
        assert torch.equal(rows[key], plain[key])
        assert rows[key].dtype == torch.uint8


def test_rows_have_the_length_shape_and_device_of_the_tensor(rows):
    mine, plain = rows
    assert (len(mine), mine.shape, mine.device) == (len(plain), plain.shape, plain.device)
    assert mine.to(torch.device("cpu")) is mine  # mapped memory stays where it is


def test_what_rows_give_is_memory_of_its_own(rows):
    mine, plain = rows
    for key in (slice(None), slice(0, 1), torch.tensor([1])):
        mine[key].zero_()
    assert torch.equal(mine[slice(None)], plain)


def test_no_rows_are_no_images(rows):
    nothing = Rows(rows[0].source, torch.zeros(0, dtype=torch.int64))
    assert len(nothing) == 0
    assert nothing.shape == nothing[slice(None)].shape == (0, 3, 8, 8)


def test_rows_read_memory_that_cannot_be_written_to():
    memory = mmap.mmap(-1, 10 * 3 * 8 * 8)
    torch.frombuffer(memory, dtype=torch.uint8).copy_(pixels(10).flatten())
    mapped = torch.frombuffer(memory, dtype=torch.uint8).view(10, 3, 8, 8)
    assert torch.equal(Rows(mapped, torch.tensor(CHOSEN))[1:], pixels(10)[CHOSEN][1:])
