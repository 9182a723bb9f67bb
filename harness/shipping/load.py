"""A network of the leaderboard in Python: found in MLflow, taken out of the stages, ready to call."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from rich.console import Console

from harness.downloads.imagenet import imagenet_file
from harness.errors import UsageError
from harness.integrity.recorded_plan import Machine
from harness.portable.shipped_network import ShippedNetwork
from harness.progress import Reporter
from harness.results import names
from harness.results.address import results_uri
from harness.results.reading import experiments
from harness.shipping.held_cell import CellName, find_cell
from harness.shipping.replay import replayed
from harness.storage.mirror import store_folder


def load_network(
    store: str | Path,
    entry: str,
    density: float,
    seed: int = 0,
    *,
    dataset: str | None = None,
    fold: int | None = None,
    imbalance: float | None = None,
    group: str | None = None,
    tracking_uri: str | None = None,
    data_dir: str | Path | None = None,
) -> ShippedNetwork:
    """Return the published network of an ``entry`` at a level, in evaluation mode, its normalisation inside.

    It takes uint8 RGB images (N, 3, S, S), as its ``prepare(path)`` makes them, and gives float32 scores (N,);
    ``thresholds`` are the cuts that validation fixed. ``dataset`` may be left out where only one has results, ``fold``,
    ``imbalance`` and ``group`` where only one fits. ``data_dir`` holds the images, as HARNESS_DATA does. A network
    whose stages were evicted is computed anew, which is said on stderr first.

    Raises `UsageError` for a cell that is not there, the nearest named, `MachineError` where it cannot be had here.
    """
    place = store_folder(store).absolute()
    uri = results_uri(place, tracking_uri)
    asked = CellName(
        dataset=dataset or _only(uri, place),
        entry=entry,
        density=density,
        seed=seed,
        fold=fold,
        imbalance=imbalance,
        group=group,
    )
    held = find_cell(asked, uri, place)
    if names.is_twin(held.run.tags[names.ENTRY]):
        raise UsageError(
            f"{entry} is in int8, which runs in onnxruntime alone", fix="harness export writes its ONNX file"
        )
    with _apart_from_main():
        return replayed(held, machine(place, data_dir), Reporter(Console(stderr=True))).shipped


@contextlib.contextmanager
def _apart_from_main() -> Iterator[None]:
    """Hide the caller's script: workers would import it, and it would call us again in each of them."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def machine(store: Path, data_dir: str | Path | None, jobs: int | None = None) -> Machine:
    """Return what a published plan needs of this machine; nothing is downloaded."""
    return Machine(Path(data_dir) if data_dir is not None else None, store, jobs or 0, _weights_here)


def _weights_here(source: str, _download: bool) -> Path | None:
    return imagenet_file(source, fetch=False, reporter=None)


def _only(uri: str, store: Path) -> str:
    held = experiments(uri, store)
    if len(held) != 1:
        what = f"results of {', '.join(held)}" if held else "no results"
        raise UsageError(f"{store} has {what}", fix="name the data set: dataset=...")
    return held[0]
