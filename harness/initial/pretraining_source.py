"""Which simulated data set W0 is pretrained on: one that does not show it the classes it is then trained on."""

from harness.data.asked import load_dataset
from harness.data.dataset import Dataset

AUTO = "auto"

_SOURCES = ("isic-sim", "crack-sim")


def pretraining_source(written: str, dataset: Dataset) -> str:
    """Return the simulated data set to pretrain on for ``dataset``; ``auto`` is the first that is none of its kind."""
    if written != AUTO:
        return written
    return next(source for source in _SOURCES if not saw_classes(source, dataset))


def saw_classes(source: str, dataset: Dataset) -> bool:
    """Return whether who was pretrained on ``source`` has seen the classes of ``dataset``: its own simulator drew them.

    Of another seed or with other options it draws other images by the same rule, so that is all one.
    """
    drawn = type(load_dataset(source))
    return issubclass(drawn, type(dataset)) or isinstance(dataset, drawn)
