"""What a download may do on the network: https alone, also after redirects, and no wait for one that is not there."""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

from harness.errors import NetworkError
from harness.storage.disk import require_space

_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080
LOGIN_PAGE = "a web page came in place of the file, as from a login page"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The schemes that a download may follow, its time-outs in seconds, and its attempts at each mirror.

    ``reach_s`` limits look-up and connection together, ``read_s`` the silence of a server that has answered,
    ``total_s`` all of one attempt; ``most_bytes`` a file, whether or not the server states its size.
    """

    schemes: tuple[str, ...] = ("https",)
    reach_s: float = 8.0
    connect_s: float = 5.0
    read_s: float = 20.0
    total_s: float = 4 * 3600.0
    most_bytes: int = 16 * 2**30
    attempts: int = 3
    pause_s: float = 1.0


HTTPS_ONLY = Policy()


class MirrorFault(Exception):  # noqa: N818
    """Why one mirror did not give the file; ``retry``: it may yet; ``content``: what it gave is not the file."""

    def __init__(self, reason: str, *, retry: bool = False, content: bool = False) -> None:
        super().__init__(reason)
        self.retry, self.content = retry, content


def require_network(what: str, by_hand: str) -> None:
    """Raise `NetworkError` where HARNESS_OFFLINE (read now) forbids the network; empty, 0, false, no, off do not."""
    value = os.environ.get("HARNESS_OFFLINE", "").strip()
    if value.lower() not in ("", "0", "false", "no", "off"):
        raise NetworkError(
            f"{what} is not here, and HARNESS_OFFLINE={value} forbids the network",
            fix=f"unset HARNESS_OFFLINE, or {by_hand}",
        )


def require_scheme(url: str, policy: Policy) -> None:
    """Raise `MirrorFault` for an address that is not https (or what the policy allows)."""
    if urlsplit(url).scheme.lower() not in policy.schemes:
        raise MirrorFault(f"{url} is refused: not {' or '.join(policy.schemes)}")


def require_host(url: str, policy: Policy) -> None:
    """Raise `MirrorFault` unless ``url``'s host, or the proxy to it, takes a connection within seconds.

    Name servers that never answer, and each of a host's addresses in turn, have time-outs of their own that add up to
    minutes: hence one deadline over all of them.
    """
    proxy = select_proxy(url, get_environ_proxies(url))
    try:
        parts = urlsplit(prepend_scheme_if_needed(proxy, "http") if proxy else url)
    except ValueError:  # not shown: it may hold a password
        raise MirrorFault("the proxy that the environment names is not an address: see HTTPS_PROXY") from None
    answers: list[str] = []

    def connect() -> None:
        try:
            address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, _SOCKS_PORT))
            socket.create_connection(address, timeout=policy.connect_s).close()
            answers.append("")
        except (OSError, ValueError) as error:  # ValueError: no host or port at all
            answers.append(getattr(error, "strerror", None) or str(error))

    prober = threading.Thread(target=connect, daemon=True)
    prober.start()
    prober.join(policy.reach_s)
    if reason := answers[0] if answers else f"no answer within {policy.reach_s:g} s":
        raise MirrorFault(f"{'proxy ' if proxy else ''}{parts.hostname} cannot be reached: {reason}")


def vet(response: requests.Response, policy: Policy, folder: Path, name: str) -> None:
    """Refuse a response before its body is read: a redirect off https, a web page, more than the disk takes."""
    if response.is_redirect:
        require_scheme(_target(response), policy)
    elif response.ok:
        if response.headers.get("content-type", "").lower().startswith("text/html"):
            raise MirrorFault(LOGIN_PAGE, content=True)
        length = declared_length(response) or 0
        require_size(length, policy)
        require_space(folder, length, name)


def _target(response: requests.Response) -> str:
    """Return where a redirect leads. Raises `MirrorFault` for half an IPv6 address, a port that is no number."""
    try:
        target = urljoin(response.url, response.headers["location"])
        _ = urlsplit(target).port
    except ValueError:
        raise MirrorFault("the server redirects to what is no address") from None
    return target


def require_size(size: int, policy: Policy) -> None:
    """Raise `MirrorFault` for more bytes than any file has."""
    if size > policy.most_bytes:
        raise MirrorFault(f"it is larger than {policy.most_bytes:,} bytes, which no file here is", content=True)


def within(seconds: float, work: Callable[[], None]) -> None:
    """Run ``work`` in a thread, and raise what it raises, or `MirrorFault` where it is not done after ``seconds``.

    A server that sends a byte now and then keeps every time-out of a socket; the thread that hears it is left behind.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise MirrorFault(f"it was not here after {seconds:,.0f} s: the server is too slow")
    if raised:
        raise raised[0]


def declared_length(response: requests.Response) -> int | None:
    """Return how many bytes the body must have, or None where the server does not say."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and not response.headers.get("content-encoding") else None
