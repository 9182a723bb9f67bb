"""An exported ONNX file as a model of MLflow's, in the run of its cell."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from harness.portable.onnx_file import INPUT, OUTPUT, parsed
from harness.results.mlflow_model import ExportedModel, log_model
from harness.results.mlflow_tracker import Tracker
from harness.shipping.export import Exported
from harness.shipping.held_cell import HeldCell
from harness.shipping.replay import Replayed

_NAMED = re.compile(r"[^\w-]+")


def log_exported(
    tracker: Tracker, held: HeldCell, cell: Replayed, exported: Exported, path: Path, cards: Sequence[Path]
) -> bool:
    """Log an exported ONNX file with its cards, once; return whether it was not there yet. Raises `MachineError`."""
    plate = cell.shipped.nameplate
    what = ExportedModel(
        name=_NAMED.sub("-", f"{plate.entry}-{plate.density:g}-seed{plate.seed}"),
        model=parsed(path.read_bytes(), f"{path}"),
        sha256=exported.sha256,
        size=plate.preprocessing.size,
        images=INPUT,
        score=OUTPUT,
        needs=[f"{package}=={version(package)}" for package in ("onnx", "onnxruntime", "numpy")],
        cards=cards,
    )
    return log_model(tracker, held.run.run_id, what)
