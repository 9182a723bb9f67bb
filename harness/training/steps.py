"""How a training's steps are taken: here as they are written, kernel by kernel."""

from torch import Tensor

from harness.training.augmentation import views_of
from harness.training.batches import Batch
from harness.training.stepper import Stepper


class Steps:
    """Takes the steps of one ``stepper``, from a batch as it is drawn."""

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper

    def take(self, batch: Batch, learning_rate: float) -> Tensor:
        """Take one step and return its loss, a tensor of its own that nothing waits for."""
        return self.stepper.step(self.seen(batch), batch.targets, learning_rate)

    def seen(self, batch: Batch) -> Tensor:
        """Return the views of a batch, normalised float32 (B, 3, S, S)."""
        return views_of(batch.images, self.stepper.schedule.augmentation, batch.views)
