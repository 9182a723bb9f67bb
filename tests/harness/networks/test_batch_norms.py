import pytest
from torch import nn

from harness.networks.batch_norms import has_batch_norms


@pytest.mark.parametrize(
    ("layer", "has"),
    [
        (nn.BatchNorm2d(3), True),
        (nn.BatchNorm1d(3), True),
        (nn.GroupNorm(1, 3), False),
        (nn.LayerNorm(3), False),
        (nn.Conv2d(3, 3, 1), False),
    ],
)
def test_a_batch_norm_is_found_wherever_it_is(layer, has):
    assert has_batch_norms(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(nn.ReLU(), layer))) is has
