"""All that a pruning method needs, from here alone: the interface, its templates, masks, channels, networks.

Every other module of the harness is private by agreement and may move.
"""

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, parameter_count, skeleton, state_of
from harness.networks.paths import not_a_sum_of_paths, output_of_paths
from harness.networks.replaced import Replaced
from harness.pruning.one_shot import OneShotPruner, Retrain
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.templates import ChannelPruner, IterativePruner, SaliencyPruner, Start
from harness.pruning.workbench import TrainingDiverged, Workbench
from harness.sparsity.channel_budget import ChannelScope
from harness.sparsity.mask import DensityUnreachable, Mask, Scope, Scores, prunable_weights
from harness.sparsity.narrowable import not_narrowable
from harness.sparsity.ranking import keep_largest, prune_least
from harness.sparsity.surgery import ChannelGroup, channel_groups, coupled, without_channels

__all__ = [
    "Architecture",
    "ChannelGroup",
    "ChannelPruner",
    "ChannelScope",
    "DensityUnreachable",
    "IterativePruner",
    "Mask",
    "Network",
    "OneShotPruner",
    "PrunedNetwork",
    "Pruner",
    "Replaced",
    "Retrain",
    "SaliencyPruner",
    "Scope",
    "Scores",
    "Start",
    "TrainingDiverged",
    "Workbench",
    "build",
    "channel_groups",
    "copy_of",
    "coupled",
    "keep_largest",
    "not_a_sum_of_paths",
    "not_narrowable",
    "output_of_paths",
    "parameter_count",
    "prunable_weights",
    "prune_least",
    "skeleton",
    "state_of",
    "without_channels",
]
