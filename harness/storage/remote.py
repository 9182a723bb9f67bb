"""Objects under an address, by name, through fsspec; what fails there is said in the harness's words.

The only file that imports fsspec, and none of it before an object is asked for.
"""

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar

from harness.errors import MachineError
from harness.outgoing.secrets import without_secrets
from harness.storage.disk import machine

Answer = TypeVar("Answer")

_OPTIONS: dict[str, dict[str, Any]] = {
    # Who tries again is `Remote`: botocore would draw its pauses from Python's global random state, which decides bits.
    "s3": {
        "use_listings_cache": False,
        "config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 0}},
    },
    "file": {"auto_mkdir": True},
}
_READING: dict[str, dict[str, Any]] = {"s3": {"max_concurrency": 1}}
"""So that reading is one request, which does not ask for the size first."""

_IN_PLACE = {"file"}
"""Where bytes are seen as they are written: an object is written beside its place, and renamed."""

_CODES = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
"""By which a server says that an object is there already."""

_PAUSES_S = (0.5, 2.0)
"""Before it is tried a second and a third time."""

SILENT_S = 60.0
"""That a storage which failed is not asked again, so that work goes on without it."""

_AGAIN = "see that the network and the address are right, then run the same command again"
_EXTRA = "install what speaks it: pip install 'prune-harness[s3]'"
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them"
_RIGHTS = "be somebody who may read, write, list and delete there"
_MAKE = "create it, or name another by --store"


class RemoteError(MachineError):
    """The storage behind an address cannot be used now; the text says why."""


def load(address: str) -> None:
    """Import what speaks to ``address``, and no more: for a process whose forks will speak."""
    import fsspec

    with contextlib.suppress(ImportError, ValueError):  # which who speaks will tell
        fsspec.get_filesystem_class(_scheme(address))


@functools.cache
def remote_at(address: str) -> "Remote":
    """Return the one of this process for ``address``: connections are made once."""
    return Remote(address)


class Remote:
    """Objects under ``address``, each by its name below it. What fails three times is raised as `RemoteError`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.silent_until = 0.0
        """Until when, of `time.monotonic`, who can do without it does not ask."""
        self._opened: tuple[int, Any, str] | None = None
        self._reading = _READING.get(_scheme(address), {})

    def read(self, name: str) -> bytes | None:
        """Return an object's bytes, None where there is none."""
        return self._unless_absent(lambda: bytes(self._files.cat_file(self._path(name), **self._reading)))

    def download(self, name: str, path: Path) -> bool:
        """Write an object to a file, for one that is too large for memory; return False where there is none."""

        def fetched() -> bool:
            self._files.get_file(self._path(name), str(path))
            return True

        return self._unless_absent(fetched) or False

    def write(self, name: str, data: bytes) -> None:
        """Put an object in the place of what has its name: readers see the one or the other, whole."""
        self._put(name, lambda place: self._files.pipe_file(place, data))

    def upload(self, path: Path, name: str) -> None:
        """Put a file there likewise."""
        self._put(name, lambda place: self._files.put_file(str(path), place))

    def create(self, name: str, data: bytes) -> bool:
        """Put an object where there is none of its name; return False where there is one, or somebody was faster."""

        def exclusive() -> bool:
            path = self._path(name)
            if _scheme(self.address) in _IN_PLACE:
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)  # which fsspec does for "wb" alone
            try:
                with self._files.open(path, "xb") as file:
                    file.write(data)
            except OSError as error:
                if isinstance(error, FileExistsError) or _code(error) in _CODES:
                    return False
                raise
            return True

        return self._asked(exclusive)

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        self._unless_absent(lambda: self._files.rm_file(self._path(name)))

    def sizes(self, below: str) -> Mapping[str, int]:
        """Return the bytes of each object below a name, by its own name; a listing of 1,000 is one request on S3."""
        listed = self._asked(lambda: self._files.find(self._path(below), detail=True))
        return {path.removeprefix(f"{self._path('')}"): int(facts["size"]) for path, facts in listed.items()}

    def _put(self, name: str, put: Callable[[str], object]) -> None:
        def whole() -> None:
            path = self._path(name)
            if _scheme(self.address) not in _IN_PLACE:
                put(path)
                return
            beside = f"{path}.{machine()}-{os.getpid()}-{get_ident()}"
            put(beside)
            self._files.mv(beside, path)

        self._asked(whole)

    @property
    def is_open(self) -> bool:
        """Whether this process has asked it anything: what speaks to it may have threads here."""
        return self._opened is not None and self._opened[0] == os.getpid()

    @property
    def _files(self) -> Any:
        """The file system, made anew in a fork: its connections belong to the process that opened them."""
        if not self.is_open:
            import fsspec

            options = _OPTIONS.get(_scheme(self.address), {})
            files, root = fsspec.core.url_to_fs(self.address, skip_instance_cache=True, **options)
            self._opened = os.getpid(), files, root
        assert self._opened is not None
        return self._opened[1]

    def _path(self, name: str) -> str:
        _ = self._files
        assert self._opened is not None
        return f"{self._opened[2].rstrip('/')}/{name}"

    def _unless_absent(self, ask: Callable[[], Answer]) -> Answer | None:
        def asked() -> Answer | None:
            try:
                return ask()
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return None

        return self._asked(asked)

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        for pause in _PAUSES_S:
            with contextlib.suppress(_Passing), self._told(passing=True):
                return ask()
            time.sleep(pause)
        with self._told(passing=False):
            return ask()

    @contextmanager
    def _told(self, *, passing: bool) -> Iterator[None]:
        """Raise `RemoteError` for what no second try mends; for other failures, where there is one, `_Passing`."""
        try:
            yield
        except MachineError:
            raise
        except Exception as error:  # each file system raises its own
            known = self._known(error)
            if known is None and passing:
                raise _Passing from error
            what, fix = known or (f"does not answer as it should: {_text(error)}", _AGAIN)
            raise RemoteError(f"{self.address} {what}", fix=fix) from error

    def _known(self, error: Exception) -> tuple[str, str] | None:
        kind = type(error).__name__
        if isinstance(error, ImportError):
            return "cannot be spoken to, since a library is not installed", _EXTRA
        if isinstance(error, PermissionError):
            return f"refuses access: {_text(error)}", _RIGHTS
        if "Credentials" in kind or "Profile" in kind or "SSO" in kind:
            return f"asks for credentials, and they cannot be had: {_text(error)}", _KEYS
        if isinstance(error, FileNotFoundError) and _code(error) == "NoSuchBucket":
            return "is in a bucket that does not exist", _MAKE
        return None


class _Passing(Exception):  # noqa: N818
    """A failure that may pass."""


def _scheme(address: str) -> str:
    return address.partition("://")[0]


def _code(error: BaseException) -> str:
    """Return by which code a server explained itself, an empty text where it did not."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _text(error: Exception) -> str:
    return without_secrets(str(error) or type(error).__name__)
