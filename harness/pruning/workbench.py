"""All that a method may touch: W0, training, fixed batches, seeded draws, and costly results. Never the test split."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from harness.data.image_split import ImageSplit
from harness.data.splitting import stratified_order
from harness.initial.linear_probe import linear_probe, probe_architecture
from harness.losses.loss import Loss
from harness.losses.schedule import LossSchedule
from harness.networks.architecture import Architecture, Network, positive_scores
from harness.networks.factories import build, copy_of, state_of
from harness.pruning.meter import Meter
from harness.pruning.pruned_network import PrunedNetwork
from harness.randomness import generator
from harness.sparsity.mask import Mask
from harness.storage.canonical import canonical_state
from harness.storage.code_behind import foreign_code, source_of
from harness.storage.store import Store
from harness.training.augmentation import normalise
from harness.training.fit import fit
from harness.training.inference import outputs_of, resolve_device, validation_auc
from harness.training.schedule import Schedule
from harness.training.stepper import TrainingTask
from harness.training.version import TRAINING_VERSION

SCORING_BATCH = 64


class TrainingDiverged(Exception):  # noqa: N818
    """A loss or weight became infinite or not a number; a stored outcome, so that it is not tried again."""


@dataclass(frozen=True)
class Ticket:
    """W0 pruned as a method prunes it at a density, and the steps of all that the method trains for that level."""

    network: Network
    mask: Mask | None
    steps: int


class Lender(Protocol):
    """Another registered method, as a bench borrows from it."""

    def mask_at(self, bench: "Workbench", density: float) -> Mask | None:
        """Return its mask at ``density``, None where it gives none."""
        ...

    def ticket_at(self, bench: "Workbench", density: float) -> PrunedNetwork:
        """Return W0 pruned as it prunes at ``density``, with all done that it does for that level."""
        ...


class Workbench:
    """One method's bench for one seed; ``meter`` counts what the method uses of it.

    ``trained``: ``initial`` was trained elsewhere, so that W0 is the dense network, too.
    """

    def __init__(
        self,
        *,
        store: Store,
        initial: Network,
        own: Callable[[Architecture], Network],
        train: ImageSplit,
        validation: ImageSplit,
        schedule: Schedule,
        losses: LossSchedule,
        seed: int,
        method: str,
        environment: str,
        lend: Callable[[str], Lender] | None = None,
        meter: Meter | None = None,
        trained: bool = False,
    ) -> None:
        self._meter = meter or Meter()
        self._store, self._initial, self._own = store, initial, own
        self._train, self._validation = train, validation
        self._schedule, self._losses = schedule, losses
        self._seed, self._method, self._environment = seed, method, environment
        self._lend, self._trained = lend, trained

    def network(self, architecture: Architecture | None = None) -> Network:
        """Return W0 of this seed, or the start of a network of the method's own ``architecture``; a fresh copy.

        The method's own convolutions are pretrained like W0's where those were pretrained on simulated images, and
        random otherwise.
        """
        return copy_of(self._initial) if architecture is None else self._own(architecture)

    @property
    def schedule(self) -> Schedule:
        """How every network is trained, unless a method gives `train` another length or rate."""
        return self._schedule

    @property
    def epochs(self) -> int:
        """Whole epochs of one training by `schedule`; the last one may be cut short."""
        return self._schedule.epoch_count(len(self._train.images))

    def train(
        self,
        network: Network,
        mask: Mask | None = None,
        round: int = 0,
        *,
        epochs: tuple[int, int | None] | None = None,
        schedule: Schedule | None = None,
    ) -> Network:
        """Return ``network`` trained under ``mask`` by `schedule`; ``network`` is not changed.

        ``round`` chooses the loss of the schedule: 0 = dense, later rounds may weigh classes differently. Weights
        outside ``mask`` are exactly zero at every step.

        ``epochs`` (first, last) trains epochs first to last - 1 of the schedule alone, at their own rates and on their
        own batches: (0, k) is the network as the whole training has it after k epochs, bit for bit, and (k, None) goes
        on from there to the end, with momentum 0. ``schedule`` is `schedule` with another length or other rates. Raises
        `TrainingDiverged`, ValueError for epochs that the schedule does not have or another field of it changed.

        Where W0 was trained elsewhere it is the dense network: its own training by the whole schedule takes no step.
        """
        mask = mask if mask is not None and mask.pruned else None
        images = len(self._train.images)
        schedule = (schedule or self._schedule).of_a_method(self._schedule, images)
        span = schedule.span(epochs, images)
        state = canonical_state(network, mask)
        if self._trained and self._is_dense(network, mask, round, schedule, span):
            return copy_of(network)
        loss = self._loss(round)
        code = foreign_code(loss)
        inputs = {
            "environment": self._environment,
            "version": TRAINING_VERSION,
            "architecture": network.architecture,
            "state": state,
            "mask": mask,
            "loss": loss,
            **({"loss code": code} if code else {}),
            "schedule": schedule,
            "epochs": span,
            "train": self._train.fingerprint,
            "validation": self._validation.fingerprint,
            "seed": self._seed,
        }
        task = self._task(build(network.architecture, state), mask, loss)
        stage = self._store.run("train", inputs, lambda saver: fit(task, schedule, self._seed, saver, span))
        self._meter.count_training(stage)
        if stage.value["outcome"] == "diverged":
            raise TrainingDiverged(f"training diverged after {stage.value['steps']} steps")
        return build(network.architecture, stage.value["state"])

    def _is_dense(
        self, network: Network, mask: Mask | None, round: int, schedule: Schedule, span: tuple[int, int] | None
    ) -> bool:
        """Return whether this is what `dense` trains: W0, whole, by the whole schedule."""
        whole = mask is None and round == 0 and span is None
        usual = self._schedule.of_a_method(self._schedule, len(self._train.images))
        if not whole or schedule != usual or network.architecture != self._initial.architecture:
            return False
        state, initial = state_of(network), state_of(self._initial)
        return all(torch.equal(tensor, initial[name]) for name, tensor in state.items())

    def _task(self, start: Network, mask: Mask | None, loss: Loss) -> TrainingTask:
        device = resolve_device(self._schedule.device)
        labels = self._validation.labels.numpy()
        in_bfloat16 = self._schedule.precision == "bfloat16"

        def evaluate(module: torch.nn.Module) -> float:
            logits = outputs_of(module, self._validation.images, device, bfloat16=in_bfloat16)
            return validation_auc(labels, positive_scores(logits).numpy())

        return TrainingTask(
            module=start,
            images=self._train.images,
            targets=self._train.labels,
            loss=loss,
            evaluate=evaluate,
            mask=mask,
        )

    def dense(self) -> Network:
        """Return the trained dense network under the entry's own loss; W0 itself where that was trained elsewhere."""
        return self.train(self.network(), round=0)

    def loss(self, round: int) -> Loss:
        """Return the loss that `train` ends with in ``round``: for methods that score by what they train with."""
        return self._loss(round).at(1.0)

    def _loss(self, round: int) -> Loss:
        return self._losses.resolve(round, self._train.positives, self._train.negatives)

    def mask_of(self, method: str, density: float) -> Mask:
        """Return the mask that another registered method, written as an entry, gives at ``density`` < 1 on this bench.

        The same W0, data, loss and seed; what it costs counts as this method's cost. Raises ValueError where that
        method gives no mask, or borrows another's itself.
        """
        lender, bench = self._lender(method)
        mask = lender.mask_at(bench, density)
        self._meter.add(bench._meter)
        if mask is None:
            raise ValueError(f"{method} gives no mask: it does not choose among the weights of this network")
        return mask

    def ticket_of(self, method: str, density: float) -> Ticket:
        """Return what another registered method, written as an entry, leaves of W0 at ``density`` < 1 on this bench.

        For controls of that method: what it costs to find is not theirs. Raises ValueError where the method prunes no
        part of W0, or borrows from another itself.
        """
        lender, bench = self._lender(method)
        pruned = lender.ticket_at(bench, density)
        return Ticket(pruned.network, pruned.mask, bench._meter.steps)

    def _lender(self, method: str) -> tuple[Lender, "Workbench"]:
        """Return another method and its bench, which has a meter of its own and lends nothing."""
        if self._lend is None:
            raise ValueError(f"{self._method} borrows from another method itself")
        bench = copy(self)
        bench._method, bench._lend, bench._meter = method.partition("[")[0], None, Meter()
        return self._lend(method), bench

    @property
    def device(self) -> str:
        """Where the run computes: ``cpu`` or ``cuda``."""
        return resolve_device(self._schedule.device).type

    def batches(self, images: int) -> list[tuple[Tensor, Tensor]]:
        """Return a fixed, stratified, unaugmented part of the training split in batches of up to 64.

        About ``images`` images (all where there are fewer), normalised float32 (B, 3, S, S), with labels (B,) in
        {0, 1}. The same for every method of one seed.
        """
        order = stratified_order(self._train.labels.numpy(), generator(self._seed, "scoring"))
        chosen = torch.split(torch.from_numpy(order[:images].copy()), SCORING_BATCH)
        return [(normalise(self._train.images[part]), self._train.labels[part].clone()) for part in chosen]

    def generator(self, *tag: str | int) -> torch.Generator:
        """Return a fresh CPU generator for (seed, method, tag): same tag, same draws."""
        return generator(self._seed, "method", self._method, *tag)

    def compute(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Return ``function(*inputs)``, computed once per source and inputs.

        ``function`` must be defined at a module's top level and close over nothing; it gets copies of networks,
        masks, tensors and JSON, and returns tensors and JSON (tuples come back as lists). Any change in its module, or
        in one of its package or of the harness that it takes names from, computes it anew.
        """
        if function.__qualname__ != function.__name__ or function.__closure__:
            raise TypeError(f"{function.__qualname__} must be a function at module level that closes over nothing")
        key = {
            "environment": self._environment,
            "version": TRAINING_VERSION,
            "function": f"{function.__module__}.{function.__name__}",
            "source": source_of(function, *inputs),
            "inputs": inputs,
        }
        stage = self._store.run("compute", key, lambda _: function(*(_copy(value) for value in inputs)))
        self._meter.count(stage)
        return stage.value


def probed(bench: Workbench) -> Network:
    """Return W0's frozen features under a logistic regression whose strength validation chose; nothing is trained.

    Not a method of the bench, since no pruning method may see what validation says. Raises `TrainingDiverged` where
    there is none: features that are not finite, or no regression that converges.
    """
    device = resolve_device(bench._schedule.device)
    stage = linear_probe(bench._store, bench._initial, bench._train, bench._validation, bench._environment, device)
    bench._meter.count(stage)
    if problem := stage.value["problem"]:
        raise TrainingDiverged(problem)
    return build(probe_architecture(bench._initial), stage.value["state"])


def _copy(value: Any) -> Any:
    if isinstance(value, Network):
        return copy_of(value)
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, Mask):
        return Mask({name: mask.clone() for name, mask in value.items()}, value.total)
    if isinstance(value, list | tuple):
        return type(value)(_copy(item) for item in value)
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return value
