import numpy as np
import torch

from harness.data.image_split import ImageSplit


def split(count=6, seed=0):
    pixels = torch.randint(0, 256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    labels = torch.tensor([index % 3 == 0 for index in range(count)], dtype=torch.uint8)
    return ImageSplit.of(pixels, labels, [f"image {index}" for index in range(count)])


def test_a_fingerprint_sees_every_pixel_label_id_and_their_order():
    whole = split()
    others = [ImageSplit.of(whole.images, whole.labels, [*whole.ids[:-1], "other"])]
    pixels, labels = whole.images.clone(), whole.labels.clone()
    pixels[5, 2, 7, 7] ^= 1
    labels[1] = 1
    others += [ImageSplit.of(pixels, whole.labels, whole.ids), ImageSplit.of(whole.images, labels, whole.ids)]
    others += [whole.subset(np.array([1, 0, 2, 3, 4, 5])), whole.subset(np.array([0, 1, 2, 3, 4]))]
    assert len({other.fingerprint for other in [whole, *others]}) == 6
    assert split().fingerprint == whole.fingerprint == whole.subset(np.arange(6)).fingerprint


def test_a_subset_keeps_images_labels_and_ids_together():
    whole = split()
    chosen = whole.subset(np.array([4, 0, 3]))
    assert chosen.ids == ("image 4", "image 0", "image 3")
    assert torch.equal(chosen.images, torch.stack([whole.images[4], whole.images[0], whole.images[3]]))
    assert chosen.labels.tolist() == [0, 1, 1]
    assert (chosen.positives, chosen.negatives) == (2, 1)
