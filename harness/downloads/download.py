"""One file from the network: from the first mirror that gives it whole, checked, and in place or not at all."""

import itertools
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]
import requests

from harness import __version__
from harness.downloads.connection import (
    HTTPS_ONLY,
    MirrorFault,
    Policy,
    declared_length,
    require_host,
    require_network,
    require_scheme,
    vet,
)
from harness.errors import DataError, NetworkError
from harness.progress import Reporter, Task
from harness.storage.disk import disk_errors, move, sha256_of

_CHUNK = 1 << 16
_MEGABYTE = 1_000_000
_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Download:
    """Where a file came from, and what came: its size in bytes and sha256."""

    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Known:
    """The sha256 that a file must have, or its first digits, and who says so."""

    sha256: str
    origin: str


def download(
    mirrors: Sequence[str],
    target: Path,
    known: Known | None,
    reporter: Reporter,
    *,
    place: Path | None = None,
    policy: Policy = HTTPS_ONLY,
) -> Download:
    """Download ``target`` from the first of ``mirrors`` that gives it whole and with the known hash.

    ``place`` is where a file downloaded by hand is looked for, by default ``target``. The caller holds a lock on
    ``target``. Raises `DataError` where what came is not the file, `NetworkError` where none came, both with every
    mirror's reason, and `MachineError` for the disk; then nothing of it is on the disk.
    """
    by_hand = f"download it by hand to {place or target}: {' or '.join(mirrors)}"
    require_network(target.name, by_hand)
    faults: list[str] = []
    wrong = False
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in mirrors:
            try:
                return _from_mirror(url, target, known, reporter, policy)
            except MirrorFault as fault:
                faults.append(f"{url}: {fault}")
                wrong |= fault.content
    if wrong:
        raise DataError(
            f"what came as {target.name} is not that file; nothing of it is kept",
            faults=faults,
            fix="try again from another network, without a proxy or login page; if it stays, the file has changed at"
            " its publisher",
        )
    raise NetworkError(
        f"{target.name} could not be downloaded",
        faults=faults,
        fix=f"check the network (and HTTPS_PROXY, if there is a proxy) and try again, or {by_hand}",
    )


def part_of(target: Path) -> Path:
    """Return the temporary file of a download, in the same folder: one name, so that a killed one's is found."""
    return target.with_name(f".{target.name}.part")


def _from_mirror(url: str, target: Path, known: Known | None, reporter: Reporter, policy: Policy) -> Download:
    require_scheme(url, policy)
    for attempt in itertools.count(1):
        try:
            require_host(url, policy)
            return _attempt(url, target, known, reporter, policy)
        except MirrorFault as fault:
            if not fault.retry or attempt >= policy.attempts:
                raise
            reporter.note(f"{target.name}: {fault}; trying again")
            time.sleep(policy.pause_s * attempt)
    raise AssertionError


def _attempt(url: str, target: Path, known: Known | None, reporter: Reporter, policy: Policy) -> Download:
    part = part_of(target)
    reporter.note(f"Downloading {target.name} from {urlsplit(url).hostname}")
    try:
        with open(part, "wb") as file, reporter.task(f"Downloading {target.name}", None, "MB") as task:
            _transfer(url, file, target, task, policy)
            os.fsync(file.fileno())
        found = Download(url, part.stat().st_size, _checked(part, known))
        move(part, target)
        return found
    finally:
        part.unlink(missing_ok=True)


def _transfer(url: str, file: BinaryIO, target: Path, task: Task, policy: Policy) -> None:
    answers: list[requests.Response] = []

    def answered(response: requests.Response, **_: Any) -> None:  # for every redirect too, before it is followed
        answers.append(response)
        vet(response, policy, target.parent, target.name)

    downloader = pooch.HTTPDownloader(
        progressbar=_Meter(task),
        chunk_size=_CHUNK,
        timeout=(policy.connect_s, policy.read_s),
        headers={"User-Agent": f"prune-harness/{__version__}", "Accept-Encoding": "identity"},
        hooks={"response": answered},
    )
    try:
        downloader(url, file, None)
        length = declared_length(answers[-1])
        if length is not None and file.tell() != length:  # urllib3 1 does not say
            raise MirrorFault(f"only {file.tell():,} of {length:,} bytes came", retry=True)
    except requests.RequestException as error:
        raise _fault(error, file.tell()) from error
    finally:
        for answer in answers:
            answer.close()


def _fault(error: requests.RequestException, received: int) -> MirrorFault:
    if isinstance(error, requests.HTTPError) and (answer := error.response) is not None:
        retry = answer.status_code == 429 or answer.status_code >= 500
        return MirrorFault(f"the server answered {answer.status_code} {answer.reason}", retry=retry)
    if isinstance(error, requests.Timeout):
        return MirrorFault("the server did not answer in time")
    if isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        return MirrorFault(f"no secure connection: {error}")
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return MirrorFault(f"the connection broke after {received:,} bytes", retry=True)
    return MirrorFault(str(error))


def _checked(part: Path, known: Known | None) -> str:
    """Return the sha256 of what came. Raises `MirrorFault` where it cannot be the file."""
    with open(part, "rb") as file:
        start = file.read(512).lstrip().lower()
    if not start:
        raise MirrorFault("an empty file came", content=True)
    if start.startswith(_PAGE):
        raise MirrorFault("a web page came in place of the file, as from a login page", content=True)
    found = sha256_of(part)
    # Wrong bytes over https are the server's own, so asking the same mirror again is no use.
    if known is not None and not found.startswith(known.sha256):
        raise MirrorFault(f"its sha256 is {found}, not {known.sha256} ({known.origin})", content=True)
    return found


class _Meter:
    """Shows megabytes of what pooch counts in bytes, by the names that pooch calls."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.total = 0  # set by pooch once the server has answered
        self.done = 0

    def update(self, count: int) -> None:
        self.done += count
        megabytes = math.ceil(self.total / _MEGABYTE)
        self.task.update(min(self.done // _MEGABYTE, megabytes or self.done), megabytes or None)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Leave the bar to the task's own end."""
