"""ISIC-2016 part 3: benign lesions against melanomas, 900 training and 379 test images."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.data import DataError, DatasetNotFound, FileDataset, RemoteFile, Sample, Split

_NAMES: dict[Split, str] = {"train": "Training", "test": "Test"}
_IMAGES = "ISBI2016_ISIC_Part3_{}_Data"
_LABELS = "ISBI2016_ISIC_Part3_{}_GroundTruth.csv"

# The training file says benign and malignant; copies of the test file say 0 and 1, or 0.0 and 1.0.
_SPELLINGS = {"benign": 0, "0": 0, "0.0": 0, "malignant": 1, "1": 1, "1.0": 1}
_ID = re.compile(r"ISIC_\d{7}")
_FAULTS_SHOWN = 50

_BASES = (
    "https://isic-archive.s3.amazonaws.com/challenges/2016/",
    "https://isic-challenge-data.s3.amazonaws.com/2016/",
)


def _remote(
    name: str, *, sha256: str | None = None, seen_sha256: str | None = None, unpacks_to: str | None = None
) -> RemoteFile:
    mirrors = tuple(base + name for base in _BASES)
    return RemoteFile(name=name, mirrors=mirrors, sha256=sha256, seen_sha256=seen_sha256, unpacks_to=unpacks_to)


# The publisher lists no hashes. Those of the training files are recorded by the OpenNN project for its downloads
# (examples/melanoma_cancer/data/SOURCE.md); that of the test labels is of a copy with the official counts.
_REMOTE_FILES = (
    _remote(_LABELS.format("Training"), sha256="0ffadd63b7cec650cddfbe5df54d1d3167453fe6004c2bbf05824184b0c4d405"),
    _remote(_LABELS.format("Test"), seen_sha256="8f7718bfe5ed110e0235b0d9afc40fe89e52610c5687cc9cd7dd0c23352b82ce"),
    _remote(
        _IMAGES.format("Training") + ".zip",
        sha256="d78bd1de08511b514e58784c91fd2d8dab24e407cafd023a7debbceb9155ffb2",
        unpacks_to=_IMAGES.format("Training"),
    ),
    _remote(_IMAGES.format("Test") + ".zip", unpacks_to=_IMAGES.format("Test")),
)


class Isic(FileDataset):
    """ISIC-2016 part 3, lesion classification.

    Official counts: 727 benign and 173 malignant for training, 304 and 75 for test (the paper's 303 and 76 are off
    by one). Source: Gutman et al. 2016, arXiv:1605.01397.
    """

    name = "isic"
    version = "2016-part3"
    classes = ("benign", "malignant")
    licence = "CC0-1.0"
    thumbnails = True
    citation = "Gutman et al. 2016, Skin Lesion Analysis toward Melanoma Detection, arXiv:1605.01397"
    substitute = "isic-sim"
    official_counts: ClassVar[Mapping[Split | None, tuple[int, int]]] = {"train": (727, 173), "test": (304, 75)}
    remote_files = _REMOTE_FILES

    def samples(self, folder: Path) -> Sequence[Sample]:
        """Return the labelled images of both splits; see `Dataset.samples`."""
        paths = {split: folder / _LABELS.format(name) for split, name in _NAMES.items()}
        if lost := [path for path in paths.values() if not path.is_file()]:
            kind = DatasetNotFound if len(lost) == len(paths) else DataError  # one is here: the other is lost
            raise kind(f"no label file {lost[0]}", fix=self.remedy(folder))
        samples = [
            Sample(id=identity, label=label, path=_image(folder, split, identity), split=split)
            for split, labels in _read_all(paths).items()
            for identity, label in labels.items()
        ]
        return sorted(samples, key=lambda sample: sample.id)


def _image(folder: Path, split: Split, identity: str) -> Path:
    return folder / _IMAGES.format(_NAMES[split]) / f"{identity}.jpg"


def _read_all(paths: Mapping[Split, Path]) -> dict[Split, dict[str, int]]:
    """Return the labels of each split. Raises `DataError` with the faults of all label files."""
    labels: dict[Split, dict[str, int]] = {}
    faulty: list[DataError] = []
    for split, path in paths.items():
        try:
            labels[split] = read_labels(path)
        except DataError as error:
            faulty.append(error)
    if len(faulty) > 1:
        faults = [f"{error.message}: {fault}" for error in faulty for fault in error.faults]
        raise DataError("the label files have faults", faults=faults, fix=faulty[0].fix)
    if faulty:
        raise faulty[0]
    return labels


def read_labels(path: Path) -> dict[str, int]:
    """Return label by image id from an official ground-truth file: no header, ``ISIC_0000000,benign`` a line.

    Raises `DataError` with every unknown, missing or duplicate label, by line number.
    """
    labels: dict[str, int] = {}
    faults: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        identity, _, written = (part.strip() for part in line.partition(","))
        label = _SPELLINGS.get(written.lower())
        if not _ID.fullmatch(identity):
            faults.append(f"line {number}: {identity!r} is not an image id like ISIC_0000000")
        elif not written:
            faults.append(f"line {number}: {identity} has no label")
        elif label is None:
            faults.append(f"line {number}: {identity} has the unknown label {written!r}")
        elif identity in labels:
            same = "again" if labels[identity] == label else "with another label"
            faults.append(f"line {number}: {identity} is listed {same}")
        else:
            labels[identity] = label
    if not labels and not faults:
        faults.append("the file is empty")
    if faults:
        hidden = len(faults) - _FAULTS_SHOWN
        more = [f"and {hidden} more"] if hidden > 0 else []
        raise DataError(
            f"label file {path} has {len(faults)} faults",
            faults=faults[:_FAULTS_SHOWN] + more,
            fix="each line must be an image id, a comma, and benign or malignant (0 or 1), each id once",
        )
    return labels
