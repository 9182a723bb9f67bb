"""Sizes, times and counts as they are written."""

import pytest

from harness.cli.amounts import BYTES, COUNT, SECONDS, amount
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [
        ("200kB", BYTES, 200_000),
        ("1.5MB", BYTES, 1_500_000),
        ("300KiB", BYTES, 307_200),
        ("300 kib", BYTES, 307_200),
        ("2MiB", BYTES, 2_097_152),
        ("1GB", BYTES, 10**9),
        ("4096", BYTES, 4096),
        ("12 B", BYTES, 12),
        ("5ms", SECONDS, 0.005),
        ("0.2s", SECONDS, 0.2),
        ("250us", SECONDS, 0.00025),
        ("20M", COUNT, 20e6),
        ("150k", COUNT, 150_000),
        ("1.5G", COUNT, 1.5e9),
        ("123456", COUNT, 123_456),
    ],
)
def test_what_can_be_read(text, units, value):
    assert amount("--max", text, units, "x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("units", [BYTES, SECONDS, COUNT])
@pytest.mark.parametrize(
    "text", ["", " ", "0", "0kB", "-5ms", "1e3", "nan", "inf", "5 parsecs", "kB", "1,5MB", "1_000", "\u0661", "1" * 400]
)
def test_what_cannot(text, units):
    with pytest.raises(UsageError) as caught:
        amount("--max-bytes", text, units, "200kB")
    assert "--max-bytes" in caught.value.message
    assert caught.value.fix == "write 200kB"


def test_a_time_has_a_unit():
    with pytest.raises(UsageError):
        amount("--max-latency", "5", SECONDS, "5ms")
