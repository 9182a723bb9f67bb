"""What `harness data show NAME` shows: where a data set is looked for, and what is there."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from harness.data.asked import load_dataset
from harness.data.completeness import classes, official, remarks
from harness.data.dataset import Dataset, Sample, by_split, fetch_command
from harness.data.labelled import labelled
from harness.downloads.sources_file import FIRST_USE, SOURCES, read_sources
from harness.storage.disk import disk_errors


def data_lines(name: str, root: Path) -> list[str]:
    """Return the data set's card and its counts. Raises `DataError` for files that cannot be used."""
    dataset = load_dataset(name)
    lines = [
        f"{dataset.name} {dataset.version}: {dataset.classes[1]} (positive) against {dataset.classes[0]}",
        f"Licence: {dataset.licence}",
        f"Cite: {dataset.citation}",
        *(f"Mind: {caveat}" for caveat in dataset.caveats),
    ]
    if dataset.oracle_auc is not None:
        lines.append(f"Simulated; the best reachable AUC-ROC is {dataset.oracle_auc:.3f}")
    if dataset.in_folder:
        lines += [f"Folder: {root / name}", _origin(dataset, root / name)]
    samples = by_split(labelled(dataset, root / name))
    lines += [_counts(dataset, split, own) for split, own in samples.items()]
    with disk_errors(root / name):
        return lines + (remarks(dataset, root / name) if dataset.in_folder else [])


def _counts(dataset: Dataset, split: str, samples: Sequence[Sample]) -> str:
    found = sum(sample.is_here for sample in samples)
    own = classes(samples)
    counts = f"{split}: {own[1]} positives, {own[0]} negatives"
    if (known := official(dataset).get(split, own)) != own:
        counts += f" ({known[1]} and {known[0]} by the publisher)"
    return f"{counts} labelled; {found} of {len(samples)} images found" if dataset.in_folder else counts


def _origin(dataset: Dataset, folder: Path) -> str:
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
    return f"Not fetched by the harness; `{fetch_command(dataset)}` gets it from {' or '.join(hosts)}"
