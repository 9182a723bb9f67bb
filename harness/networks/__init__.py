"""The networks that are pruned, by factory name, and all that a new one needs."""

from harness.networks.architecture import Architecture, Network, positive_scores
from harness.networks.factories import FACTORIES, build, copy_of, initialise, parameter_count, skeleton, state_of

__all__ = [
    "FACTORIES",
    "Architecture",
    "Network",
    "build",
    "copy_of",
    "initialise",
    "parameter_count",
    "positive_scores",
    "skeleton",
    "state_of",
]
