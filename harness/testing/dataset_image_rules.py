"""The rules of data sets that are about their images: whose, of what form, and which are there twice."""

from collections.abc import Callable, Hashable

import numpy as np

from harness.data.dataset import Sample
from harness.images.unreadable import Unreadable
from harness.networks.contract import SMALLEST
from harness.testing.case.failures import CheckFailed
from harness.testing.dataset_case import SIZE, DatasetCase, Seen, pixels_of
from harness.testing.dataset_rule import dataset_rule
from harness.testing.dataset_rules import some
from harness.testing.registered_rule import require

_SIZES = (SMALLEST, SIZE, 96)


@dataset_rule("yield for each sample, in their order, uint8 of the shape (3, size, size), RGB, or Unreadable(reason)")
def images_have_the_size_asked(case: DatasetCase) -> None:
    """Catch images of another size, type or order of axes, and more or fewer of them than samples."""
    few = case.few()
    for size in _SIZES:
        found = list(case.images(few, size))
        require(len(found) == len(few), f"{len(found)} images are given for {len(few)} samples")
        for sample, image in zip(few, found, strict=True):
            require(_fits(image, size), f"the image of {sample.id!r} at {size} px is {_shown(image)}")


def _fits(image: object, size: int) -> bool:
    if isinstance(image, Unreadable):
        return bool(image.reason.strip())
    return isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape == (3, size, size)


def _shown(image: object) -> str:
    if isinstance(image, Unreadable):
        return "Unreadable without a reason"
    form = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
    return f"{form}, not uint8 (3, size, size)"


@dataset_rule("let an image depend on its sample alone, never on which others are asked for, or how many times")
def each_image_is_its_samples_own(case: DatasetCase) -> None:
    """Catch images under the labels of others."""
    seen, few = case.looked(), case.few()
    require(len(seen) == len(case.here), f"{len(seen)} images are given for {len(case.here)} samples")
    ways = {"alone": [[one] for one in few], "in reverse order": [few[::-1]], "with fewer others": [few]}
    for way, asked in ways.items():
        for samples in asked:
            for sample, image in zip(samples, case.images(samples), strict=False):
                same = pixels_of(image) == seen[sample.id].pixels
                require(same, f"the image of {sample.id!r} is another when it is asked for {way}")


@dataset_rule("give different images; where some cannot be read, name them by Unreadable")
def images_differ(case: DatasetCase) -> None:
    """Catch one picture that stands for all, and files of which none can be read."""
    found = {one.pixels for one in case.looked().values()} - {None}
    require(found, f"none of {len(case.here)} images can be read")
    require(len(found) > 1, f"all {len(case.here)} images have the same pixels")


@dataset_rule("keep one of the copies, or both in one split")
def no_file_is_in_two_splits(case: DatasetCase) -> None:
    """Catch a network that is tested on the very files that it was trained on."""
    _require_apart(
        case, lambda seen: seen.file, lambda sample: sample.split, "are files of the same bytes in two splits"
    )


@dataset_rule("keep one of the copies, or both in one split")
def no_picture_is_in_two_splits(case: DatasetCase) -> None:
    """Catch files of other bytes with the same pixels, such as a PNG of a BMP, or images that are drawn twice."""
    _require_apart(case, lambda seen: seen.pixels, lambda sample: sample.split, "have the same pixels in two splits")


@dataset_rule("keep the copy whose label is right, or neither")
def no_picture_has_both_labels(case: DatasetCase) -> None:
    """Catch labels of which at least one is wrong."""
    _require_apart(case, lambda seen: seen.pixels, lambda sample: sample.label, "have the same pixels and both labels")


def _require_apart(
    case: DatasetCase, known_by: Callable[[Seen], str | None], part_of: Callable[[Sample], Hashable], what: str
) -> None:
    """Raise `CheckFailed` where images that are known by the same are in different parts."""
    seen, members = case.looked(), dict[str, list[Sample]]()
    for sample in case.here:
        if sample.id in seen and (key := known_by(seen[sample.id])) is not None:
            members.setdefault(key, []).append(sample)
    groups = [own for own in members.values() if len({part_of(sample) for sample in own}) > 1]
    if groups:
        shown = some(" = ".join(repr(sample.id) for sample in own) for own in groups)
        raise CheckFailed(f"{len(groups)} images {what}: {shown}")
