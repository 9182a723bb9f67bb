"""A configuration file to begin with: every key with its meaning, what it takes, and its value, as TOML."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from harness import __version__
from harness.entry_text import toml_text
from harness.planning.configuration import Configuration
from harness.planning.configuration_file import load_configuration
from harness.planning.key_meanings import Key, Section, sections

_WIDTH = 80

_EXAMPLES = {"loss": "focal", "data.positive": "cracked"}
"""For keys that have no value unless somebody gives one, which TOML cannot say."""

_NONE = {"data.folds": 0}
"""Their word for none."""

_ANY = ("a text", "a table")

_DEFAULTS = """
Every key of a configuration, as harness {version} has it by default.
A line that begins with # and no space is a key that is not set: take the # away to set it. What is not set here comes \
from the preset, quick unless another is named: harness run --preset NAME --config FILE
Documents that are named here are in the folder docs.
"""
_PRESET = """
The preset {preset} of harness {version}, with every key that it leaves as it is.
For what it sets: harness run --preset {preset} --config FILE
A line that begins with # and no space is a key that has no value: take the # away to set it. Documents that are named \
here are in the folder docs.
"""


def sample_file(preset: str | None) -> str:
    """Return a file of all keys: not set, at their defaults; or set as a ``preset`` has them. Raises `UsageError`."""
    values = asdict(Configuration() if preset is None else load_configuration(preset, None, [], {}))
    head = (_DEFAULTS if preset is None else _PRESET).format(version=__version__, preset=preset)
    lines = [line for paragraph in head.strip().splitlines() for line in _comment(paragraph)]
    for section in sections():
        lines += ["", *_section(section, _table(values, section), is_set=preset is not None)]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, Any], section: Section) -> Mapping[str, Any]:
    for part in section.place:
        values = values[part]
    return values


def _section(section: Section, values: Mapping[str, Any], *, is_set: bool) -> Iterator[str]:
    if section.place:
        yield from _comment(section.meaning)
        yield f"[{section.name}]"
    for number, key in enumerate(section.keys):
        if not section.again:
            yield from ["", *_about(key)] if number or section.place else _about(key)
        yield from _set(key.name, ".".join((*section.place, key.name)), values[key.name], is_set=is_set)


def _about(key: Key) -> Iterator[str]:
    yield from _comment(key.meaning)
    if key.takes not in _ANY:
        yield from _comment(f"Takes {key.takes}.")


def _set(key: str, name: str, value: Any, *, is_set: bool) -> Iterator[str]:
    if value is None:
        value = _NONE.get(name)
    if value is None:
        value, is_set = _EXAMPLES[name], False
        yield "# No value by default; such as:"
    yield f"{'' if is_set else '#'}{key} = {toml_text(value) if value != {} else '{}'}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)]
