"""Images that are in a set twice: groups of equal digests, and groups whose perceptual hashes differ in a few bits.

A group is a tuple of indices, ascending; groups are sorted by their first. An image that is in no group is alone.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

Group = tuple[int, ...]

NEAR_BITS = 32
"""Bits of 256 in which the hashes of two near duplicates may differ.

Measured on 1,145 images of ISIC-2016 at 128 px: a copy saved again (JPEG quality 50), halved, or with noise of standard
deviation 5 differs in at most 30; two images of different lesions in 60 at least.
"""


def equal(digests: Sequence[Hashable]) -> list[Group]:
    """Return the groups of two or more equal ``digests``, of bytes or of pixels; None equals nothing."""
    members: dict[Hashable, list[int]] = {}
    for index, digest in enumerate(digests):
        if digest is not None:
            members.setdefault(digest, []).append(index)
    return [tuple(group) for group in members.values() if len(group) > 1]


def near(hashes: npt.NDArray[np.uint64], most: int = NEAR_BITS) -> list[Group]:
    """Return the groups of images that are linked by hashes differing in at most ``most`` bits.

    ``hashes`` has shape (N, 4), see `harness.images.perceptual_hash`. A member need not be near every other: groups
    are the connected parts. Every pair is compared: 40,000 images take 4 seconds and no memory to speak of.
    """
    words = np.ascontiguousarray(hashes.T)
    alone = np.ones(len(hashes), dtype=bool)
    groups: list[Group] = []
    for first in range(len(hashes)):
        if not alone[first]:
            continue
        alone[first] = False
        group = [first]
        for member in group:  # grows while it is walked
            found = first + _within(words[:, first:], words[:, member], alone[first:], most)
            alone[found] = False
            group += found.tolist()
        if len(group) > 1:
            groups.append(tuple(sorted(group)))
    return groups


def _within(
    words: npt.NDArray[np.uint64], word: npt.NDArray[np.uint64], asked: npt.NDArray[np.bool_], most: int
) -> npt.NDArray[np.int64]:
    """Return which columns of ``words``, shape (4, N), differ from ``word`` in at most ``most`` bits, if asked."""
    half = np.bitwise_count(words[0] ^ word[0]) + np.bitwise_count(words[1] ^ word[1])  # at most 128: a byte holds it
    candidates = np.flatnonzero((half <= most) & asked)  # few: of two unrelated hashes half of the bits differ
    bits = np.bitwise_count(words[:, candidates] ^ word[:, None]).sum(axis=0)
    found: npt.NDArray[np.int64] = candidates[bits <= most]
    return found


def across(groups: Sequence[Group], parts: Sequence[Hashable]) -> list[Group]:
    """Return the groups whose members lie in more than one part; ``parts`` has, say, the split of each image."""
    return [group for group in groups if len({parts[index] for index in group}) > 1]


def contradicting(groups: Sequence[Group], labels: Sequence[int]) -> list[Group]:
    """Return the groups whose members have both labels: at least one of them is wrong."""
    return across(groups, labels)


def beyond(groups: Sequence[Group], digests: Sequence[Hashable]) -> list[Group]:
    """Return the groups that are more than copies of one image: members with different ``digests``."""
    return across(groups, digests)


def images_in(groups: Sequence[Group]) -> int:
    """Return how many images are in a group."""
    return sum(map(len, groups))


def with_copy_in(groups: Sequence[Group], parts: Sequence[Hashable], here: Hashable, there: Hashable) -> int:
    """Return how many images of the part ``here`` share a group with an image of the part ``there``."""
    shared = [group for group in groups if any(parts[index] == there for index in group)]
    return sum(parts[index] == here for group in shared for index in group)
