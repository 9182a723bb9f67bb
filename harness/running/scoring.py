"""Scores of a network on a split, and the thresholds that validation fixes, each a stage of its own."""

from typing import Any

from harness.data.image_split import ImageSplit
from harness.evaluation.thresholds import Threshold, choose
from harness.networks.architecture import Network, positive_scores
from harness.planning.plan import Plan
from harness.storage.canonical import canonical_state
from harness.storage.stage import Stage
from harness.storage.store import Store
from harness.training.inference import outputs_of, resolve_device
from harness.training.version import TRAINING_VERSION


def score(network: Network, split: ImageSplit, plan: Plan, store: Store) -> Stage:
    """Return the stage that holds the network's float32 scores (N,) on a split."""
    inputs = {
        "environment": plan.environment,
        "version": TRAINING_VERSION,
        "architecture": network.architecture,
        "state": canonical_state(network),
        "split": split.fingerprint,
    }
    device = resolve_device(plan.training.device)

    def compute(_: object) -> dict[str, Any]:
        return {"scores": positive_scores(outputs_of(network, split.images, device))}

    return store.run("score", inputs, compute)


def fixed_thresholds(scored: Stage, validation: ImageSplit, sensitivity: float, store: Store) -> dict[str, Threshold]:
    """Return the thresholds of validation scores, committed to the store before any test score exists.

    ``deployed`` keeps the ``sensitivity``.
    """

    def fix(_: object) -> dict[str, Any]:
        chosen = choose(validation.labels.numpy(), scored.value["scores"].numpy(), sensitivity)
        return {name: threshold.to_json() for name, threshold in chosen.items()}

    inputs = {
        "scores": scored.key,
        "split": validation.fingerprint,
        "deployed": sensitivity,
        "version": TRAINING_VERSION,
    }
    stage = store.run("thresholds", inputs, fix)
    return {name: Threshold(**value) for name, value in stage.value.items()}
