"""BreastMNIST: malignant tumours against benign ones and normal tissue in breast ultrasound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.data import Split
from harness.datasets.medmnist import MedMnist

_MALIGNANT = 0  # and 1 is normal or benign: the other way round than everywhere here


@dataclass(frozen=True, kw_only=True)
class BreastMnist(MedMnist):
    """The 780 ultrasound images of BUSI in MedMNIST's split.

    Source: Al-Dhabyani et al. 2020, doi:10.1016/j.dib.2019.104863; its repeated images: Pawlowska et al. 2023,
    doi:10.1016/j.dib.2023.109247.
    """

    name = "breastmnist"
    classes = ("normal or benign", "malignant")
    licence = "CC-BY-4.0"
    thumbnails = True
    citation = (
        "Yang et al. 2023, MedMNIST v2, doi:10.1038/s41597-022-01721-8; Al-Dhabyani et al. 2020, Dataset of breast"
        " ultrasound images, doi:10.1016/j.dib.2019.104863"
    )
    caveats: ClassVar[tuple[str, ...]] = (
        "The 780 images of “breastmnist” are of 600 patients, and some are in it twice (Pawlowska et al. 2023,"
        " doi:10.1016/j.dib.2023.109247): the split is of images, so that one patient may be on both sides.",
    )
    official_counts: ClassVar[Mapping[Split | None, tuple[int, int]]] = {
        "train": (399, 147),
        "validation": (57, 21),
        "test": (114, 42),
    }
    md5: ClassVar[Mapping[int, str]] = {
        28: "750601b1f35ba3300ea97c75c52ff8f6",
        64: "742edef2a1fd1524b2efff4bd7ba9364",
        128: "363e4b3f8d712e9b5de15470a2aaadf1",
        224: "b56378a6eefa9fed602bb16d192d4c8b",
    }
    most_label = 1

    def is_positive(self, label: int) -> bool:
        """Return whether a tumour is malignant."""
        return label == _MALIGNANT
