"""The paper's method: the lottery ticket trained with the class-dependent loss."""

from dataclasses import dataclass, fields
from typing import Literal

from harness.methods.lt import LotteryTicket
from harness.pruning import Pruner


@dataclass(frozen=True, kw_only=True)
class ClassDependentLotteryTicket(LotteryTicket):
    """The lottery ticket with one of the paper's loss scenarios: blue, black (its best) or green."""

    source = "Entezari & Saukh 2020, Algorithm 1, equations (1)-(3), Sec. III-C"
    variants = ({"scenario": "blue"}, {"scenario": "black"}, {"scenario": "green"})

    scenario: Literal["blue", "black", "green"] = "black"

    @property
    def loss(self) -> str:
        """The scenario's loss schedule."""
        return self.scenario

    def without_loss(self) -> tuple[str | None, Pruner]:
        """Return the plain lottery ticket: a scenario is nothing but a loss."""
        shared = {field.name: getattr(self, field.name) for field in fields(LotteryTicket)}
        return "lt", LotteryTicket(**shared)
