"""my-dataset: images that a table describes."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.data import DataError, DatasetNotFound, FileDataset, Sample

LABELS = {"normal": 0, "abnormal": 1}
COLUMNS = ("file", "label", "group")


class MyDataset(FileDataset):
    """Every image of ``labels.csv`` in ``<data folder>/my-dataset/``: its file, its label, and what it was taken of.

    Images of one patient, plate or photo are alike: as one ``group`` they stay on one side of every split. Put your own
    here; a split of the publisher's is ``Sample(split="train")``, "validation" or "test".
    """

    # What results are kept under, and where its images are looked for; the same in pyproject.toml.
    name = "my-dataset"
    # Raise it when a label or an image changes: results on the old ones stay apart.
    version = "1"
    # The negative class, and the positive: the one that must not be missed.
    classes = ("normal", "abnormal")
    licence = "not stated"
    citation = "an example of `harness new dataset`"

    def samples(self, folder: Path) -> Sequence[Sample]:
        """Return every labelled image, sorted by id, also those whose file is missing."""
        table = folder / "labels.csv"
        if not table.is_file():
            raise DatasetNotFound(f"no label file {table}", fix=self.remedy(folder))
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        if faults := list(_faults(rows)):
            raise DataError(f"label file {table} has {len(faults)} faults", faults=faults, fix="mend these lines")
        samples = [
            Sample(id=row["file"], label=LABELS[row["label"]], path=folder / row["file"], group=row["group"] or None)
            for row in rows
        ]
        return sorted(samples, key=lambda sample: sample.id)


def _faults(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Say of each line what is wrong with it; lines are counted as an editor does."""
    for number, row in enumerate(rows, start=2):
        if missing := [column for column in COLUMNS if row.get(column) is None]:
            yield f"line {number} lacks {', '.join(missing)}"
        elif row["label"] not in LABELS:
            yield f"line {number}: the label {row['label']!r} is none of {', '.join(LABELS)}"
