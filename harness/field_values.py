"""A dataclass from the values that a user gives its fields; everything that is wrong at once."""

import json
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError, nearest

Made = TypeVar("Made")


def built(
    kind: type[Made], given: Mapping[str, Any], what: str, fixed: Mapping[str, Any] = MappingProxyType({})
) -> Made:
    """Return the dataclass ``kind`` with the fields ``given``, numbers also as text; ``fixed`` are no user's to give.

    Raises `UsageError` with every unknown or wrong field at once, ``what`` the words for the whole.
    """
    known = [field.name for field in fields(cast("Any", kind)) if field.name not in fixed]
    faults = [f"{name!r} is not a parameter{nearest(name, known)}" for name in given if name not in known]
    try:
        taken = {name: value for name, value in given.items() if name in known}
        made = TypeAdapter(kind).validate_python({**fixed, **taken})
        faults += [text for name, value in taken.items() if (text := _other_type(name, value, getattr(made, name)))]
    except ValidationError as error:
        faults += [_fault(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
    if faults:
        raise UsageError(
            f"{what} got wrong parameters", faults=faults, fix=f"its parameters are: {', '.join(known) or 'none'}"
        )
    return made


def _other_type(name: str, given: Any, taken: Any) -> str:
    """Return why a value of TOML's is refused that Python would turn into another: true for 1, 1 for true."""
    if isinstance(given, str) or isinstance(given, bool) == isinstance(taken, bool):
        return ""
    written = json.dumps(given, default=str)
    return f"{name}: should be {'true or false' if isinstance(taken, bool) else 'a number'}, not {written}"


def _fault(place: str, message: str) -> str:
    """Return what is wrong where; an object's own refusal has no place and stands as it writes it."""
    return f"{place}: {message}" if place else message.removeprefix("Value error, ")
