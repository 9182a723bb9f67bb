"""What `harness data show NAME` shows: what a data set is, where it is looked for, and what is there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.data.asked import folder_of, load_dataset, takes_path
from harness.data.completeness import classes, official, remarks
from harness.data.dataset import Dataset, Sample, by_split, fetch_command
from harness.data.labelled import labelled
from harness.downloads.sources_file import FIRST_USE, SOURCES, read_sources
from harness.images.image_files import SizeRange, same_files, size_range
from harness.storage.disk import disk_errors

_COPIES_SHOWN = 3


@dataclass(frozen=True)
class Counts:
    """Labelled images of one split, how many have their image here, and (negatives, positives) by the publisher."""

    positives: int
    negatives: int
    found: int
    official: tuple[int, int] | None


@dataclass(frozen=True)
class DataCard:
    """What is known of a data set without decoding an image. ``same_files`` are groups of ids."""

    name: str
    version: str
    negative: str
    positive: str
    licence: str
    citation: str
    simulated: bool
    oracle_auc: float | None
    caveats: tuple[str, ...]
    folder: str | None
    origin: str | None
    splits: dict[str, Counts]
    sizes: SizeRange | None
    same_files: list[list[str]]
    remarks: list[str]

    def values(self) -> dict[str, Any]:
        """Return all as JSON values."""
        sizes = self.sizes and {name: list(size) for name, size in self.sizes._asdict().items()}
        return {**asdict(self), "sizes": sizes}


def data_lines(name: str, root: Path) -> list[str]:
    """Return the card of a data set as text. Raises `DataError` for files that cannot be used."""
    return card_lines(card_of(load_dataset(name), root))


def card_of(dataset: Dataset, root: Path) -> DataCard:
    """Return the card of a data set, ``root`` being the data folder. Raises `DataError` as `labelled` does."""
    folder, own = folder_of(dataset, root), takes_path(type(dataset))
    with disk_errors(folder):
        samples = labelled(dataset, folder)
        files = [(sample.id, path) for sample in samples if (path := sample.path) is not None and sample.is_here]
        paths = [path for _, path in files]
        return DataCard(
            name=dataset.name,
            version=dataset.version,
            negative=dataset.classes[0],
            positive=dataset.classes[1],
            licence=dataset.licence,
            citation=dataset.citation,
            simulated=dataset.simulated,
            oracle_auc=dataset.oracle_auc,
            caveats=tuple(getattr(dataset, "caveats", ())),
            folder=str(folder) if dataset.in_folder or own else None,
            origin=_origin(dataset, folder) if dataset.in_folder else None,
            splits={split: _counts(dataset, split, own) for split, own in by_split(samples).items()},
            sizes=size_range(paths),
            same_files=[[files[place][0] for place in group] for group in same_files(paths)],
            remarks=remarks(dataset, folder) if dataset.in_folder or own else [],
        )


def card_lines(card: DataCard) -> list[str]:
    """Return a card for a person."""
    lines = [
        f"{card.name} {card.version}: {card.positive} (positive) against {card.negative}",
        f"Licence: {card.licence}",
        f"Cite: {card.citation}",
        *(f"Mind: {caveat}" for caveat in card.caveats),
    ]
    if card.oracle_auc is not None:
        lines.append(f"Simulated; the best reachable AUC-ROC is {card.oracle_auc:.3f}")
    if card.folder is not None:
        lines.append(f"Folder: {card.folder}")
    if card.origin is not None:
        lines.append(card.origin)
    lines += [_counts_line(split, counts, card) for split, counts in card.splits.items()]
    if card.sizes is not None:
        lines += [f"Sizes: {card.sizes}", _copies_line(card)]
    return lines + card.remarks


def _counts(dataset: Dataset, split: str, samples: Sequence[Sample]) -> Counts:
    negatives, positives = classes(samples)
    return Counts(positives, negatives, sum(sample.is_here for sample in samples), official(dataset).get(split))


def _counts_line(split: str, counts: Counts, card: DataCard) -> str:
    own = (counts.negatives, counts.positives)
    line = f"{split}: {counts.positives} positives, {counts.negatives} negatives"
    if counts.official not in (None, own) and counts.official:
        line += f" ({counts.official[1]} and {counts.official[0]} by the publisher)"
    return f"{line} labelled; {counts.found} of {sum(own)} images found" if card.folder is not None else line


def _copies_line(card: DataCard) -> str:
    if not card.same_files:
        return "Copies: no file is there twice; `harness data check` compares pixels and looks, too"
    shown = "; ".join(" = ".join(group) for group in card.same_files[:_COPIES_SHOWN])
    more = ", ..." if len(card.same_files) > _COPIES_SHOWN else ""
    return f"Copies: {len(card.same_files)} files are there more than once: {shown}{more}"


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
