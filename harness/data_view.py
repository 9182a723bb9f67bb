"""What `harness data NAME` shows: where a data set is looked for, and what is there."""

from pathlib import Path

from harness.data import SPLITS, load_dataset
from harness.dataset import FileDataset, SimulatedDataset


def data_lines(name: str, root: Path) -> list[str]:
    """Return the data set's card and its counts. Raises `DataError` for files that cannot be used."""
    dataset = load_dataset(name)
    lines = [
        f"{dataset.name} {dataset.version}: {dataset.classes[1]} (positive) against {dataset.classes[0]}",
        f"Licence: {dataset.licence}",
        f"Cite: {dataset.citation}",
    ]
    if isinstance(dataset, SimulatedDataset):
        lines.append(f"Simulated; the best reachable AUC-ROC is {dataset.oracle_auc:.3f}")
        for split in SPLITS:
            labels = dataset.labels(split)
            lines.append(f"{split}: {labels.sum()} positives, {len(labels) - labels.sum()} negatives")
        return lines
    assert isinstance(dataset, FileDataset)
    lines.append(f"Folder: {root / name}")
    for split in SPLITS:
        samples = dataset.samples(root / name, split)
        positives = sum(sample.label for sample in samples)
        found = sum(sample.path.is_file() for sample in samples)
        lines.append(
            f"{split}: {positives} positives, {len(samples) - positives} negatives labelled;"
            f" {found} of {len(samples)} images found"
        )
    return lines
