"""What a download may do on the network: https alone, also after redirects, and no wait for one that is not there."""

import os
import socket
import threading
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

    ``reach_s`` limits look-up and connection together, ``read_s`` the silence of a server that has answered.
    """

    schemes: tuple[str, ...] = ("https",)
    reach_s: float = 8.0
    connect_s: float = 5.0
    read_s: float = 20.0
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
        require_scheme(urljoin(response.url, response.headers["location"]), policy)
    elif response.ok:
        if response.headers.get("content-type", "").lower().startswith("text/html"):
            raise MirrorFault(LOGIN_PAGE, content=True)
        require_space(folder, declared_length(response) or 0, name)


def declared_length(response: requests.Response) -> int | None:
    """Return how many bytes the body must have, or None where the server does not say."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and not response.headers.get("content-encoding") else None
