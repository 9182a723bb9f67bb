"""Pretraining the convolutions on simulated images, once for all seeds, where no ImageNet weights are at hand."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.data.asked import load_dataset
from harness.data.dataset import options_of
from harness.data.simulated_dataset import SimulatedDataset
from harness.errors import UsageError
from harness.initial.pretraining_options import Pretraining
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.randomness import generator
from harness.storage.store import Store
from harness.training.fit import Saver, fit
from harness.training.inference import outputs_of, resolve_device, validation_auc
from harness.training.stepper import TrainingTask
from harness.training.version import TRAINING_VERSION


class PretrainingNetwork(nn.Module):
    """A network's features under a temporary linear head: one output per latent variable, then the class."""

    def __init__(self, network: Network, outputs: int) -> None:
        super().__init__()
        # Undrawn, as `initialise` draws it: a layer's own draw comes from torch's global state.
        self.temporary = nn.Linear(network.pooled_width, outputs, device="meta").to_empty(device="cpu")
        self.network = network
        self.network.head = nn.Sequential()

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, latents + 1)."""
        pooled = self.network.pooled(images)
        with torch.autocast(pooled.device.type, enabled=False):
            outputs: Tensor = self.temporary(pooled)
        return outputs


def pretrained_features(
    store: Store, architecture: Architecture, pretraining: Pretraining, size: int, environment: str
) -> dict[str, Tensor]:
    """Return the tensors of the convolutional features, pretrained on simulated images of ``size`` pixels.

    Only the convolutions are kept: pretraining through the 8-8-2 head collapsed. Predicting the simulator's latent
    variables besides the class gives every image four graded targets instead of one bit.
    """
    simulator = load_dataset(pretraining.dataset)
    assert isinstance(simulator, SimulatedDataset), f"{pretraining.dataset} was not refused by the plan"
    key = {
        "dataset": simulator.name,
        "version": simulator.version,
        "split": "pretraining",
        "size": size,
        "options": options_of(simulator),
    }
    drawn = store.run("images", key, lambda _: _draw(simulator, size))
    inputs = {
        "environment": environment,
        "version": TRAINING_VERSION,
        "architecture": architecture,
        "schedule": pretraining.training,
        "images": drawn.key,
        "seed": pretraining.seed,
    }
    trained = store.run("pretrain", inputs, lambda saver: _pretrain(architecture, pretraining, drawn.value, saver))
    if trained.value["outcome"] != "trained":
        raise UsageError(
            f"pretraining on {simulator.name} ended as {trained.value['outcome']!r}: there is no W0",
            fix="change pretraining.training (a lower learning_rate, clip = 2), or use --weights kaiming",
        )
    tensors: dict[str, Tensor] = trained.value["features"]
    return tensors


def _draw(simulator: SimulatedDataset, size: int) -> dict[str, Any]:
    labels = simulator.labels("pretraining")
    return {
        "images": simulator.render("pretraining", range(len(labels)), size),
        "labels": labels,
        "latents": simulator.latent_values("pretraining"),
    }


def _pretrain(architecture: Architecture, pretraining: Pretraining, drawn: dict[str, Tensor], saver: Saver) -> Any:
    latents = drawn["latents"]
    standard = (latents - latents.mean(0)) / latents.std(0)
    targets = torch.cat([standard, drawn["labels"].view(-1, 1)], dim=1)
    held_out = len(targets) // 5  # the simulator draws in random order, so the last fifth is a random one
    images, validation = drawn["images"][:-held_out], drawn["images"][-held_out:]
    network = build(architecture)
    module = PretrainingNetwork(network, targets.shape[1])
    initialise(module, generator(pretraining.seed, "pretraining"))
    device = resolve_device(pretraining.training.device)
    labels = drawn["labels"][-held_out:].numpy()

    def loss(outputs: Tensor, wanted: Tensor) -> Tensor:
        latent = F.mse_loss(outputs[:, :-1], wanted[:, :-1])
        return latent + F.binary_cross_entropy_with_logits(outputs[:, -1], wanted[:, -1])

    def evaluate(trained: nn.Module) -> float:
        return validation_auc(labels, outputs_of(trained, validation, device)[:, -1].numpy())

    task = TrainingTask(module=module, images=images, targets=targets[:-held_out], loss=loss, evaluate=evaluate)
    result = fit(task, pretraining.training, pretraining.seed, saver)
    prefix = "network.features."
    features = {
        name.removeprefix("network."): tensor for name, tensor in result["state"].items() if name.startswith(prefix)
    }
    return {"features": features, "outcome": result["outcome"], "history": result["history"]}
