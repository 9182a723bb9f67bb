"""A whole set looked at image by image: what cannot be read, what is there twice, what looks alike, what is torn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import WHOLE, Dataset, Sample
from harness.data.image_split import image_digest
from harness.data.labelled import labelled
from harness.data.pictures import pictures
from harness.images.decoding import Conversion
from harness.images.duplicates import Group, across, beyond, contradicting, equal, near
from harness.images.image_files import same_files
from harness.images.perceptual_hash import WORDS, perceptual_hash
from harness.images.unreadable import Unreadable
from harness.progress import Progress

INSPECTED_AT = 128
"""Pixels a side, at which images are decoded to be compared."""


@dataclass(frozen=True)
class Inspection:
    """What was found; groups are places in ``samples``, which are the images that can be read.

    ``missing`` are ids without a file, ``broken`` (id, reason). ``same_bytes`` are files, ``same_pixels`` groups that
    are more than copies of one file, ``alike`` groups of near duplicates that are more than the same pixels. ``torn``
    are groups of the publisher's, or the user's, that lie in two splits. ``notes`` are of decoding.
    """

    samples: list[Sample]
    missing: list[str]
    broken: list[tuple[str, str]]
    same_bytes: list[Group]
    same_pixels: list[Group]
    alike: list[Group]
    torn: list[str]
    notes: list[str] = field(default_factory=list)

    def wrong(self, groups: Sequence[Group]) -> list[Group]:
        """Return the groups that are in two splits or under both labels."""
        bad = {*across(groups, self.splits), *contradicting(groups, [sample.label for sample in self.samples])}
        return [group for group in groups if group in bad]

    @property
    def splits(self) -> list[str]:
        """The split of each sample, `WHOLE` where there is none."""
        return [sample.split or WHOLE for sample in self.samples]

    @property
    def one_class(self) -> list[str]:
        """Splits without a positive or without a negative."""
        labels = [sample.label for sample in self.samples]
        splits = dict.fromkeys(self.splits)
        return [
            split
            for split in splits
            if len({label for label, own in zip(labels, self.splits, strict=True) if own == split}) < 2
        ]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that a run refuses; what only looks alike is no proof."""
        twice = [*self.same_bytes, *self.same_pixels]
        return not (self.missing or self.broken or self.wrong(twice) or self.torn or self.one_class)

    def values(self) -> dict[str, Any]:
        """Return all as JSON values."""
        return {
            "images": len(self.samples),
            "compared_at_pixels": INSPECTED_AT,
            "sound": self.is_sound,
            "notes": self.notes,
            "missing": self.missing,
            "broken": [{"id": identity, "reason": reason} for identity, reason in self.broken],
            "same_bytes": [self._members(group) for group in self.same_bytes],
            "same_pixels": [self._members(group) for group in self.same_pixels],
            "look_alike": [self._members(group) for group in self.alike],
            "torn_groups": self.torn,
            "splits_of_one_class": self.one_class,
        }

    def _members(self, group: Group) -> list[dict[str, Any]]:
        members = [self.samples[place] for place in group]
        return [{"id": one.id, "split": one.split, "label": one.label} for one in members]


def inspect(dataset: Dataset, folder: Path, conversion: Conversion, progress: Progress) -> Inspection:
    """Return what is found in a set whose labels can be read; every image is decoded once.

    Raises what `harness.data.labelled.labelled` does.
    """
    samples = labelled(dataset, folder)
    here = [sample for sample in samples if sample.is_here]
    kept: list[Sample] = []
    digests: list[bytes] = []
    hashes = [np.empty((0, WORDS), dtype=np.uint64)]
    broken: list[tuple[str, str]] = []
    notes: list[str] = []
    for done, (sample, image) in enumerate(pictures(dataset, here, INSPECTED_AT, conversion, notes), start=1):
        if isinstance(image, Unreadable):
            broken.append((sample.id, image.reason))
        else:
            kept.append(sample)
            digests.append(image_digest(image).tobytes())
            hashes.append(perceptual_hash(image)[None])
        progress(done, len(here))
    files = _same_files(kept)
    return Inspection(
        samples=kept,
        missing=[sample.id for sample in samples if not sample.is_here],
        broken=broken,
        same_bytes=files,
        same_pixels=beyond(equal(digests), _representatives(files, len(kept))),
        alike=beyond(near(np.concatenate(hashes)), digests),
        torn=_torn(samples),
        notes=notes,
    )


def _same_files(samples: Sequence[Sample]) -> list[Group]:
    places = [place for place, sample in enumerate(samples) if sample.path is not None]
    found = same_files([path for sample in samples if (path := sample.path) is not None])
    return [tuple(places[index] for index in group) for group in found]


def _representatives(groups: Sequence[Group], count: int) -> list[int]:
    """Return for each place the first of its group, itself where it is in none."""
    first = list(range(count))
    for group in groups:
        for place in group:
            first[place] = group[0]
    return first


def _torn(samples: Sequence[Sample]) -> list[str]:
    splits: dict[str, set[str | None]] = {}
    for sample in samples:
        if sample.group is not None:
            splits.setdefault(sample.group, set()).add(sample.split)
    return sorted(group for group, own in splits.items() if len(own) > 1)
