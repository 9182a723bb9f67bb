"""One pruning round of the paper's network: ours on whole tensors, against the released code's loop over indices.

The loop is in our own words, after the released ``train_model.py``: the least half of a tensor by topk, then one index
after another unravelled, written to the weights and to the mask, and kept in a list. It is timed on a sample of each
tensor's indices and extrapolated, since a whole round of it takes half a minute.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.methods.lt import LotteryTicket
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.randomness import generator
from harness.sparsity.mask import Mask

SAMPLE = 2_000
ROUNDS = 8


def networks() -> tuple[Network, Network]:
    trained, initial = build(Architecture("alexnet")), build(Architecture("alexnet"))
    initialise(trained, generator(0, "trained"))
    initialise(initial, generator(0, "initial"))
    return trained, initial


def looped(scores: Tensor, weights: Tensor, mask: Tensor, pruned: list[tuple[Any, ...]], most: int) -> float:
    """Prune the least half of one tensor, at most ``most`` weights of it; return the seconds of the whole, in part
    extrapolated."""
    start = time.process_time()
    count = scores.numel() // 2
    least = torch.topk(scores.flatten(), count, largest=False).indices
    found = time.process_time() - start
    start = time.process_time()
    for index in least[:most]:
        position = np.unravel_index(index.item(), weights.shape)
        weights[position] = 0
        mask[position] = False
        pruned.append(position)
    return found + (time.process_time() - start) * count / max(1, min(most, count))


def loop_round(scores: Mapping[str, Tensor], weights: Mapping[str, Tensor], most: int) -> tuple[float, Mask]:
    remaining = {name: torch.ones(score.shape, dtype=torch.bool) for name, score in scores.items()}
    seconds = sum(looped(scores[name], weights[name].clone(), remaining[name], [], most) for name in scores)
    return seconds, Mask(remaining, 0)


def test_index_loop_over_vectorised_round(compare: Any) -> None:
    trained, initial = networks()
    method = LotteryTicket(variant="released-code")
    mask = method.first_mask(initial)
    weights = {name: tensor.detach() for name, tensor in trained.named_parameters() if name in mask}
    scores = method.scores(trained, initial, mask)

    def vectorised() -> float:
        start = time.process_time()
        method.shrink(method.scores(trained, initial, mask), mask, 0.5, 0.5)
        return time.process_time() - start

    small = {name: score for name, score in scores.items() if name.endswith("weight") and score.numel() <= SAMPLE * 2}
    _, same = loop_round(small, weights, SAMPLE)  # biases are all zero, so ties
    ours = method.shrink(scores, mask, 0.5, 0.5)
    assert all(torch.equal(same[name], ours[name]) for name in small)

    name = "pruning round by the index loop (extrapolated) / vectorised, alexnet"
    compare(name, lambda: loop_round(scores, weights, SAMPLE)[0], vectorised, rounds=ROUNDS, aim=300, more=True)
