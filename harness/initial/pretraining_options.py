"""How the convolutions are pretrained, as a user sets it; no torch here."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StrictInt
from pydantic.dataclasses import dataclass

from harness.training.schedule import Schedule


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Pretraining:
    """How the convolutions are pretrained on simulated images: the data set that draws them, and the schedule."""

    key_name: ClassVar[str] = ""
    dataset: str = "isic-sim"
    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)] = 0
    training: Schedule = Schedule()
