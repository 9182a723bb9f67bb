import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from harness.images.duplicates import NEAR_BITS, near
from harness.images.perceptual_hash import perceptual_hash, perceptual_hashes


def picture(seed):
    """A smooth field of colours with detail of every coarseness, as photographs have."""
    draws, canvas = np.random.default_rng(seed), np.zeros((128, 128, 3))
    for side in (3, 6, 12, 24):
        field = Image.fromarray(draws.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize((128, 128))
        canvas += np.asarray(field) / 4
    return Image.fromarray(canvas.astype(np.uint8))


def pixels(image):
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def saved_again(image):
    memory = io.BytesIO()
    image.save(memory, "JPEG", quality=50)
    return Image.open(memory)


COPIES = {
    "saved again": saved_again,
    "halved": lambda image: image.resize((64, 64)).resize((128, 128)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_near_and_other_images_are_not(change):
    originals = [picture(seed) for seed in range(6)]
    hashes = perceptual_hashes(pixels(image) for image in [*originals, *map(COPIES[change], originals)])
    assert hashes.shape == (12, 4)
    assert near(hashes) == [(place, place + 6) for place in range(6)]


def test_a_mirror_image_is_no_copy():
    image = picture(0)
    hashes = perceptual_hashes([pixels(image), pixels(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))])
    assert near(hashes, 2 * NEAR_BITS) == []


def test_every_bit_of_the_library_is_kept():
    import imagehash

    image = picture(3)
    bits = imagehash.phash(image, hash_size=16).hash.ravel()
    words = perceptual_hash(pixels(image))
    assert sum(int(word).bit_count() for word in words) == bits.sum()
    assert np.unpackbits(words.view(np.uint8)).tolist() == bits.tolist()


def test_no_images_have_no_hashes():
    assert perceptual_hashes([]).shape == (0, 4)
