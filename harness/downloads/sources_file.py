"""SOURCES.json beside the data: where each downloaded file came from and its sha256, compared from then on."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.data.dataset import RemoteFile
from harness.downloads.download import Known
from harness.errors import DataError
from harness.storage.disk import sha256_of, write_whole

SOURCES = "SOURCES.json"
PUBLISHED = "published hash"
FIRST_USE = "recorded on first use"


@dataclass(frozen=True)
class Source:
    """One downloaded file: address, size in bytes, sha256, UTC date, and whether its hash is published."""

    url: str
    size: int
    sha256: str
    date: str
    hash: str


def origin_of(remote: RemoteFile, path: Path, url: str) -> Source:
    """Return the source of ``path``, which came just now from ``url`` as ``remote``."""
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Source(
        url, path.stat().st_size, sha256_of(path), date, PUBLISHED if remote.has_published_hash else FIRST_USE
    )


def read_sources(folder: Path) -> dict[str, Source]:
    """Return ``folder``'s sources by file name, none where nothing was downloaded. Raises `DataError` if unreadable."""
    path = folder / SOURCES
    try:
        entries = json.loads(path.read_bytes())
        return {str(name): Source(**entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            fix="move it away; hashes recorded on first use are then recorded anew at the next download",
        ) from error


def record(folder: Path, name: str, source: Source) -> None:
    """Write ``source`` as that of the file ``name``."""
    entries = {**read_sources(folder), name: source}
    text = json.dumps({name: asdict(entry) for name, entry in sorted(entries.items())}, indent=1)
    write_whole(folder / SOURCES, text.encode() + b"\n")


def known_hash(remote: RemoteFile, folder: Path) -> Known | None:
    """Return the hash that ``remote`` must have: the published sha256, the one recorded in ``folder``, or the MD5."""
    if remote.sha256 is not None:
        return Known(remote.sha256, "published")
    if source := read_sources(folder).get(remote.name):
        return Known(source.sha256, f"{FIRST_USE}, {source.date}, in {folder / SOURCES}")
    return Known(remote.md5, "published", "MD5") if remote.md5 is not None else None


def first_use_note(remote: RemoteFile, sha256: str) -> str:
    """Return what a user must hear about a file whose hash nobody publishes."""
    copies = ""
    if remote.seen_sha256 is not None:
        same = remote.seen_sha256 == sha256
        copies = " It is that of known copies." if same else f" Known copies have another, {remote.seen_sha256}."
    return (
        f"{remote.name} has no published hash: its sha256 {sha256} is recorded in {SOURCES} and compared from now on."
        f"{copies}"
    )
