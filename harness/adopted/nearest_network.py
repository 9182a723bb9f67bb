"""Which network a file is of, where it is not the one that was named: shapes alone are compared."""

from collections import Counter
from collections.abc import Iterator, Mapping

from torch import Tensor

from harness.adopted.fitting import HEAD, fit
from harness.errors import HarnessError
from harness.networks.architecture import Architecture
from harness.networks.factories import skeleton
from harness.networks.registered import HELD_TO, TORCHVISION, built_in

_LIKE = 0.5
"""Share of a network's tensors that must be in a file for it to be named as the nearest."""


def nearest_network(found: Mapping[str, Tensor]) -> str:
    """Return in words which of the harness's networks the tensors fit, or come nearest to; else an empty text."""
    likeness: dict[str, float] = {}
    for name, own in _candidates():
        if not fit(own, found).faults:
            return f"it fits --network {name}"
        likeness[name] = _likeness(own, found)
    best = max(likeness, key=lambda name: likeness[name], default="")
    return f"of the networks here {best} is nearest to it" if best and likeness[best] >= _LIKE else ""


def _candidates() -> Iterator[tuple[str, Mapping[str, Tensor]]]:
    """Yield our own networks and torchvision's that are tested; others' code is not imported for a guess."""
    for name in (*built_in(), *(f"{TORCHVISION}{model}" for model in HELD_TO)):
        try:
            yield name, skeleton(Architecture(name)).state_dict()
        except HarnessError:  # no torchvision
            continue


def _likeness(own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> float:
    ours = Counter(tensor.shape for name, tensor in own.items() if tensor.dim() and not name.startswith(HEAD))
    theirs = Counter(tensor.shape for tensor in found.values() if tensor.dim())
    return (ours & theirs).total() / max((ours | theirs).total(), 1)
