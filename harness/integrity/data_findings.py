"""What `harness data check` says: each fault of a set, each copy, and what is fine."""

from collections.abc import Iterator, Sequence

from harness.data.dataset import WHOLE
from harness.data.inspection import INSPECTED_AT, Inspection
from harness.images.duplicates import Group, images_in
from harness.integrity.finding import Finding

_MEMBERS_SHOWN = 4
_GROUPS_SHOWN = 20


def findings_of(found: Inspection, classes: tuple[str, str]) -> Iterator[Finding]:
    """Yield all that was found; ``classes`` are (negative, positive) in words."""
    yield from _files(found)
    yield from _splits(found)
    yield from _twice(found, classes)
    yield from _alike(found, classes)
    yield from _groups(found)


def _files(found: Inspection) -> Iterator[Finding]:
    if found.missing:
        shown = ", ".join(found.missing[:_MEMBERS_SHOWN])
        text = f"{len(found.missing):,} images are labelled and their files not here, such as {shown}"
        yield Finding("files", "bad", text, "add them, or take their labels away; --json names all")
    for note in found.notes:
        yield Finding("files", "note", note)
    for identity, reason in found.broken:
        yield Finding("files", "bad", f"{identity}: {reason}")
    if found.broken:
        text = f"{len(found.broken):,} of {len(found.broken) + len(found.samples):,} files cannot be read"
        remedy = "replace them, or take their labels away; a run goes on without them by --skip-broken"
        yield Finding("files", "bad", text, remedy)
    if not found.missing and not found.broken:
        yield Finding("files", "ok", f"all {len(found.samples):,} images can be read")


def _splits(found: Inspection) -> Iterator[Finding]:
    for split in found.one_class:
        what = "the set" if split == WHOLE else f"the {split} split"
        yield Finding("classes", "bad", f"{what} has one class alone", "each split needs images of both")
    if not found.one_class:
        where = "classes" if {*found.splits} == {WHOLE} else "classes in each split"
        yield Finding("classes", "ok", f"both {where}")


def _twice(found: Inspection, classes: tuple[str, str]) -> Iterator[Finding]:
    """Tell of copies: what a run refuses first, then those that it keeps together."""
    for groups, how in ((found.same_bytes, "the same file"), (found.same_pixels, f"the same at {INSPECTED_AT} px")):
        wrong = found.wrong(groups)
        for group in wrong:
            yield Finding("copies", "bad", f"{how}{_where(found, group)}: {_named(found, group, classes)}")
        rest = _others(groups, wrong)
        for group in rest[:_GROUPS_SHOWN]:
            yield Finding("copies", "note", f"{how}: {_named(found, group, classes)}")
        if len(rest) > _GROUPS_SHOWN:
            yield Finding("copies", "note", f"{how}: {len(rest) - _GROUPS_SHOWN} more groups, all in --json")
    if found.wrong([*found.same_bytes, *found.same_pixels]):
        remedy = "keep one of each; a run goes on with --allow-duplicates, stamped on every result"
        yield Finding("copies", "bad", "a run refuses copies in two splits or under both labels", remedy)
    if not found.same_bytes and not found.same_pixels:
        yield Finding("copies", "ok", f"no image is there twice, as a file or by its pixels at {INSPECTED_AT} px")


def _alike(found: Inspection, classes: tuple[str, str]) -> Iterator[Finding]:
    """Tell of near duplicates, those in two splits or under both labels first."""
    wrong = found.wrong(found.alike)
    order = [*wrong, *_others(found.alike, wrong)]
    for group in order[:_GROUPS_SHOWN]:
        yield Finding("looks", "note", f"alike{_where(found, group)}: {_named(found, group, classes)}")
    if len(order) > _GROUPS_SHOWN:
        yield Finding("looks", "note", f"{len(order) - _GROUPS_SHOWN} more groups look alike, all in --json")
    if order:
        yield Finding(
            "looks",
            "note",
            f"{images_in(order)} images look like another one, {images_in(wrong)} of them in two splits or under both"
            " labels: perhaps one picture saved twice",
            "look at them; where they are one picture, keep one, or give them one group",
        )
    else:
        yield Finding("looks", "ok", "no two images look alike")


def _groups(found: Inspection) -> Iterator[Finding]:
    for group in found.torn:
        yield Finding("groups", "bad", f"{group} is in two splits", "images of one group belong into one split")
    if not found.torn and (groups := {one.group for one in found.samples} - {None}):
        yield Finding("groups", "ok", f"none of {len(groups):,} groups is in two splits")


def _others(groups: Sequence[Group], wrong: Sequence[Group]) -> list[Group]:
    known = {*wrong}
    return [group for group in groups if group not in known]


def _where(found: Inspection, group: Group) -> str:
    splits = {found.splits[place] for place in group}
    labels = {found.samples[place].label for place in group}
    return ", in two splits" * (len(splits) > 1) + ", under both labels" * (len(labels) > 1)


def _named(found: Inspection, group: Sequence[int], classes: tuple[str, str]) -> str:
    named = []
    for place in group[:_MEMBERS_SHOWN]:
        sample = found.samples[place]
        named.append(f"{sample.id} ({', '.join([*([sample.split] if sample.split else []), classes[sample.label]])})")
    more = len(group) - _MEMBERS_SHOWN
    return ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])
