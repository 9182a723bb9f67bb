"""The local folder that stands for a store on object storage, and how it knows its address, as a git clone does."""

import hashlib
import re
from pathlib import Path

import platformdirs

from harness.errors import MachineError, UsageError
from harness.storage.disk import disk_errors, write_whole

MARK = "REMOTE"
"""The file in a mirror's root that holds its address."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)(.*)", re.DOTALL)
_TESTED = ("s3", "file")
_HIDDEN = "memory"  # one process's own, for tests
_EXAMPLES = "write a folder, s3://BUCKET/PREFIX or file:///FOLDER"


def store_folder(place: str | Path) -> Path:
    """Return the local folder of a ``--store``: itself, or the mirror of an address. Raises as `local_folder_of`."""
    return local_folder_of(str(place)) if _ADDRESS.match(str(place)) else Path(place)


def local_folder_of(address: str) -> Path:
    """Return this machine's mirror of a store on object storage; made where there is none, and nothing is connected to.

    It is in the user's cache, by a name that the address alone decides. Raises `UsageError` for an address that cannot
    be one, `MachineError` where there is no cache.
    """
    address = checked_address(address)
    name = re.sub(r"[^A-Za-z0-9]+", "-", address)[-40:].strip("-")
    try:
        cache = platformdirs.user_cache_path("prune-harness").expanduser()
    except RuntimeError:  # neither HOME nor an entry among the users
        raise MachineError(
            f"there is no folder to mirror {address} in: this user has no home folder", fix="set XDG_CACHE_HOME"
        ) from None
    folder = cache / "stores" / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if address_of(folder) != address:
            write_whole(folder / MARK, address.encode())
    return folder


def address_of(folder: Path) -> str:
    """Return the address that a store's folder mirrors, an empty text for a store of its own."""
    try:
        return (folder / MARK).read_text("utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def checked_address(address: str) -> str:
    """Return an address in its one spelling. Raises `UsageError`, which repeats none that a login may stand in."""
    found = _ADDRESS.fullmatch(address)
    scheme, slashes, place = (found[1].lower(), found[2], found[3].rstrip("/")) if found else ("", "", "")
    if scheme not in (*_TESTED, _HIDDEN):
        raise UsageError(f"--store speaks {' and '.join(_TESTED)}, and not {scheme or 'this'}", fix=_EXAMPLES)
    if scheme == "s3" and re.search("[@?#]", place):
        raise UsageError(
            "--store s3:// takes no user, password or option in the address",
            fix="give credentials by AWS_PROFILE or AWS_ACCESS_KEY_ID, and a server of your own by AWS_ENDPOINT_URL",
        )
    if not place or not place.isprintable() or "::" in place or {"", ".", ".."} & {*place.split("/")}:
        raise UsageError(f"--store {address[:200]} names no place", fix=_EXAMPLES)
    if scheme == "file" and slashes == "//":
        raise UsageError(f"--store {address[:200]} has two slashes before its path", fix=f"write file:///{place}")
    return f"{scheme}://{'' if scheme == 's3' else '/'}{place}"
