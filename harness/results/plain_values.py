"""Dataclasses as the values that JSON has, and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def plain(record: Any) -> dict[str, Any]:
    """Return a dataclass's fields by name, in their order; dataclasses within it too, tuples as lists."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def made(kind: type[T], values: Mapping[str, Any], **parts: Any) -> T:
    """Return a dataclass from the ``values`` of its fields, ``parts`` in the place of those that JSON has otherwise.

    Names that are none of its fields, as a newer harness may write, are left out; fields that are absent have their
    defaults.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: values[name] for name in names if name in values} | parts)
