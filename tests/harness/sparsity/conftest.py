import pytest
import torch
from torch import nn


@pytest.fixture
def network():
    """Layers of 216, 400, 99 and 120 weights, of which the third is never pruned."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.Linear(25, 16, bias=False),
        nn.Linear(9, 11),
        nn.Linear(10, 12),
        nn.Embedding(5, 4),
    )
