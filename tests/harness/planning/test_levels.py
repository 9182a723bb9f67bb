"""Which densities are one level of a network, by counting parameters."""

import pytest

from harness.networks.architecture import Architecture
from harness.networks.factories import parameter_count, skeleton
from harness.planning.levels import levels_asked

TOTAL = parameter_count(skeleton(Architecture("small-cnn")))


def test_levels_descend_from_one_which_is_always_asked():
    assert levels_asked([0.25, 0.5, 0.25], "small-cnn") == ((1.0, 0.5, 0.25), [])


@pytest.mark.parametrize(
    ("asked", "levels"),
    [
        ([0.25, 0.2500000001, 0.9999999], (1.0, 0.25)),
        ([0.2500000001, 0.25], (1.0, 0.25)),
        ([0.5, 0.5 - 0.99 / TOTAL], (1.0, 0.5)),
        ([0.5, 0.5 - 1.01 / TOTAL], (1.0, 0.5, 0.5 - 1.01 / TOTAL)),
        ([0.3, 0.1 + 0.2], (1.0, 0.3)),
        ([1 - 0.9 / TOTAL, 1 - 1.8 / TOTAL], (1.0, 1 - 1.8 / TOTAL)),  # no chain: the second is a level of its own
        ([1e-9, 1e-12], (1.0, 1e-9)),
    ],
)
def test_densities_nearer_than_one_parameter_are_one_level(asked, levels):
    assert levels_asked(asked, "small-cnn")[0] == levels


def test_a_note_names_what_is_not_run_what_stands_for_it_and_why():
    (note,) = levels_asked([0.25, 0.2500000001], "small-cnn")[1]
    assert "density 0.2500000001: the same level as 0.25" in note
    assert f"{TOTAL:,} parameters of small-cnn" in note
