"""Meanings are read from below the fields, and what a key takes from its type."""

from dataclasses import dataclass

import pytest

from harness.errors import UsageError
from harness.planning.configuration_file import load_configuration
from harness.planning.key_meanings import meanings, sections


@dataclass
class Example:
    """No field's."""

    one: int = 1
    """Is on
    two lines.
    """
    two: int = 2
    three: int = 3
    "Is short."

    def method(self) -> None:
        """No field's either."""


def test_the_text_below_a_field_is_its_meaning_on_one_line():
    assert meanings(Example) == {"one": "Is on two lines.", "three": "Is short."}


def test_a_table_that_is_another_ones_says_so():
    found = {section.name: section for section in sections()}
    assert list(found) == ["", "data", "training", "pretraining", "pretraining.training", "tuning", "verdict"]
    assert [name for name, section in found.items() if section.again] == ["pretraining.training"]
    assert found["pretraining.training"].keys == found["training"].keys


@pytest.mark.parametrize(
    ("assignment", "refused"),
    [
        ("training.momentum=0.999", False),
        ("training.momentum=1.0", True),
        ("data.size=63", False),
        ("data.size=62", True),
    ],
)
def test_bounds_are_those_that_are_held(assignment, refused):
    takes = {f"{section.name}.{key.name}": key.takes for section in sections() for key in section.keys}
    assert takes["training.momentum"] == "a number from 0, below 1"
    assert takes["data.size"] == "a whole number from 63 to 1,024"
    if refused:
        with pytest.raises(UsageError):
            load_configuration("quick", None, [assignment], {})
    else:
        load_configuration("quick", None, [assignment], {})
