"""What W0 knows of the task before any training: a logistic regression on its frozen features, as a network."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.data.image_split import ImageSplit
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import copy_of, state_of
from harness.networks.registered import LINEAR_PROBE
from harness.storage.code_behind import source_of
from harness.storage.stage import Stage
from harness.storage.store import Store
from harness.training.inference import outputs_of
from harness.training.version import TRAINING_VERSION

if TYPE_CHECKING:
    from harness.training.logistic_regression import Regression

_HEAD = "head."


def probe_architecture(network: Network) -> Architecture:
    """Return the architecture of the features of ``network`` under one linear layer."""
    own = network.architecture
    return Architecture(LINEAR_PROBE, {"of": own.factory, "arguments": dict(own.arguments)})


def linear_probe(
    store: Store,
    network: Network,
    train: ImageSplit,
    validation: ImageSplit,
    environment: str,
    device: torch.device,
) -> Stage:
    """Return the stage of the logistic regression on what the head of ``network`` reads, images unaugmented.

    Its value: ``state`` for `probe_architecture`, whose score is the regression's log-odds; ``strength`` and
    ``validation_auc``; or a ``problem``, empty otherwise. The head itself is no part of the key, so that seeds that
    start from the same features share one regression.
    """
    features = {name: tensor for name, tensor in state_of(network).items() if not name.startswith(_HEAD)}
    inputs = {
        "environment": environment,
        "version": TRAINING_VERSION,
        "libraries": [version(library) for library in ("numpy", "scipy", "scikit-learn")],
        "source": source_of(_fit, network),
        "architecture": network.architecture,
        "features": features,
        "train": train.fingerprint,
        "validation": validation.fingerprint,
    }
    return store.run("probe", inputs, lambda _: _fit(network, features, (train, validation), device))


def _fit(
    network: Network, features: dict[str, Tensor], splits: tuple[ImageSplit, ImageSplit], device: torch.device
) -> dict[str, Any]:
    from harness.training.logistic_regression import NotFitted, fit_regression  # workers have it, commands do without

    headless = copy_of(network)
    headless.head = nn.Sequential()
    train, validation = ((outputs_of(headless, split.images, device).numpy(), split.labels.numpy()) for split in splits)
    try:
        found = fit_regression(*train, *validation)
    except NotFitted as error:
        return {"problem": str(error)}
    state = {f"base.{name}": tensor for name, tensor in features.items()} | _head(found)
    return {"problem": "", "state": state, "strength": found.strength, "validation_auc": found.validation_auc}


def _head(found: "Regression") -> dict[str, Tensor]:
    """Return the tensors of the linear layer with logits (-s/2, s/2) for the regression's log-odds s."""
    weights, bias = torch.from_numpy(found.weights), torch.tensor(found.bias, dtype=torch.float64)
    return {
        f"{_HEAD}0.weight": torch.stack([-weights / 2, weights / 2]).float(),
        f"{_HEAD}0.bias": torch.stack([-bias / 2, bias / 2]).float(),
    }
