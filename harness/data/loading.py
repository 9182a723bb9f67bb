"""From a plan's data set to the splits of one network: images read once and kept in the store, cut by the seed."""

import functools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.draw import Cut, cut, test_images
from harness.data.image_cache import ImageSet, cached_images, kept_images
from harness.data.image_split import ImageSplit, fingerprint_of
from harness.data.labelled import require_both_classes
from harness.data.locating import DataPlan
from harness.data.splitting import units_of
from harness.errors import DataError
from harness.images.duplicates import NEAR_BITS, Group, across, beyond, contradicting, equal, images_in, near
from harness.images.perceptual_hash import NEAR_RULE, perceptual_hashes
from harness.progress import Progress
from harness.storage.canonical import digest
from harness.storage.store import Store

_SHOWN = 20

LARGE_GROUP = 30
"""Positives that a group of the publisher's needs for error rates of its own."""


def _quiet(done: int, total: int) -> None:
    pass


def read_images(plan: DataPlan, store: Store, progress: Progress = _quiet) -> ImageSet:
    """Return all images of a plan's data set, decoded or drawn once and kept in the store.

    Raises `DataError` for unreadable images (all listed), a split without both classes, and an image or a group that
    is in two splits.

    Of a plan that was read before, by whatever machine, they are taken from the store as they are.
    """
    held = kept_images(plan.stage, plan.size, store) if plan.stage else None
    if held is not None:
        return held
    samples = plan.samples()
    found = cached_images(
        plan.dataset(), samples, plan.size, plan.conversion, store, progress, skip_broken=plan.skip_broken
    )
    left = {*found.ids}
    kept = [sample for sample in samples if sample.id in left]
    require_both_classes(plan.name, [replace(one, split=None) for one in kept] if plan.folds else kept)
    if not plan.allow_duplicates:
        _require_apart(plan, found)
    return found


@functools.lru_cache(maxsize=2)
def image_set(plan: DataPlan, root: Path) -> ImageSet:
    """Return the images of a plan from the store at ``root``, read and checked once in a process."""
    return read_images(plan, Store(root))


def parts(plan: DataPlan, root: Path, seed: int) -> Cut:
    """Return which images are whose for one seed."""
    found = image_set(plan, root)
    return cut(plan.cutting, found.labels.numpy(), _units(found), found.splits, seed, plan.name)


@functools.lru_cache(maxsize=2)
def training_splits(plan: DataPlan, root: Path, seed: int) -> tuple[ImageSplit, ImageSplit]:
    """Return (train, validation) of one seed's network."""
    found = image_set(plan, root)
    chosen = parts(plan, root, seed)
    return split_of(found, chosen.train), split_of(found, chosen.validation)


@functools.lru_cache(maxsize=1)
def test_split(plan: DataPlan, root: Path) -> ImageSplit:
    """Return the test images, the same for every seed. Only scoring calls this; no method can."""
    found = image_set(plan, root)
    return split_of(found, test_images(plan.cutting, found.labels.numpy(), _units(found), found.splits))


@functools.lru_cache(maxsize=2)
def pool_fingerprint(plan: DataPlan, root: Path) -> str:
    """Return the hash of all images that are not for testing: what a network's training and validation come from."""
    found = image_set(plan, root)
    test = test_images(plan.cutting, found.labels.numpy(), _units(found), found.splits)
    rest = np.setdiff1d(np.arange(len(found.ids)), test)
    return digest([split_of(found, rest).fingerprint, found.splits[rest].tolist()])


@dataclass(frozen=True)
class Splits:
    """The three splits of one seed.

    ``pool`` is the hash of all that its training and validation images were drawn from, ``whole`` that of all images.
    ``broken`` are those that could not be read and were left out: (id, reason). ``near_duplicates`` counts images that
    look nearly like another one of the set. ``large_groups`` are the tested ids of each of the publisher's groups,
    a clinic say, that has enough positives in the whole set for rates of its own.
    """

    train: ImageSplit
    validation: ImageSplit
    test: ImageSplit
    pool: str
    whole: str
    broken: tuple[tuple[str, str], ...] = ()
    near_duplicates: int = 0
    large_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def items(self) -> list[tuple[str, ImageSplit]]:
        """Return (name, split) in the order train, validation, test."""
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]


