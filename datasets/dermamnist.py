"""DermaMNIST: melanoma against six other kinds of pigmented skin lesions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.data import Split
from harness.datasets.medmnist import MedMnist

_MELANOMA = 4


@dataclass(frozen=True, kw_only=True)
class DermaMnist(MedMnist):
    """The 10,015 dermatoscopic images of HAM10000 in MedMNIST's split of images, not of lesions.

    Source: Tschandl et al. 2018, doi:10.1038/sdata.2018.161; the lesions on both sides of the split: Abhishek et al.
    2025, doi:10.1038/s41597-025-04382-5.
    """

    name = "dermamnist"
    classes = ("other lesion", "melanoma")
    licence = "CC-BY-NC-4.0"
    thumbnails = True
    citation = (
        "Yang et al. 2023, MedMNIST v2, doi:10.1038/s41597-022-01721-8; Tschandl et al. 2018, The HAM10000 dataset,"
        " doi:10.1038/sdata.2018.161"
    )
    caveats: ClassVar[tuple[str, ...]] = (
        "Images of one lesion fall on both sides: 886 of the 2,005 test images of “dermamnist” show a lesion that is"
        " in training too (Abhishek et al. 2025, doi:10.1038/s41597-025-04382-5), and the file does not say which.",
    )
    official_counts: ClassVar[Mapping[Split | None, tuple[int, int]]] = {
        "train": (6_228, 779),
        "validation": (892, 111),
        "test": (1_782, 223),
    }
    md5: ClassVar[Mapping[int, str]] = {
        28: "0744692d530f8e62ec473284d019b0c7",
        64: "b70a2f5635c6199aeaa28c31d7202e1f",
        128: "2defd784463fa5243564e855ed717de1",
        224: "8974907d8e169bef5f5b96bc506ae45d",
    }
    most_label = 6

    def is_positive(self, label: int) -> bool:
        """Return whether a lesion is a melanoma."""
        return label == _MELANOMA
