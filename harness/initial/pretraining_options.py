"""How the convolutions are pretrained, as a user sets it; no torch here."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, StrictInt
from pydantic.dataclasses import dataclass

from harness.training.schedule import Schedule


def _without_classes(training: Schedule) -> Schedule:
    if training.sampler != "shuffled":
        raise ValueError("sampler should be shuffled: what is learned here are latent variables, not classes")
    return training


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Pretraining:
    """How the convolutions are pretrained on simulated images: the data set that draws them, and the schedule.

    Until the plan has found its data the set may be ``auto``: `harness.initial.pretraining_source`.
    """

    key_name: ClassVar[str] = ""
    dataset: str = "auto"
    """Draws the images that convolutions are pretrained on (for `simulated`); none of them is in its train or test
    split. `auto` is `isic-sim`, or `crack-sim` where the data are `isic-sim`'s own, as after a fall-back: pretraining
    shows labels, too. A set's own simulator can be asked for by name; every page then says that W0 has seen its
    classes.
    """
    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)] = 0
    """Seed of the pretraining, one for all seeds of the run."""
    training: Annotated[Schedule, AfterValidator(_without_classes)] = Schedule()
    """The same keys as `training`, for the pretraining."""
