"""Values in TOML's spelling: what is shown can be written into a file as it is."""

import tomllib

import pytest

from harness.entry_text import toml_text


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        1,
        -3,
        0.5,
        1e-9,
        "lt",
        'a "b" \\ c',
        "naïve",
        [1, "a", True],
        {"name": "lt", "rate": 0.5},
        [{"a": []}],
    ],
)
def test_what_is_shown_reads_back(value):
    assert tomllib.loads(f"value = {toml_text(value)}") == {"value": value}


def test_a_list_may_be_a_tuple():
    assert toml_text((1, "a")) == '[1, "a"]'
