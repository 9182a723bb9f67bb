"""What an answer depends on besides the images: the user's to set, fixed before a run and printed with the answer."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StrictFloat
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Terms:
    """By what a smaller network is judged.

    ``fpr``: the share of the negatives, in (0, 1), that every network is let call positive when sensitivities are
    compared. ``delta``: the margin, in (0, .5), below which a loss of sensitivity, a share of the positives, is
    accepted. ``sensitivity``: the share of the validation positives, in (0, 1), that the deployed cut keeps.
    ``cost_ratio`` > 0: as many false alarms cost what one missed positive does.
    """

    key_name: ClassVar[str] = "terms"
    fpr: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.30
    delta: Annotated[StrictFloat, Field(gt=0, lt=0.5)] = 0.10
    sensitivity: Annotated[StrictFloat, Field(gt=0, lt=1)] = 0.90
    cost_ratio: Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] = 10.0


USUAL = Terms()
"""The terms of whoever sets none, and of results from before there were any."""
