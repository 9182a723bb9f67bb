from itertools import pairwise

import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, skeleton


def test_the_parameters_are_those_of_four_convolutions_their_norms_and_a_line():
    widths = (3, 32, 64, 128, 128)
    convolutions = sum(9 * before * after for before, after in pairwise(widths))
    norms = 2 * sum(widths[1:])
    assert parameter_count(skeleton(Architecture("small-cnn"))) == convolutions + norms + 2 * 128 + 2 == 241_442


def test_it_halves_the_image_four_times():
    network = build(Architecture("small-cnn"))
    initialise(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network.features(torch.zeros(1, 3, 64, 64)).shape == (1, 128, 4, 4)
