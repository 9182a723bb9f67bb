"""Every key of a configuration with its meaning, which is the text below its field, and with what it takes."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from harness.planning.configuration import Configuration

Schema = Mapping[str, Any]

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "object": "a table",
}
_BOUNDS = {
    "minimum": " from {:,}",
    "exclusiveMinimum": " above {:,}",
    "maximum": ", at most {:,}",
    "exclusiveMaximum": ", below {:,}",
}
_RANGE = " from {minimum:,} to {maximum:,}"


@dataclass(frozen=True)
class Key:
    """A key; ``takes`` are its values in words."""

    name: str
    meaning: str
    takes: str


@dataclass(frozen=True)
class Section:
    """A table of keys by its place, which is empty for the keys of no table. ``again``: another one's, told there."""

    place: tuple[str, ...]
    meaning: str
    keys: tuple[Key, ...]
    again: bool

    @property
    def name(self) -> str:
        """The table as TOML has it between its brackets."""
        return ".".join(self.place)


def sections() -> list[Section]:
    """Return all keys by their tables, in the order of the configuration."""
    schema = TypeAdapter(Configuration).json_schema()
    return list(_sections(Configuration, (), "", schema, schema.get("$defs", {}), {}))


def meanings(kind: type[Any]) -> dict[str, str]:
    """Return the text below each field of a dataclass, on one line; a field without one is left out."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(below.value.value.split())
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


def _sections(
    kind: type[Any], place: tuple[str, ...], meaning: str, schema: Schema, known: Schema, told: dict[type[Any], None]
) -> Iterator[Section]:
    types, texts, again = get_type_hints(kind), meanings(kind), kind in told
    told[kind] = None
    tables = {field.name: types[field.name] for field in fields(kind) if is_dataclass(types[field.name])}
    parts = {name: _resolved(part, known) for name, part in schema["properties"].items()}
    own = [field.name for field in fields(kind) if field.name not in tables]
    yield Section(place, meaning, tuple(Key(name, texts[name], _takes(parts[name], known)) for name in own), again)
    for name, table in tables.items():
        about = texts.get(name, (table.__doc__ or "").partition("\n")[0])
        yield from _sections(table, (*place, name), about, parts[name], known, told)


def _resolved(schema: Schema, known: Schema) -> Schema:
    name = schema.get("$ref")
    return schema if name is None else known[name.rpartition("/")[2]]


def _takes(schema: Schema, known: Schema) -> str:
    """Return what a value may be, in words."""
    schema = _resolved(schema, known)
    if "enum" in schema:
        return _either([*map(str, schema["enum"])])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return _either([_takes(one, known) for one in schema["anyOf"] if one.get("type") != "null"])
    if schema.get("type") == "array":
        return f"a list, each {_takes(schema['items'], known)}"
    bounds = "".join(words.format(schema[name]) for name, words in _BOUNDS.items() if name in schema)
    if {"minimum", "maximum"} <= {*schema}:
        bounds = _RANGE.format(**schema)
    return f"{_KINDS[schema['type']]}{bounds}"


def _either(words: list[str]) -> str:
    return " or ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])
