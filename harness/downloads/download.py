"""One file from the network: from the first mirror that gives it whole, checked, and in place or not at all."""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import urlsplit

import requests
import urllib3

from harness import __version__
from harness.downloads import connection
from harness.downloads.connection import HTTPS_ONLY, MirrorFault, Policy, declared_length
from harness.errors import DataError, NetworkError
from harness.progress import Reporter, Task
from harness.storage.disk import disk_errors, md5_of, move, sha256_of

_CHUNK = 1 << 16
_MEGABYTE = 1_000_000
_PAGE = (b"<!doctype html", b"<html")
_HEADERS = {"User-Agent": f"prune-harness/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Known:
    """The sha256 that a file must have, or its first digits, and who says so; an MD5 where they say only that."""

    digest: str
    origin: str
    algorithm: Literal["sha256", "MD5"] = "sha256"

    def fault(self, path: Path) -> str:
        """Return how ``path``'s hash differs; empty where it does not."""
        found = sha256_of(path) if self.algorithm == "sha256" else md5_of(path)
        return (
            ""
            if found.startswith(self.digest)
            else f"its {self.algorithm} is {found}, not {self.digest} ({self.origin})"
        )


def download(
    mirrors: Sequence[str],
    target: Path,
    known: Known | None,
    reporter: Reporter,
    *,
    place: Path | None = None,
    policy: Policy = HTTPS_ONLY,
) -> str:
    """Download ``target`` from the first of ``mirrors`` that gives it whole and with the known hash; return which.

    ``place`` is where a file downloaded by hand is looked for, by default ``target``. The caller holds a lock on
    ``target``. Raises `DataError` where what came is not the file, `NetworkError` where none came, both with every
    mirror's reason, and `MachineError` for the disk; then nothing of it is on the disk.
    """
    by_hand = f"download it by hand to {place or target}: {' or '.join(mirrors)}"
    connection.require_network(target.name, by_hand)
    faults: dict[str, MirrorFault] = {}
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in mirrors:
            try:
                _from_mirror(url, target, known, reporter, policy)
                return url
            except MirrorFault as fault:
                faults[url] = fault
    told = [f"{url}: {fault}" for url, fault in faults.items()]
    if any(fault.content for fault in faults.values()):
        raise DataError(
            f"what came as {target.name} is not that file; nothing of it is kept",
            faults=told,
            fix="try again from another network, without a proxy or login page; if it stays, the file has changed at"
            " its publisher",
        )
    raise NetworkError(
        f"{target.name} could not be downloaded",
        faults=told,
        fix=f"check the network (and HTTPS_PROXY, if there is a proxy) and try again, or {by_hand}",
    )


def _from_mirror(url: str, target: Path, known: Known | None, reporter: Reporter, policy: Policy) -> None:
    connection.require_scheme(url, policy)
    part = target.with_name(f".{target.name}.part")  # always this name, so that a killed one's is found
    for attempt in range(1, policy.attempts + 1):
        try:
            connection.require_host(url, policy)
            reporter.note(f"Downloading {target.name} from {urlsplit(url).hostname}")
            with open(part, "wb") as file, reporter.task(f"Downloading {target.name}", None, "MB") as task:
                connection.within(policy.total_s, partial(_transfer, url, file, target, task, policy))
                os.fsync(file.fileno())
            _check(part, known)
            move(part, target)
            return
        except MirrorFault as fault:
            if not fault.retry or attempt == policy.attempts:
                raise
            reporter.note(f"{target.name}: {fault}; trying again")
            time.sleep(policy.pause_s * attempt)
        finally:
            part.unlink(missing_ok=True)


def _transfer(url: str, file: BinaryIO, target: Path, task: Task, policy: Policy) -> None:
    def vet(answer: requests.Response, **_: Any) -> None:  # of every redirect too, before it is followed
        try:
            connection.vet(answer, policy, target.parent, target.name)
        except BaseException:
            answer.close()
            raise

    waits = (policy.connect_s, policy.read_s)
    try:
        with requests.get(url, stream=True, timeout=waits, headers=_HEADERS, hooks={"response": vet}) as answer:
            answer.raise_for_status()
            if answer.status_code != requests.codes.ok:  # a part of the file, or a redirect to nowhere
                raise MirrorFault(f"the server answered {answer.status_code} {answer.reason}")
            length = declared_length(answer)
            for chunk in answer.iter_content(_CHUNK):
                connection.require_size(file.tell() + len(chunk), policy)
                file.write(chunk)
                task.update(file.tell() // _MEGABYTE, math.ceil((length or 0) / _MEGABYTE) or None)
    except requests.RequestException as error:
        raise _fault(error, file.tell()) from error
    except (urllib3.exceptions.HTTPError, ValueError) as error:  # headers that urllib3 or urllib cannot read
        raise MirrorFault(f"the server's answer cannot be read: {error}") from error
    if length is not None and file.tell() != length:  # urllib3 1 does not say
        raise MirrorFault(f"only {file.tell():,} of {length:,} bytes came", retry=True)


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


def _check(part: Path, known: Known | None) -> None:
    """Raise `MirrorFault` where what came cannot be the file."""
    with open(part, "rb") as file:
        start = file.read(512).lstrip().lower()
    if not start:
        raise MirrorFault("an empty file came", content=True)
    if start.startswith(_PAGE):
        raise MirrorFault(connection.LOGIN_PAGE, content=True)
    # Wrong bytes over https are the server's own, so asking the same mirror again is no use.
    if known is not None and (fault := known.fault(part)):
        raise MirrorFault(fault, content=True)
