"""What an answer depends on besides the images: the user's to set, fixed before a run and printed with the answer."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StrictFloat
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Terms:
    """By what a smaller network is judged."""

    key_name: ClassVar[str] = "terms"
    fpr: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.30
    """Share of the negatives that each network may call positive where sensitivities are compared."""
    delta: Annotated[StrictFloat, Field(gt=0, lt=0.5)] = 0.10
    """Margin: a smaller loss of sensitivity, in shares of the positives, is accepted."""
    sensitivity: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.90
    """Share of the validation positives that the cut `deployed` keeps."""
    cost_ratio: Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] = 10.0
    """So many false alarms cost what one missed positive does."""


USUAL = Terms()
"""The terms of whoever sets none, and of results from before there were any."""