def splits_of(plan: DataPlan, root: Path, seed: int) -> Splits:
    """Return the splits of one seed; images as in `image_set`."""
    train, validation = training_splits(plan, root, seed)
    found = image_set(plan, root)
    whole = fingerprint_of(found.digests, found.labels, found.ids)
    return Splits(
        train=train,
        validation=validation,
        test=test_split(plan, root),
        pool=pool_fingerprint(plan, root),
        whole=whole,
        broken=found.broken,
        near_duplicates=near_duplicates(plan, root),
        large_groups=large_groups(found, test_split(plan, root).ids),
    )


def large_groups(found: ImageSet, tested: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the tested ids of each group that has at least `LARGE_GROUP` positives in the whole set."""
    positives = Counter(group for group, label in zip(found.groups, found.labels.tolist(), strict=True) if label == 1)
    members: dict[str, list[str]] = {}
    asked = {*tested}
    for identity, group in zip(found.ids, found.groups, strict=True):
        if group is not None and positives[group] >= LARGE_GROUP and identity in asked:
            members.setdefault(group, []).append(identity)
    return {group: tuple(ids) for group, ids in sorted(members.items())}


def planned_parts(plan: DataPlan, seed: int) -> dict[str, tuple[int, int]]:
    """Return (positives, negatives) of each part of one seed, from labels alone; nothing is decoded.

    Images that cannot be read, and those of the same pixels, are not known yet. Raises `DataError` where a part would
    lack a class.
    """
    samples = plan.samples()
    labels = np.array([sample.label for sample in samples], dtype=np.uint8)
    units = units_of([sample.group for sample in samples])
    splits = np.array([sample.split or "" for sample in samples], dtype=np.str_)
    found = cut(plan.cutting, labels, units, splits, seed, plan.name)
    counts = {part: int(labels[chosen].sum()) for part, chosen in found._asdict().items()}
    return {part: (counts[part], len(chosen) - counts[part]) for part, chosen in found._asdict().items()}


def split_of(found: ImageSet, chosen: npt.NDArray[np.int64]) -> ImageSplit:
    """Return some images of a set as a split."""
    labels, ids = found.labels[chosen], tuple(found.ids[place] for place in chosen)
    return ImageSplit(found.rows(chosen), labels, ids, fingerprint_of(found.digests[chosen], labels, ids))


def _units(found: ImageSet) -> npt.NDArray[np.int64]:
    """Return what stays together: a group of the publisher's, and images of the same pixels."""
    return units_of(found.groups, [one.tobytes() for one in found.digests])


def near_duplicates(plan: DataPlan, root: Path) -> int:
    """Return how many images of a set look nearly like another one of it, other pixels all the same."""
    found = image_set(plan, root)
    digests = [one.tobytes() for one in found.digests]

    def count(_: object) -> int:
        return images_in(beyond(near(perceptual_hashes(image.numpy() for image in found.images)), digests))

    inputs = {"digests": found.digests, "rule": [NEAR_RULE, NEAR_BITS]}
    return int(Store(root).run("near duplicates", inputs, count).value)


def _named(found: ImageSet, group: Group) -> str:
    return ", ".join(found.ids[place] for place in group)


def _splits(found: ImageSet, group: Group) -> str:
    return " and ".join(sorted({str(found.splits[place]) for place in group}))


def _require_apart(plan: DataPlan, found: ImageSet) -> None:
    """Raise `DataError` naming images whose pixels have two labels, or are in two splits, and groups that are."""
    same = equal([one.tobytes() for one in found.digests])
    wrong = contradicting(same, found.labels.tolist())
    torn = [] if plan.folds else [group for group in across(same, found.splits.tolist()) if group not in wrong]
    faults = [f"{_named(found, group)}: the same pixels under both labels" for group in wrong]
    faults += [f"{_named(found, group)}: the same pixels in {_splits(found, group)}" for group in torn]
    halved = [] if plan.folds else across(equal(found.groups), found.splits.tolist())
    faults += [f"group {found.groups[group[0]]}: images in {_splits(found, group)}" for group in halved]
    if faults:
        shown = [*faults[:_SHOWN], *([f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else [])]
        raise DataError(
            f"{len(faults)} images or groups of {plan.name} are on two sides of a split or under two labels",
            faults=shown,
            fix="keep one image of each, and a group in one split; or run all the same with --allow-duplicates (stamped"
            " on every result), or cut the set anew by --folds",
        )
