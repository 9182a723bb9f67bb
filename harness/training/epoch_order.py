"""Which images an epoch trains on, and in which order."""

import torch
from torch import Tensor

from harness.training.schedule import Sampler


def epoch_order(labels: Tensor, sampler: Sampler, draws: torch.Generator) -> Tensor:
    """Return the positions (N,) of an epoch's N images, on the CPU, for ``labels`` (N,).

    ``shuffled``: each image once. ``balanced``: N draws with replacement, each first of a class, all equally likely,
    and then of an image of it, so that each class is expected to fill an equal share of every batch. Source: Kang et
    al. 2020, Decoupling Representation and Classifier for Long-Tailed Recognition, Sec. 3, equation (1) at q = 0.
    """
    if sampler == "shuffled":
        return torch.randperm(len(labels), generator=draws)
    classes, belongs = torch.unique(labels.cpu(), return_inverse=True)
    members = [torch.nonzero(belongs == index).flatten() for index in range(len(classes))]
    chosen = torch.randint(len(classes), (len(labels),), generator=draws)
    order = torch.empty(len(labels), dtype=torch.long)
    for index, own in enumerate(members):
        places = torch.nonzero(chosen == index).flatten()
        order[places] = own[torch.randint(len(own), (len(places),), generator=draws)]
    return order
