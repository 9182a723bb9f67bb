"""What `harness data show NAME` shows: where a data set is looked for, and what is there."""

from pathlib import Path
from urllib.parse import urlsplit

from harness.data.dataset import FileDataset, SimulatedDataset
from harness.data.locating import SPLITS, load_dataset
from harness.downloads.sources_file import FIRST_USE, SOURCES, read_sources
from harness.storage.disk import disk_errors


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
    lines += [f"Folder: {root / name}", _origin(dataset, root / name)]
    for split in SPLITS:
        with disk_errors(root / name):
            samples = dataset.samples(root / name, split)
            found = sum(sample.path.is_file() for sample in samples)
        positives = sum(sample.label for sample in samples)
        lines.append(
            f"{split}: {positives} positives, {len(samples) - positives} negatives labelled;"
            f" {found} of {len(samples)} images found"
        )
    return lines


def _origin(dataset: FileDataset, folder: Path) -> str:
    """Return where the files came from, or could come from."""
    if sources := read_sources(folder):
        recorded = sum(source.hash == FIRST_USE for source in sources.values())
        date = max(source.date for source in sources.values())
        return (
            f"Fetched: {len(sources)} files, the last on {date}; {len(sources) - recorded} with a published sha256,"
            f" {recorded} with one recorded on first use ({SOURCES})"
        )
    if not dataset.remote_files:
        return "Cannot be fetched: put the publisher's files there by hand"
    hosts = sorted({urlsplit(url).hostname or "" for remote in dataset.remote_files for url in remote.mirrors})
    return f"Not fetched by the harness; `harness data fetch {dataset.name}` gets it from {' or '.join(hosts)}"
