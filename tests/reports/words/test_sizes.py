"""Amounts in words: three digits, never less than they are, and readable by the option that they are typed for."""

import numpy as np
import pytest

from harness.cli.amounts import BYTES, COUNT, SECONDS, amount
from harness.reports.analysis.candidates import Axis
from harness.reports.words.sizes import size, written

UNITS = {Axis.BYTES: BYTES, Axis.MACS: COUNT, Axis.PARAMETERS: COUNT, Axis.LATENCY: SECONDS}


@pytest.mark.parametrize(
    ("axis", "value", "text"),
    [
        (Axis.BYTES, 618_128, "619kB"),
        (Axis.BYTES, 1_000_000, "1MB"),
        (Axis.BYTES, 999_900, "1000kB"),
        (Axis.BYTES, 12, "12B"),
        (Axis.MACS, 4_808_714, "4.81M"),
        (Axis.PARAMETERS, 154_532, "155k"),
        (Axis.PARAMETERS, 1, "1"),
        (Axis.LATENCY, 0.00512, "5.12ms"),
        (Axis.LATENCY, 2.0, "2s"),
    ],
)
def test_each(axis, value, text):
    assert written(axis, value) == text


@pytest.mark.parametrize("axis", Axis)
def test_what_is_typed_again_lets_the_network_through(axis):
    for value in np.exp(np.random.default_rng(0).uniform(np.log(1e-5 if axis == Axis.LATENCY else 1), 20, 300)):
        value = value if axis == Axis.LATENCY else np.ceil(value)
        again = amount("--max", written(axis, float(value)), UNITS[axis], "")
        assert value * (1 - 1e-9) <= again <= value * 1.011 + (axis != Axis.LATENCY)


def test_what_is_not_known_is_left_out():
    assert size({Axis.MACS: 2e6, Axis.LATENCY: 0.004}) == "2M MACs left, 4ms"
    assert size({}) == "its size is not known"
