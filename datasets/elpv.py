"""ELPV: solar cells in electroluminescence images, functional against defective, from an installed package."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness.data import DataError, DatasetNotFound, FileDataset, Sample, Split

_MODULE = "elpv_dataset"
_FAULTS_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Elpv(FileDataset):
    """2,624 cells of 44 photovoltaic modules; a defect probability above 0.5 is positive (821 against 1,803).

    ``strict``: only what the annotators were sure of, probability 0 (1,508) against 1 (715). No official split.
    Source: Buerhop-Lutz et al. 2018, doi:10.4229/35thEUPVSEC20182018-5CV.3.15.
    """

    strict: bool = False

    name = "elpv"
    version = "1.0"
    classes = ("functional", "defective")
    licence = "CC-BY-NC-SA-4.0"
    thumbnails = True
    citation = (
        "Buerhop-Lutz et al. 2018, A Benchmark for Visual Identification of Defective Solar Cells in"
        " Electroluminescence Imagery, doi:10.4229/35thEUPVSEC20182018-5CV.3.15; Deitsch et al. 2019, Automatic"
        " classification of defective photovoltaic module cells in electroluminescence images,"
        " doi:10.1016/j.solener.2019.02.067"
    )
    in_folder = False
    selective = True
    caveats: ClassVar[tuple[str, ...]] = (
        "The 2,624 cells are cut from 44 solar modules and no label says which, so that cells of one module may lie in"
        " training and test.",
        "716 of them look like another one (perceptual hash), some are one cell twice: of a random quarter about one in"
        " four has such a relative among the others.",
    )

    @property
    def official_counts(self) -> Mapping[Split | None, tuple[int, int]]:
        """All cells, which nobody has split."""
        return {None: (1_508, 715) if self.strict else (1_803, 821)}

    def samples(self, folder: Path) -> Sequence[Sample]:  # noqa: ARG002
        """Return the labelled cells, sorted by id; see `Dataset.samples`. ``folder`` is not looked into."""
        data = package_folder(self) / "data"
        probabilities = read_labels(data / "labels.csv")
        return [
            Sample(id=Path(image).stem, label=int(probability > 0.5), path=data / image)
            for image, probability in sorted(probabilities.items())
            if not self.strict or probability in (0, 1)
        ]


def package_folder(dataset: Elpv) -> Path:
    """Return where the package with the images is installed; none of its code runs.

    Raises `DatasetNotFound` with the command that installs it.
    """
    found = importlib.util.find_spec(_MODULE)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise DatasetNotFound(
            f"the package elpv-dataset, which holds the images of {dataset.name}, is not installed",
            fix="pip install 'prune-harness[elpv]' (91 MB, licence CC BY-NC-SA 4.0)",
        )
    return Path(places[0])


def read_labels(path: Path) -> Mapping[str, float]:
    """Return defect probability by image from lines like ``images/cell0001.png  1.0  mono``.

    Raises `DatasetNotFound` without the file, and `DataError` with every faulty line.
    """
    if not path.is_file():
        raise DatasetNotFound(f"no label file {path}", fix="pip install --force-reinstall elpv-dataset")
    probabilities: dict[str, float] = {}
    faults = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        image, probability, fault = _parsed(line)
        if fault or image in probabilities:
            faults.append(f"line {number}: {fault or f'{image} is listed again'}")
        probabilities[image] = probability
    if not probabilities:
        faults.append("the file is empty")
    if faults:
        hidden = len(faults) - _FAULTS_SHOWN
        raise DataError(
            f"label file {path} has {len(faults)} faults",
            faults=faults[:_FAULTS_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else []),
            fix="pip install --force-reinstall elpv-dataset",
        )
    return probabilities


def _parsed(line: str) -> tuple[str, float, str]:
    """Return image, probability and what is wrong with the line, which is empty where nothing is."""
    image, probability, kind = (*line.split(), "", "", "")[:3]
    try:
        value = float(probability)
    except ValueError:
        return image, 0.0, f"{image} has no defect probability but {probability!r}"
    if not 0 <= value <= 1:
        return image, value, f"{image} has the defect probability {probability}, not one from 0 to 1"
    if len(line.split()) != 3 or kind not in ("mono", "poly"):
        return image, value, f"{line.strip()!r} is not an image, a probability, and mono or poly"
    if not image.startswith("images/") or ".." in image:
        return image, value, f"{image!r} does not lie in images/"
    return image, value, ""
