"""Which fields of a dataclass enter a key; no torch here, since configurations say it of theirs."""

from dataclasses import MISSING, Field
from typing import Any

YOUNGER = {"younger": True}
"""Metadata of a field that came later: at its default it is left out, so that what was stored before is found."""


def enters_key(field: "Field[Any]", value: Any) -> bool:
    """Return whether a field of ``value``, a dataclass, is a part of its key."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return not field.metadata.get("younger") or bool(getattr(value, field.name) != default)
