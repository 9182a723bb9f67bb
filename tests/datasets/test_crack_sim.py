"""The images of this version of crack-sim; what it shares with isic-sim is in test_latent_simulator.py."""

import numpy as np
import pytest

from harness.datasets.crack_sim import CrackSim

FIRST_LATENTS = (-0.6499675, 1.0076258, -1.5747752, -0.6876789)  # of training image 0, seed 0
FIRST_MEANS = (  # RGB, of the first four training images at 64 pixels
    (133.91, 137.04, 137.30),
    (185.90, 183.91, 175.37),
    (144.26, 145.26, 144.11),
    (186.52, 192.31, 195.02),
)


def test_the_images_of_this_version_are_these() -> None:
    """A failure means that the version must be raised; rounding differs by a grey level between CPU types."""
    assert CrackSim.version == "1"
    assert CrackSim().latent_values("train")[0] == pytest.approx(FIRST_LATENTS, abs=1e-6)
    means = CrackSim().render("train", range(4), 64).mean((2, 3))
    assert means == pytest.approx(np.array(FIRST_MEANS), abs=0.05)


def test_it_is_a_tenth_of_the_papers_draw_of_crack_with_as_many_sound_to_one_cracked() -> None:
    sound, cracked = np.add(CrackSim.counts["train"], CrackSim.counts["test"])
    assert (sound, cracked) == (20_000 / 10, 4_000 / 10)
    assert sum(CrackSim.counts["test"]) == 0.15 * (sound + cracked)
    assert all(negatives == 5 * positives for negatives, positives in CrackSim.counts.values())
