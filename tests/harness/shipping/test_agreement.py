"""A file's scores beside the published ones, counted in plain loops."""

import numpy as np
import pytest

from harness.errors import MachineError
from harness.shipping.agreement import agreement, require_agreement

PUBLISHED = np.array([-1.0, 0.0, 1.0, 2.0])


def test_differences_are_counted_in_sd_of_the_published_scores():
    found = agreement(PUBLISHED + np.array([0, 0.01, -0.02, 0]), PUBLISHED, 0.005, "torch 2")
    mean = sum(PUBLISHED) / 4
    sd = (sum((score - mean) ** 2 for score in PUBLISHED) / 4) ** 0.5
    assert found.largest == pytest.approx(0.02)
    assert found.share == pytest.approx(0.02 / sd)
    assert (found.images, found.changed, found.runtime) == (4, 1, "torch 2")


@pytest.mark.parametrize(("off", "tolerance"), [(0.0012, 1e-3), (0.02, 1e-2), (float("nan"), 0.5), (np.inf, 0.5)])
def test_a_score_that_differs_is_refused_with_its_runtime(off, tolerance):
    found = agreement(PUBLISHED + np.array([0, 0, off, 0]), PUBLISHED, 0.5, "onnxruntime 1.32.0")
    with pytest.raises(MachineError, match=r"lt\.onnx is not the network .* by onnxruntime 1\.32\.0"):
        require_agreement(found, tolerance, "lt.onnx")


def test_rounding_is_let_through_and_of_a_collapsed_network_too():
    require_agreement(agreement(PUBLISHED + 1e-6, PUBLISHED, 0.5, "torch"), 1e-3, "x")
    dead = np.full(5, 3.0)
    require_agreement(agreement(dead + np.float32(1e-6), dead, 0.5, "torch"), 1e-3, "x")
    with pytest.raises(MachineError):
        require_agreement(agreement(dead + 0.001, dead, 0.5, "torch"), 1e-3, "x")
