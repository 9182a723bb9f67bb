"""What is wrong with one layer of a configuration, in TOML's words: every fault by the key that has it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError, nearest_key
from harness.losses.registered import base_of, own_schedule
from harness.planning.configuration import Configuration

Place = tuple[int | str, ...]

_DEPTH = 16
_INT64 = 2**63 - 1
_MOST_OF_A_TRAINING = {"epochs": 1_000_000, "max_steps": 1_000_000_000, "batch_size": 1_000_000}
_MOST: dict[Place, int] = {
    (*section, name): most
    for section in (("training",), ("pretraining", "training"))
    for name, most in _MOST_OF_A_TRAINING.items()
}
"""What a user may ask for; `Schedule` itself takes more, since keys count its epochs in steps."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = {
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "string_type": "should be a text",
    "tuple_type": "should be a list",
    "dict_type": "should be a table",
    "dataclass_type": "should be a table",
    "too_short": "should not be empty",
    "string_too_short": "should not be empty",
}


def faults_of(layer: Mapping[str, Any]) -> list[str]:
    """Return a line for each fault of a layer, its key first; an unknown key with the nearest known one."""
    found = dict(_beyond_use(layer, ())) | _by_schema(layer)
    return sorted(f"{_shown(place)}: {text}" for place, text in found.items())


def loss_faults(losses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each fault of the tables ``[losses.NAME]``, whole: its key first."""
    found = {("losses", name, *place): text for name, table in losses.items() for place, text in _of_loss(name, table)}
    return sorted(f"{_shown(place)}: {text}" for place, text in found.items())


def _of_loss(name: str, table: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    try:
        base = base_of(table)
    except UsageError as error:
        yield ("kind",), "; ".join([error.message, *error.faults, *([error.fix] if error.fix else [])])
        return
    known = base.fields
    given = {key: value for key, value in table.items() if key in known}
    unknown = table.keys() - known.keys() - {"kind"}
    place = _shown(("losses", name))
    yield from (((key,), f"no such key{nearest_key(key, place, {place: [*known, 'kind']})}") for key in unknown)
    told = _by_schema({**known, **given}, type(base))
    yield from told.items()
    if not told and not unknown:
        try:
            own_schedule(name, table)
        except UsageError as error:
            for fault in error.faults or [error.message]:
                key, _, text = fault.rpartition(": ")
                yield (key,) if key in known else (), text if key in known else fault


def _by_schema(layer: Mapping[str, Any], kind: type[Any] = Configuration) -> dict[Place, str]:
    try:
        TypeAdapter(kind).validate_python(layer)
    except ValidationError as error:
        texts: dict[Place, dict[str, None]] = {}
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            place = _followed(fault["loc"], layer)
            texts.setdefault(place, {})[_words(fault["type"], fault["msg"], place)] = None
        # A list with a wrong item is told by the item alone.
        deepest = [place for place in texts if not any(other[: len(place)] == place != other for other in texts)]
        return {place: " or ".join(texts[place]).replace(" or should be ", " or ") for place in deepest}
    return {}


def _followed(where: Place, layer: Any) -> Place:
    """Return the keys on the way to a fault, without the names of types among which a value could choose."""
    found: list[int | str] = []
    for part in where:
        there = (
            part in layer if isinstance(layer, Mapping) else isinstance(layer, list | tuple) and isinstance(part, int)
        )
        if there:
            found.append(part)
            layer = layer[part]
    return tuple(found)


def _words(kind: str, message: str, place: Place) -> str:
    if kind == "unexpected_keyword_argument":
        return f"no such key{nearest_key(str(place[-1]), _shown(place[:-1]), _tables(place[:-1]))}"
    plain = message.removeprefix("Value error, ").removeprefix("Input ")
    return _WORDS.get(kind, f"{plain[0].lower()}{plain[1:]}")


def _tables(place: Place) -> dict[str, list[str]]:
    """Return the keys of each table by its name; of one by names, such as a search space, those of it alone."""
    section: Any = Configuration
    for part in place:
        section = _below(section, str(part))
    found = dict(_keys_below(Configuration, ""))
    if _shown(place) in found:
        return found
    return {_shown(place): [field.name for field in fields(section)] if is_dataclass(section) else []}


def _keys_below(section: type[Any], table: str) -> Iterator[tuple[str, list[str]]]:
    types = get_type_hints(section)
    names = [field.name for field in fields(section)]
    yield table, names
    for name in names:
        if is_dataclass(types[name]):
            yield from _keys_below(types[name], f"{table}.{name}".lstrip("."))


def _below(section: Any, part: str) -> Any:
    """Return the type of a section's part; of a table by names, that of its values."""
    if is_dataclass(section):
        return get_type_hints(section).get(part)
    return get_args(section)[1] if get_origin(section) is dict else None


def _beyond_use(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Tell whole numbers that are larger than TOML's, or than anybody can train, and tables in tables without end."""
    most = _MOST.get(place, _INT64)
    if len(place) > _DEPTH:
        yield place[:3], f"is nested more than {_DEPTH} deep"
    elif isinstance(value, int) and value > most:
        yield place, f"should be at most {most:,}".replace(f"{_INT64:,}", "2^63 - 1")
    elif isinstance(value, int) and value < -_INT64 - 1:
        yield place, "should be at least -2^63"
    elif isinstance(value, Mapping | list | tuple):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _beyond_use(item, (*place, key))


def _shown(place: Place) -> str:
    return ".".join(str(part) if _BARE.fullmatch(str(part)) else json.dumps(part) for part in place)
