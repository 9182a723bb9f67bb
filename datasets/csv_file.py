"""``csv:PATH``: a user's own images, named in a label file of path,label[,split][,group]."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.data import DataError, Dataset, DatasetNotFound, Sample
from harness.datasets.label_rows import Labelled, label_counts, labelled_rows
from harness.datasets.label_table import Table, TableError, read_table
from harness.datasets.own_images import (
    SPLIT_NAMES,
    class_faults,
    own_name,
    positive_of,
    positive_remark,
    refusal,
    stated,
)

_FIX = (
    "write path,label[,split][,group], a line an image: paths below the folder of this file, two labels, splits train,"
    " validation (if you like) and test; docs/data.md shows one"
)


@dataclass(frozen=True, kw_only=True)
class CsvFile(Dataset):
    """Images that a label file names; an id is the path as it is written there, below the file's own folder.

    ``positive`` is the label that must not be missed; None: the rarer one. The file is read once.
    """

    path: str
    positive: str | None = None

    version = "1"

    @cached_property
    def _file(self) -> Path:
        return Path(self.path).expanduser().resolve()

    @cached_property
    def _read(self) -> tuple[Table, list[Labelled]]:
        return read_label_file(self._file, self.positive)

    @cached_property
    def _counts(self) -> dict[str, int]:
        return label_counts(self._read[1])

    @property
    def name(self) -> str:
        """``csv-`` and the file's name without its ending."""
        return own_name("csv", self._file.with_suffix(""))

    @property
    def classes(self) -> tuple[str, str]:
        """The labels as they are written."""
        positive = positive_of(self._counts, self.positive)
        return next(label for label in self._counts if label != positive), str(positive)

    @property
    def licence(self) -> str:
        """Whether a file beside the label file states it."""
        return stated(self._file.parent, "LICENSE", "LICENCE", "COPYING")

    @property
    def citation(self) -> str:
        """Whether a file beside the label file states it."""
        return stated(self._file.parent, "CITATION")

    def samples(self, folder: Path) -> Sequence[Sample]:  # noqa: ARG002
        """Return every image; see `Dataset.samples`. ``folder`` is not looked at: ``path`` says where they are."""
        _, positive = self.classes
        return [
            Sample(id=one.id, label=int(one.label == positive), path=one.file, group=one.group, split=one.split)
            for one in self._read[1]
        ]

    def remarks(self, folder: Path) -> Sequence[str]:  # noqa: ARG002
        """Return which label was taken as positive, and which columns are not used."""
        remarks = [positive_remark(self._counts, self.classes[1])] if self.positive is None else []
        if unused := self._read[0].unused:
            remarks.append(f"columns that are not used: {', '.join(unused)}")
        return [f"{self.name}: {text}" for text in remarks]


def read_label_file(path: Path, positive: str | None) -> tuple[Table, list[Labelled]]:
    """Return the table and the labelled images of a file, given without links.

    Raises `DatasetNotFound` where it is not there, `DataError` with everything that is wrong with it, by line.
    """
    if not path.is_file():
        if path.exists():
            raise DataError(f"{path} is no file", fix="csv:PATH names a label file; folder:PATH a folder of images")
        raise DatasetNotFound(f"there is no label file {path}", fix="name the file that lists your images")
    try:
        table = read_table(path.read_bytes())
    except TableError as error:
        raise DataError(f"the label file {path} cannot be read: {error}", fix=_FIX) from None
    found, of_rows = labelled_rows(table.rows, path.parent)
    by_line = sorted([*table.faults, *of_rows], key=lambda fault: fault[0])
    faults = [f"line {line}: {text}" for line, text in by_line]
    faults += _set_faults(table, positive)
    if faults:
        raise refusal(f"the label file {path} has {len(faults)} faults", faults, _FIX)
    return table, found


def _set_faults(table: Table, positive: str | None) -> list[str]:
    """Return what is wrong with the whole: its labels and its splits, in the rows with faults too."""
    labels = Counter(row["label"] for _, row in table.rows if row["label"])
    faults = class_faults(labels, positive)
    if splits := {SPLIT_NAMES.get(row.get("split", "").casefold()) for _, row in table.rows} - {None}:
        faults += [f"no image is in the split {name}" for name in ("train", "test") if name not in splits]
    return faults
