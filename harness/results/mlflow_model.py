"""An exported network as a model of MLflow's, with its signature, beside the run that it came from."""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import LoggedModelStatus
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from harness.results import names
from harness.results.mlflow_client import all_pages, answering
from harness.results.mlflow_tracker import Tracker

_WHOLE: dict[str, Any] = {"save_as_external_data": False, "onnx_execution_providers": ["CPUExecutionProvider"]}
"""One file with its weights in it, which runs on any machine."""


@dataclass(frozen=True, kw_only=True)
class ExportedModel:
    """What is logged: an ONNX ``model`` (a ModelProto) of ``size`` px, its file's ``sha256``, cards beside it.

    ``images`` and ``score`` are what its input and output are called.
    """

    name: str
    model: Any
    sha256: str
    size: int
    images: str
    score: str
    needs: Sequence[str]
    cards: Sequence[Path] = ()


def log_model(tracker: Tracker, run_id: str, what: ExportedModel) -> bool:
    """Log a model once into the run that it came from; return whether it was not there yet.

    Raises `MachineError` where MLflow does not take it.
    """
    with answering(tracker.uri, "did not take the model"):
        client, experiment = tracker.client, tracker.settled()
        own = f"source_run_id = '{run_id}'"
        held = all_pages(lambda token: client.search_logged_models([experiment], own, page_token=token))
        if any(one.tags.get(names.SHA256) == what.sha256 and one.status == LoggedModelStatus.READY for one in held):
            return False
        with tempfile.TemporaryDirectory(prefix="harness-model-") as folder:
            saved = _saved(what, Path(folder))
            made = client.create_logged_model(
                experiment, name=what.name, source_run_id=run_id, tags={names.SHA256: what.sha256}, model_type="onnx"
            )
            client.log_model_artifacts(made.model_id, str(saved))
            client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    return True


def _saved(what: ExportedModel, folder: Path) -> Path:
    """Write a model as MLflow reads it: MLmodel, requirements, the file, the cards."""
    import mlflow.onnx

    place = folder / "model"
    batch = (-1, 3, what.size, what.size)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("uint8"), batch, what.images)]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1,), what.score)]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.onnx.save_model(what.model, str(place), signature=signature, **_WHOLE, pip_requirements=list(what.needs))
    for card in what.cards:
        (place / card.name).write_bytes(card.read_bytes())
    return place
