"""What a run asks of a network before anything is computed; `harness check` asks for much more."""

import traceback

import torch
from torch import Tensor

from harness.errors import HarnessError, UsageError, text_of
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build
from harness.networks.registered import LINEAR_PROBE, unknown_network

SMALLEST = 63
"""Pixels that every network must be able to take; larger squares, too."""


def require_fit(name: str, size: int) -> None:
    """Raise `UsageError` in one sentence where the network ``name`` cannot be built or take images of ``size`` px."""
    if name == LINEAR_PROBE:
        raise unknown_network(name)
    try:
        network = build(Architecture(name))
    except HarnessError:
        raise
    except Exception as error:  # it is anybody's code
        raise _unfit(name, f"cannot be built ({text_of(error)}{line_of(error)})") from error
    try:
        shape = tuple(_logits(network, size))
    except Exception as error:
        raise _unfit(name, f"cannot take images of {size} px ({text_of(error)}{line_of(error)})") from error
    if shape != (1, 2):
        raise _unfit(name, f"gives {shape} for one image of {size} px, where two logits are due, (1, 2)")


def _logits(network: Network, size: int) -> torch.Size:
    with torch.no_grad():
        logits: Tensor = network.eval()(torch.zeros(1, 3, size, size))
    return logits.shape


def _unfit(name: str, why: str) -> UsageError:
    return UsageError(f"network {name!r} {why}", fix=f"use another network or size; `harness check {name}` tells more")


def line_of(error: BaseException) -> str:
    """Return ", FILE:LINE" of the code that raised, outside of torch, or an empty text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/torch/" not in frame.filename and "/harness/networks/" not in frame.filename]
    return f", {own[-1].filename}:{own[-1].lineno}" if own else ""
