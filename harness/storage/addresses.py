"""Where results and studies are to go: an address that cannot work is refused before anything is trained.

Nothing is connected to: a server that is down for now costs no training.
"""

from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from harness.errors import MachineError, UsageError
from harness.storage.databases import checked_address

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""The databases that MLflow keeps its results in."""

_TRACKING_FIX = "write http://host:5000, sqlite:///results.db or postgresql://user@host/name"


def check_tracking(uri: str) -> None:
    """Raise `UsageError` for a ``--tracking-uri`` that MLflow does not know, `MachineError` where its driver lacks."""
    scheme = uri.partition(":")[0]
    if scheme == "databricks":
        return
    if scheme in ("http", "https"):
        if not _names_a_server(uri):
            raise UsageError("--tracking-uri is not a server's address", fix=_TRACKING_FIX)
        return
    if scheme.partition("+")[0] not in _DATABASES or "://" not in uri:
        raise UsageError("--tracking-uri is neither a server nor a database that MLflow knows", fix=_TRACKING_FIX)
    _check_driver(uri, "--tracking-uri", _TRACKING_FIX)


def check_storage(uri: str) -> None:
    """Raise `UsageError` for a ``--storage`` that is no database, `MachineError` where its driver is not installed."""
    _check_driver(checked_address(uri), "--storage", "write sqlite:///studies.db or postgresql://user@host/name")


def _names_a_server(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:  # half an IPv6 address, a port that is no number or too large
        return False
    return bool(parts.hostname) and not any(sign.isspace() for sign in uri) and uri.isprintable()


def _check_driver(uri: str, option: str, fix: str) -> None:
    """The address is never repeated: it may hold a password."""
    try:
        address = make_url(uri)
        address.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError(f"{option} is not the address of a database that is known here", fix=fix) from error
    except ImportError as error:
        raise MachineError(
            f"{option}: the driver of {address.drivername} databases is not installed: {error}",
            fix="install it into this environment, or name another address",
        ) from error
