"""Whose weights they are, and under which licence."""

import pytest

from harness.shipping.start_weights import start_weights


@pytest.mark.parametrize(
    ("weights", "network", "what", "licence"),
    [
        ("simulated", "alexnet", "simulated images", "nobody else's"),
        ("kaiming", "alexnet", "at random", "nobody else's"),
        ("imagenet:abc", "alexnet", "ImageNet-1k: torchvision:", "BSD-3-Clause"),
        ("imagenet:abc", "torchvision:resnet18", "ImageNet-1k: torchvision:", "BSD-3-Clause"),
        ("imagenet:abc", "efficientnet-lite0", "ImageNet-1k: package:", "Apache-2.0"),
        ("imagenet:abc", "somebody-elses", "of an unknown source", ""),
        ("trained-swapped:abc", "alexnet", "a network that its user had trained elsewhere", ""),
        ("file:abc", "alexnet", "a file that its user gave", ""),
        ("trained:abc", "alexnet", "a network that its user had trained elsewhere", ""),
    ],
)
def test_every_start_is_told(weights, network, what, licence):
    found = start_weights(weights, network)
    assert what in found.what
    assert licence in found.licence
    assert bool(found.licence) == bool(licence)
    assert found.name == weights
