"""``folder:PATH``: a user's own images in two class folders, or in the class folders of train, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.data import Dataset, Sample
from harness.datasets.folder_tree import Tree, read_tree
from harness.datasets.own_images import own_name, positive_of, positive_remark, stated


@dataclass(frozen=True, kw_only=True)
class Folder(Dataset):
    """Images whose class is the folder that they lie in, at any depth; an id is the path below ``path``.

    ``positive`` names the class that must not be missed; None: the rarer one. The folder is read once.
    """

    path: str
    positive: str | None = None

    version = "1"

    @cached_property
    def _root(self) -> Path:
        return Path(self.path).expanduser().resolve()

    @cached_property
    def _tree(self) -> Tree:
        return read_tree(self._root, self.positive)

    @property
    def name(self) -> str:
        """``folder-`` and the folder's name."""
        return own_name("folder", self._root)

    @property
    def classes(self) -> tuple[str, str]:
        """The folders' names, as in the first split."""
        positive = positive_of(self._tree.counts, self.positive)
        return next(name for name in self._tree.counts if name != positive), str(positive)

    @property
    def licence(self) -> str:
        """Whether a file beside the images states it."""
        return stated(self._root, "LICENSE", "LICENCE", "COPYING")

    @property
    def citation(self) -> str:
        """Whether a file beside the images states it."""
        return stated(self._root, "CITATION")

    def samples(self, folder: Path) -> Sequence[Sample]:  # noqa: ARG002
        """Return every image; see `Dataset.samples`. ``folder`` is not looked at: ``path`` says where they are."""
        _, positive = self.classes
        return [
            Sample(id=image, label=int(place.name == positive), path=self._root / image, split=place.split)
            for place in self._tree.places
            for image in place.contents.images
        ]

    def remarks(self, folder: Path) -> Sequence[str]:  # noqa: ARG002
        """Return which class was taken as positive, and what lies there unused."""
        chosen = [positive_remark(self._tree.counts, self.classes[1])] if self.positive is None else []
        return [f"{self.name}: {text}" for text in (*chosen, *self._tree.remarks())]
