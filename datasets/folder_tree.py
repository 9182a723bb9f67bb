"""Reading a folder of images: which folders are splits, which are classes, and everything that is wrong with them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.data import DataError, DatasetNotFound, Split
from harness.datasets.image_walk import Contents, contents_of, listed
from harness.datasets.own_images import SPLIT_NAMES, class_faults, counted, is_image, refusal

_EXAMPLES = 3
_ORDER: tuple[Split, ...] = ("train", "validation", "test")
_FIX = (
    "put the images of each class into a folder of its own, two in all; or into train/, test/ and, if you like, val/"
    " with the same two in each; a label file (csv:PATH) can name images wherever they lie"
)


@dataclass(frozen=True)
class Place:
    """A class folder: its split, None where there are none, its class and what is in it.

    A class is called as its first folder is: another split may write it in another case.
    """

    split: Split | None
    name: str
    contents: Contents


@dataclass(frozen=True)
class Tree:
    """The class folders of a set, images that lie beside them, and everything that is wrong."""

    root: Path
    places: list[Place] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class."""
        return _counts(self.places)

    def remarks(self) -> Iterator[str]:
        """Tell what is there and not used, or used otherwise than one might think."""
        if unused := [name for place in self.places for name in place.contents.unused]:
            yield f"files that are no images by their names are not used: {len(unused)}, such as {_shown(unused)}"
        if self.beside:
            yield f"images in no class folder are not used: {len(self.beside)}, such as {_shown(self.beside)}"
        if below := [name for place in self.places for name in place.contents.below]:
            yield (
                f"images of folders below the class folders are used, such as {_shown(below)}; where those of one"
                " folder belong together, only a label file (csv:PATH with a column group) can say so"
            )


def read_tree(root: Path, positive: str | None) -> Tree:
    """Return the class folders below ``root``, which is given without links.

    Raises `DatasetNotFound` where no folder is, `DataError` with everything that is wrong with it.
    """
    if not root.is_dir():
        if root.exists():
            raise DataError(f"{root} is a file", fix="folder:PATH names a folder; csv:PATH is for a label file")
        raise DatasetNotFound(f"there is no folder {root}", fix="name the folder that holds your class folders")
    tree = Tree(root)
    for split, folder in _splits(tree).items():
        _read_split(tree, split, folder)
    faults = tree.faults or class_faults(tree.counts, positive)
    if faults:
        raise refusal(f"the folder {root} cannot be used as a data set", faults, _FIX)
    return tree


def _splits(tree: Tree) -> dict[Split | None, Path]:
    """Return the folders that are splits by their names, in any case; the root where there is none."""
    folders = [Path(entry.path) for entry in listed(tree.root)[0]]
    found = {split: [one for one in folders if SPLIT_NAMES.get(one.name.casefold()) == split] for split in _ORDER}
    if not any(found.values()):
        return {None: tree.root}
    named = [one.name for own in found.values() for one in own]
    others = [one.name for one in folders if one.name not in named]
    for split, own in found.items():
        if len(own) > 1:
            tree.faults.append(f"{' and '.join(one.name for one in own)} both name the {split} split")
        if not own and split != "validation":
            tree.faults.append(f"{_shown(named)}: splits by name, but there is no folder {split}")
    if others:
        tree.faults.append(f"{_shown(named)}: splits by name, beside {_shown(others)}, which are none")
    return {} if tree.faults else {split: own[0] for split, own in found.items() if own}


def _read_split(tree: Tree, split: Split | None, folder: Path) -> None:
    """Add the class folders of one split, and what is wrong with them."""
    before = {place.name.casefold(): place.name for place in tree.places}
    folders, files = listed(folder)
    own = []
    for entry in folders:
        if entry.is_symlink() or folder.is_symlink():
            tree.faults.append(f"{_below(entry, tree.root)} is a link to a folder")
        name = before.get(entry.name.casefold(), entry.name)
        own.append(Place(split, name, contents_of(Path(entry.path), tree.root)))
        tree.faults.extend(_contents_faults(_below(entry, tree.root), own[-1].contents))
    tree.faults.extend(_name_faults(str(split) if split else "the folder", own, set(before.values())))
    if len(own) == 1 and split is None:
        tree.faults.extend(_deeper(Path(folders[0].path)))
    tree.places.extend(own)
    tree.beside.extend(_below(entry, tree.root) for entry in files if is_image(entry.name))


def _name_faults(where: str, own: list[Place], before: set[str]) -> Iterator[str]:
    """Tell what is wrong with the class folders of one split: their number, their names."""
    names = {place.name for place in own}
    if len(own) != 2:
        counts = counted(_counts(own))
        number = f"{len(own)} class folder{'s' * (len(own) != 1)}"
        yield f"{where} has {number}, where two are needed" + (f": {counts}" if own else "")
    elif len({name.casefold() for name in names}) == 1:
        yield f"{where} has class folders whose names differ in case alone: {' and '.join(sorted(names))}"
    elif before and names != before:
        yield f"{where} has the classes {_shown(names)}, the split before it {_shown(before)}"


def _contents_faults(where: str, contents: Contents) -> Iterator[str]:
    if not contents.images and not contents.faults:
        other = contents.unused
        yield f"{where} has no images" + (f", only other files, such as {_shown(other)}" if other else "")
    yield from contents.faults
    for name in contents.below:
        if Path(name).name.casefold() in SPLIT_NAMES:
            yield f"{name} is a split by its name, in a class folder: splits hold classes, and not the other way round"


def _deeper(folder: Path) -> Iterator[str]:
    """Tell of class folders that lie one folder deeper, as an archive's often do."""
    if len(listed(folder)[0]) > 1:
        yield f"perhaps the folder in it is meant: folder:{folder}"


def _counts(places: Iterable[Place]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for place in places:
        counts[place.name] = counts.get(place.name, 0) + len(place.contents.images)
    return counts


def _below(entry: os.DirEntry[str], root: Path) -> str:
    return Path(entry.path).relative_to(root).as_posix()


def _shown(names: Iterable[str]) -> str:
    """Return a few names, sorted."""
    return ", ".join(sorted(names)[:_EXAMPLES])
