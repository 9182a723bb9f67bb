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

    ``dataset`` is a name or, until the plan has found its data, ``auto``: `harness.initial.pretraining_source`.
    """

    key_name: ClassVar[str] = ""
    dataset: str = "auto"
    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)] = 0
    training: Annotated[Schedule, AfterValidator(_without_classes)] = Schedule()
