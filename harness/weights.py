"""Where W0's convolutions come from: ``--weights`` resolved to a name that says it, and a file where there is one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.disk import write_whole
from harness.errors import HarnessError, MachineError, UsageError
from harness.initial import file_digest
from harness.stage_files import store_errors

SIMULATED = "simulated"
SCRATCH = "kaiming"
IMAGENET_NETWORKS = ("alexnet", "alexnet-bn")
"""The networks whose convolutions torchvision's AlexNet holds."""

_KEPT = "auto-weights.json"


@dataclass(frozen=True)
class Weights:
    """``name``, in every result: simulated, kaiming, imagenet:<sha256> or file:<sha256>. ``note`` is for people."""

    name: str
    file: str | None = None
    note: str = ""


Find = Callable[[bool], Path | None]
"""Returns the ImageNet weights file; given True, downloads it where it is absent. Raises `HarnessError`."""


def own_weights(weights: str) -> str:
    """Return where the convolutions of a method's own network come from: a file fits only the plan's network."""
    return SIMULATED if weights == SIMULATED else SCRATCH


def resolve_weights(written: str, network: str, store: Path, find: Find, *, fetch: bool) -> Weights:
    """Return the start weights that ``--weights`` asks for.

    ``auto`` is ImageNet where its weights are present or can be downloaded, else simulated; its first answer is kept
    in ``store``, since results with different starts cannot be compared. Without ``fetch`` (a dry run) nothing is
    downloaded or kept. Raises `UsageError` for what is neither a word nor a file, `MachineError` where asked-for
    ImageNet weights cannot be had.
    """
    if written in (SIMULATED, SCRATCH):
        return Weights(written)
    if written == "imagenet":
        return _imagenet(network, find, fetch=fetch)
    if written == "auto":
        return _auto(network, store, find, fetch=fetch)
    path = Path(written)
    if not path.is_file():
        raise UsageError(
            f"start weights {written!r} are neither auto, imagenet, simulated, kaiming nor a file",
            fix="use --weights auto, imagenet, simulated, kaiming or the path of a torch weights file",
        )
    return Weights(f"file:{file_digest(path)}", str(path.absolute()))


def _imagenet(network: str, find: Find, *, fetch: bool) -> Weights:
    if network not in IMAGENET_NETWORKS:
        raise UsageError(
            f"there are no ImageNet weights for {network!r}",
            fix=f"use them with {' or '.join(IMAGENET_NETWORKS)}, or --weights simulated or kaiming",
        )
    path = find(fetch)
    if path is not None:
        return Weights(f"imagenet:{file_digest(path)}", str(path))
    return Weights("imagenet", note="the ImageNet weights are not here: a run downloads them first (233 MB)")


def _auto(network: str, store: Path, find: Find, *, fetch: bool) -> Weights:
    if network not in IMAGENET_NETWORKS:
        return Weights(SIMULATED)
    kept = _kept(store)
    if kept == SIMULATED:
        return Weights(SIMULATED, note=f"--weights auto is simulated, as when {store} was begun")
    if kept is not None:
        return _same(kept, _imagenet(network, find, fetch=fetch), store)
    try:
        found = _imagenet(network, find, fetch=fetch)
    except HarnessError as error:
        found = Weights(SIMULATED, note=f"--weights auto is simulated: {error.message}")
    if fetch:
        _keep(store, found.name)
    return found


def _same(kept: str, found: Weights, store: Path) -> Weights:
    if found.file is not None and found.name != kept:
        raise MachineError(
            f"the ImageNet weights {found.file} are not those that {store} was begun with: {found.name}, not {kept}",
            fix="put the old file back, or choose another folder with --store",
        )
    return found


def _kept(store: Path) -> str | None:
    try:
        return str(json.loads((store / _KEPT).read_text("utf-8"))["auto"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MachineError(
            f"{store / _KEPT} cannot be read: {error}", fix="remove it: the next run writes it anew"
        ) from error


def _keep(store: Path, name: str) -> None:
    with store_errors(store):
        store.mkdir(parents=True, exist_ok=True)
        write_whole(store / _KEPT, json.dumps({"auto": name}).encode())
