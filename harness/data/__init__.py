"""All that a data set needs, from here alone: what it is, its samples, its files elsewhere, and what goes wrong.

Every other module of the harness is private by agreement and may move.
"""

from harness.data.dataset import Dataset, FileDataset, RemoteFile, Sample, Split
from harness.data.simulated_dataset import SimulatedDataset
from harness.errors import DataError, DatasetNotFound
from harness.images.unreadable import Unreadable

__all__ = [
    "DataError",
    "Dataset",
    "DatasetNotFound",
    "FileDataset",
    "RemoteFile",
    "Sample",
    "SimulatedDataset",
    "Split",
    "Unreadable",
]
