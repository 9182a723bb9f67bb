import math

import pytest

from harness.reports.formatting import (
    count,
    decimal,
    duration,
    encoded,
    listed,
    numbered,
    percent,
    percents,
    points,
    share,
    signed,
    thousands,
    visible,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0124, "+0.012"), (-0.5, "\N{MINUS SIGN}0.500"), (-0.0004, "0.000"), (float("nan"), "\N{EN DASH}")],
)
def test_a_difference_has_its_sign(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (count, 3.0, "3"),
        (count, 6.5, "6.5"),
        (thousands, 999.6, "1,000"),
        (thousands, 300.0, "300"),
        (thousands, 1234567.0, "1,234,567"),
        (thousands, NAN, "\N{EN DASH}"),
        (percent, 0.015625, "1.56%"),
        (percent, 1.0, "100%"),
        (share, 0.0875, "8.8%"),
        (points, 0.125, "12.5 points"),
        (points, 0.01, "1 point"),
        (points, -0.01, "\N{MINUS SIGN}1 point"),
        (points, -0.2, "\N{MINUS SIGN}20 points"),
        (points, 0.0, "0 points"),
        (points, -0.0004, "0 points"),
        (points, math.inf, "\N{EN DASH}"),
        (decimal, 0.98765, "0.988"),
        (duration, 0.25, "0.25 s"),
        (duration, 99.0, "99 s"),
        (duration, 99.5, "1.66 min"),
        (duration, 7200.0, "2 h"),
    ],
)
def test_a_number_is_written_in_its_form(form, value, text):
    assert form(value) == text
    assert form(NAN) == "\N{EN DASH}"


@pytest.mark.parametrize(("number", "text"), [(0, "0 entries"), (1, "1 entry"), (1200, "1,200 entries")])
def test_a_number_of_things_is_one_or_several(number, text):
    assert numbered(number, "entry", "entries") == text
    assert numbered(number, "seed") == text.replace("entry", "seed").replace("entries", "seeds")


def test_the_last_unit_of_time_has_no_end():
    assert duration(1e9) == f"{1e9 / 3600:.3g} h"
    assert duration(math.inf) == "\N{EN DASH}"


def test_every_character_shows():
    assert visible("a \x1b[2J\u202e\n“é”") == r"a \x1b[2J\u202e\n“é”"


def test_half_a_character_is_written_out():
    assert encoded("a\udc80é") == b"a\\udc80\xc3\xa9"


@pytest.mark.parametrize(
    ("texts", "sentence"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_texts_are_listed(texts, sentence):
    assert listed(texts) == sentence


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, 0.25, 0.015625], ["100%", "25%", "1.56%"]),
        ([1.0, 0.25, 0.2499], ["100%", "25%", "24.99%"]),
        ([0.1 + 0.2, 0.3], ["30.000000000000004%", "30%"]),
        ([0.25, 0.25], ["25%", "25%"]),
        ([], []),
    ],
)
def test_levels_that_differ_have_texts_that_differ(values, texts):
    assert percents(values) == texts
