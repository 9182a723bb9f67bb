"""AlexNet's ImageNet weights as torchvision names them, kept where torch.hub keeps them: one copy for both."""

import re
from pathlib import Path

import torch
from rich.console import Console

from harness.downloads.connection import HTTPS_ONLY, Policy, require_network
from harness.downloads.download import Known, download
from harness.errors import MachineError
from harness.progress import Reporter
from harness.storage.disk import disk_errors, locked, sha256_of

_HASH = re.compile(r"-([0-9a-f]{8,64})\.")  # torch.hub's convention: the file name holds its sha256's first digits
_FIX = "install the torchvision that fits torch, or use --weights simulated, kaiming or the path of a file"


def imagenet_file(*, fetch: bool, reporter: Reporter | None, policy: Policy = HTTPS_ONLY) -> Path | None:
    """Return the weights file (about 233 MB), verified by the hash in its name.

    An absent or torn file is downloaded with ``fetch``, and None without. Raises `NetworkError` where it cannot come
    (HARNESS_OFFLINE forbids it without ``fetch`` too), `MachineError` for the disk and a missing or broken torchvision,
    `DataError` for another file's bytes.
    """
    url = _address()
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


def _address() -> str:
    try:
        # Lazily: it takes seconds, and a run may do without.
        from torchvision.models import AlexNet_Weights  # type: ignore[import-untyped]

        return str(AlexNet_Weights.IMAGENET1K_V1.url)
    except Exception as error:  # a build for another torch fails in ways of its own
        raise MachineError(
            f"torchvision, which names the ImageNet weights, cannot be used: {type(error).__name__}: {error}", fix=_FIX
        ) from error


def _sound(path: Path, known: Known) -> bool:
    return path.is_file() and sha256_of(path).startswith(known.sha256)
