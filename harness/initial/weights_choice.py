"""Where W0's convolutions come from: ``--weights`` resolved to a name that says it, and a file where there is one."""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MachineError, NetworkError, UsageError
from harness.initial.weights_file import features_from_file, file_digest
from harness.networks.architecture import Architecture
from harness.networks.registered import TORCHVISION, built_in, factory_of
from harness.storage.disk import write_whole
from harness.storage.stage_files import store_errors

AUTO = "auto"
IMAGENET = "imagenet"
SIMULATED = "simulated"
SCRATCH = "kaiming"
TRAINED, TRAINED_SWAPPED = "trained", "trained-swapped"
"""Before the hash of a file that is W0 whole, head included; of the second the first output is the positive class."""


@dataclass(frozen=True)
class Weights:
    """``name``, in every result: simulated, kaiming, imagenet:<sha256>, file:<sha256> or, of a network that was
    trained elsewhere, trained:<sha256>. ``note`` is for people.
    """

    name: str
    file: str | None = None
    note: str = ""


def is_trained(weights: str) -> bool:
    """Return whether start weights, by their name in results, are a network that was trained elsewhere."""
    return weights.partition(":")[0] in (TRAINED, TRAINED_SWAPPED)


Find = Callable[[str, bool], Path | None]
"""Returns the file of ImageNet weights (`Network.imagenet`); given True, downloads it where it is absent.

Raises `HarnessError`.
"""


def own_weights(weights: str) -> str:
    """Return where the convolutions of a method's own network come from: a file fits only the plan's network."""
    return SIMULATED if weights == SIMULATED else SCRATCH


def check_weights(written: str, network: str) -> None:
    """Raise `UsageError` or `DataError` for start weights that no download could make good."""
    if written in (SIMULATED, SCRATCH, AUTO):
        return
    if written == IMAGENET:
        if not factory_of(network).imagenet:
            fitting = [name for name in built_in() if factory_of(name).imagenet]
            raise UsageError(
                f"there are no ImageNet weights for {network!r}",
                fix=f"use them with {', '.join(fitting)} or {TORCHVISION}NAME, or --weights simulated or kaiming",
            )
        return
    if not Path(written).is_file():
        raise UsageError(
            f"start weights {written!r} are neither auto, imagenet, simulated, kaiming nor a file",
            fix="use --weights auto, imagenet, simulated, kaiming or the path of a torch weights file",
        )
    features_from_file(Path(written), Architecture(network))


def resolve_weights(written: str, network: str, store: Path, find: Find, *, fetch: bool) -> Weights:
    """Return the start weights that ``--weights`` asks for, once `check_weights` has passed them.

    ``auto`` is ImageNet where its weights are present or can be downloaded, else simulated; its first answer is kept
    in ``store``, since results with different starts cannot be compared. Without ``fetch`` (a dry run) nothing is
    downloaded or kept. Raises `MachineError` where ImageNet weights cannot be had that must be.
    """
    if written in (SIMULATED, SCRATCH):
        return Weights(written)
    source = factory_of(network).imagenet
    if written == IMAGENET:
        return _imagenet(source, find, fetch=fetch)
    if written == AUTO:
        return _auto(source, store, find, fetch=fetch) if source else Weights(SIMULATED)
    path = Path(written)
    return Weights(f"file:{file_digest(path)}", str(path.absolute()))


def _imagenet(source: str, find: Find, *, fetch: bool) -> Weights:
    path = find(source, fetch)
    if path is not None:
        return Weights(f"{IMAGENET}:{file_digest(path)}", str(path))
    return Weights(IMAGENET, note="the ImageNet weights are not here: a run first tries to download them")


def _auto(source: str, store: Path, find: Find, *, fetch: bool) -> Weights:
    place = store / _kept_file(source)
    kept = _kept(place)
    if kept is None:
        try:
            found = _imagenet(source, find, fetch=fetch)
        except NetworkError as error:  # a full disk, say, is no reason to settle for less for good
            found = Weights(SIMULATED, note=f"--weights auto is simulated: {error.message}")
        if not fetch:
            return found
        kept = _keep(place, found.name)
        if kept == found.name:
            return found
    if kept == SIMULATED:
        note = "--weights auto is simulated, as it first was in this store; --weights imagenet asks for the other"
        return Weights(SIMULATED, note=note)
    return _same(kept, _imagenet(source, find, fetch=fetch), store)


def _kept_file(source: str) -> str:
    """Return the name of the file that keeps what ``auto`` was for the networks of one source of weights."""
    name = source.partition(":")[2]
    return "auto-weights.json" if name == "AlexNet_Weights" else f"auto-weights-{name}.json"


def _same(kept: str, found: Weights, store: Path) -> Weights:
    if found.file is not None and found.name != kept:
        raise MachineError(
            f"the ImageNet weights {found.file} are not those that {store} was begun with: {found.name}, not {kept}",
            fix="put the old file back, or choose another folder with --store",
        )
    return found


def _kept(path: Path) -> str | None:
    try:
        with store_errors(path.parent):
            return str(json.loads(path.read_text("utf-8"))[AUTO])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise MachineError(f"{path} cannot be read: {error}", fix="remove it: the next run writes it anew") from error


def _keep(path: Path, name: str) -> str:
    """Keep ``name`` unless another process was first, and return what is kept."""
    with store_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            write_whole(temporary, json.dumps({AUTO: name}).encode())
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)  # unlike a rename, never over what is there
        finally:
            temporary.unlink(missing_ok=True)
    return _kept(path) or name
