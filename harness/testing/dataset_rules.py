"""What a data set must keep to, a rule each; `harness check NAME` asks all of them.

Those here are about what it says and lists. Without a data set, or its samples, there is nothing to ask the others.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.data.dataset import SPLITS, Sample, by_split
from harness.data.splitting import units_of
from harness.errors import DatasetNotFound, HarnessError, UsageError, text_of
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.checks.registry import CheckOutcome
from harness.testing.dataset_case import DatasetCase, case_of
from harness.testing.dataset_rule import DATASET_RULES, dataset_rule
from harness.testing.registered_rule import require

NEEDED = ("can_be_made", "lists_its_samples")
"""Rules without which no other has anything to look at."""

LISTED = "each_image_is_its_samples_own"
"""The first rule that looks at every image."""

FOLDS = 5

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 63
_SHOWN = 3


def dataset_outcome(written: str, root: str, rule: str) -> CheckOutcome:
    """Return what comes of a rule, asked of the data set ``written``, whose folder is below ``root``."""
    return DATASET_RULES[rule].outcome(case_of(written, root))


def misasked(written: str) -> tuple[str, list[str], str] | None:
    """Return what is wrong with how a data set is asked for, as an error's message, faults and fix; None: nothing."""
    try:
        case_of(written, "").asked.dataset()
    except UsageError as error:
        return error.message, error.faults, error.fix
    except Exception:
        return None  # which is no matter of how it is asked for, and the first rule tells
    return None


def look_on(written: str, root: str, seconds: float, step: int) -> tuple[int, int]:  # noqa: ARG001
    """Look at images for so long, before a rule needs them all; return how many are seen, and of how many.

    ``step`` tells one question from the next: a process that is asked the same gives the same answer. What goes wrong
    is told by the rules.
    """
    try:
        return case_of(written, root).look(seconds)
    except Exception:
        return 0, 0


def some(found: Iterable[object]) -> str:
    """Return the first few of many, in words."""
    shown = [str(one) for one in found]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


@dataset_rule("derive it from a class of harness.data, and give it name, version, classes, licence and citation")
def can_be_made(case: DatasetCase) -> None:
    """Catch what is no data set, or raises before anything is asked of it."""
    from harness.data.dataset import Dataset

    require(isinstance(case.dataset, Dataset), f"it is a {type(case.dataset).__name__}, not a harness.data.Dataset")


@dataset_rule("return a Sample for each labelled image; raise DataError, with every fault, where labels cannot be read")
def lists_its_samples(case: DatasetCase) -> None:
    """Catch a data set that cannot say what it holds."""
    require(case.samples, "it lists no image at all")
    wrong = {type(one).__name__ for one in case.samples if not isinstance(one, Sample)}
    require(not wrong, f"samples gives {some(wrong)} in the place of Sample")
    loose = [one.id for one in case.samples if not isinstance(one.path, Path | None)]
    require(not loose, f"{some(map(repr, loose))} has a path that is no pathlib.Path")


@dataset_rule("call it what its entry point says: a-z, 0-9 and single hyphens between them, beginning with a letter")
def is_called_as_registered(case: DatasetCase) -> None:
    """Catch results that are kept, and data that is looked for, under another name than the user gave."""
    name = case.dataset.name
    require(isinstance(name, str) and _NAME.fullmatch(name) and len(name) <= _LONGEST, f"its name is {name!r}")


@dataset_rule("give version, licence and citation as texts of one line, and classes as two: the positive is the second")
def says_what_it_is(case: DatasetCase) -> None:
    """Catch numbers that nobody can trace: which labels and pixels they are about, whose, and who may use them."""
    for name in ("version", "licence", "citation"):
        text = getattr(case.dataset, name)
        require(isinstance(text, str) and text.strip() and text.isprintable(), f"its {name} is {text!r}")
    classes = case.dataset.classes
    fine = isinstance(classes, tuple) and all(isinstance(one, str) and one.strip() for one in classes)
    require(fine and len(set(classes)) == len(classes) == 2, f"its classes are {classes!r}, not two different texts")


@dataset_rule("give 1 to the class that must not be missed and 0 to the other, as int")
def labels_are_0_and_1(case: DatasetCase) -> None:
    """Catch a third class, texts and numpy's numbers, which are counted as positives or not by chance."""
    wrong = [f"{one.id!r}: {one.label!r}" for one in case.samples if type(one.label) is not int or one.label >> 1]
    require(not wrong, f"labels are not 0 or 1: {some(wrong)}")


