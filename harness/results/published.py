"""What goes to MLflow and comes back: a run, its levels by their density, and what became of its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedLevel:
    """One level of a run: its metrics, its files by name, and a hash that changes when they do."""

    metrics: Mapping[str, float]
    files: Mapping[str, bytes]
    digest: str


@dataclass(frozen=True, kw_only=True)
class UsedData:
    """One split that a run read, as MLflow lists data sets: the set's ``name``, and what the ``split`` is called.

    ``digest`` is of what was read, at most 36 characters. ``source`` and ``profile`` are JSON, in MLflow's words:
    where the images come from, and how many there are.
    """

    name: str
    digest: str
    split: str
    source_type: str
    source: str
    profile: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One run: how it is found again (``key``), parameters, levels by exact density, documents, its parent's key.

    ``data`` are the splits that it read.
    """

    key: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    levels: Mapping[float, PublishedLevel]
    documents: Mapping[str, bytes]
    parent: str = ""
    data: Sequence[UsedData] = ()


@dataclass(frozen=True)
class ReadLevel:
    """One level read back: its density, its files' texts by name, and what is wrong with them, or an empty text."""

    density: float
    files: Mapping[str, str]
    damage: str = ""


@dataclass(frozen=True)
class ReadDocument:
    """One document read back, of a run: its text, or what is wrong with it."""

    run_id: str
    text: str
    damage: str = ""


@dataclass(frozen=True)
class PublishedRun:
    """One finished run, read back: id, tags, start and end in ms, provenance, levels.

    ``damage`` says what is wrong with files that are of no level; provenance is empty where it is among them.
    """

    run_id: str
    tags: Mapping[str, str]
    started: int
    finished: int
    provenance: str
    levels: Sequence[ReadLevel]
    damage: Sequence[str] = ()