@dataset_rule("give each image an id of its own over all splits, such as its path in the set")
def ids_are_unique(case: DatasetCase) -> None:
    """Catch images of one id: scores are kept by it, so that one would stand for the other."""
    wrong = [one.id for one in case.samples if not isinstance(one.id, str) or not one.id.strip()]
    require(not wrong, f"ids are no texts: {some(map(repr, wrong))}")
    twice = [
        f"{identity!r} {count} times" for identity, count in Counter(s.id for s in case.samples).items() if count > 1
    ]
    require(not twice, f"ids are there more than once: {some(twice)}")


@dataset_rule("return sorted(samples, key=lambda sample: sample.id)")
def samples_are_sorted(case: DatasetCase) -> None:
    """Catch an order that a file system, a set or a dictionary decides."""
    ids = [one.id for one in case.samples]
    for place, (found, wanted) in enumerate(zip(ids, sorted(ids), strict=True)):
        require(found == wanted, f"number {place} is {found!r} where {wanted!r} comes first")


@dataset_rule(f"write one of {', '.join(SPLITS)} for each sample, or leave split out of all of them")
def splits_are_the_publishers(case: DatasetCase) -> None:
    """Catch images that would be in no part, or parts that nobody trains or tests on."""
    wrong = {one.split for one in case.samples if one.split not in (*SPLITS, None)}
    require(not wrong, f"the split of a sample is {some(map(repr, wrong))}")
    without = sum(one.split is None for one in case.samples)
    require(without in (0, len(case.samples)), f"{without} of {len(case.samples)} samples have no split")
    found = by_split(case.samples)
    lost = {"train", "test"} - set(found)
    require(without or not lost, f"no sample is in the split {some(sorted(lost))}, and all others are in a split")


@dataset_rule(
    "leave out a split without one of the classes, or let the harness cut the set: no sample has a split then"
)
def each_split_has_both_classes(case: DatasetCase) -> None:
    """Catch rates that are undefined: FNR without a positive, FPR without a negative."""
    for split, samples in by_split(case.samples).items():
        positives = sum(one.label for one in samples)
        counts = f"{positives} positives and {len(samples) - positives} negatives"
        require(0 < positives < len(samples), f"{split} has {counts}")


@dataset_rule("nothing to mend: with so few images of a class, or groups of them, use no more folds than that")
def has_images_for_folds(case: DatasetCase) -> None:
    """Catch a choice of folds that cannot be had."""
    units = units_of([one.group for one in case.samples])
    by_class = [{unit for unit, one in zip(units, case.samples, strict=True) if one.label == label} for label in (0, 1)]
    fewest = min(map(len, by_class))
    if fewest < FOLDS:
        raise CheckSkipped(f"it has {fewest} images or groups of one class: --folds takes {fewest} at most")


@dataset_rule("move a group to one split, or leave the publisher's splits out: no sample has a split then")
def groups_are_whole(case: DatasetCase) -> None:
    """Catch a patient, a plate or a photo on both sides, so that a network is tested on what it was trained on."""
    splits: dict[str, set[str | None]] = {}
    for one in case.samples:
        if one.group is not None:
            splits.setdefault(one.group, set()).add(one.split)
    torn = [f"{group!r} in {' and '.join(sorted(map(str, own)))}" for group, own in splits.items() if len(own) > 1]
    require(not torn, f"{len(torn)} groups are torn: {some(torn)}")


@dataset_rule("raise DatasetNotFound with what was looked for, where, and fix=self.remedy(folder)")
def says_what_is_missing(case: DatasetCase) -> None:
    """Catch an empty folder that ends in a traceback, or in a set of no images."""
    if case.asked.path is not None or not case.dataset.in_folder:
        raise CheckSkipped("it looks for nothing in the data folder")
    with tempfile.TemporaryDirectory() as place:
        for folder in (Path(place), Path(place, "absent")):
            _expect_absent(case, folder)


def _expect_absent(case: DatasetCase, folder: Path) -> None:
    where = "an empty folder" if folder.exists() else "a folder that is not there"
    try:
        found: Sequence[object] = list(case.dataset.samples(folder))
    except DatasetNotFound as error:
        told = f"{error.message} {error.fix}"
        named = case.dataset.name in told or str(folder) in told
        require(
            error.message.strip() and named, f"of {where} it says {error.message!r}: neither its name nor the folder"
        )
        require(error.fix.strip(), f"of {where} it says {error.message!r}, and not how to mend it")
    except HarnessError as error:
        raise CheckFailed(f"for {where} it raises {text_of(error)}, not DatasetNotFound") from None
    else:
        raise CheckFailed(f"for {where} it gives {len(found)} samples")
