"""TOML of a user's own: a file read whole, or a sentence why it is none; and values as TOML has them."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError

_MOST_BYTES = 1_000_000
_BARE = re.compile("[A-Za-z0-9_-]+")


def read_toml(file: Path, kind: str) -> dict[str, Any]:
    """Return a file's keys; ``kind`` is what it should be, such as "configuration file". Raises `UsageError`."""
    try:
        with open(file, "rb") as opened:
            content = opened.read(_MOST_BYTES + 1)  # a device has no end
    except OSError as error:
        raise UsageError(f"{kind} {str(file)[:300]} cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{kind} {file} is larger than {_MOST_BYTES:,} bytes: it is another file")
    try:
        return parse_toml(content.decode("utf-8-sig"))
    except ValueError as error:  # bytes that are no text among them
        raise UsageError(f"{kind} {file} is not TOML: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Return TOML's keys. Raises `ValueError` for all that is none, numbers and nesting without end too."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python's own limit of digits
        raise ValueError("a number in it has thousands of digits") from None
    except RecursionError:
        raise ValueError("its lists or tables are nested too deep") from None


def toml_key(name: str) -> str:
    """Return a key as TOML has it."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def toml_value(value: Any) -> str:
    """Return a text, number, truth value, list or table as TOML has it, on one line."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml_key(name)} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)


def _quoted(text: str) -> str:
    escaped = "".join(c if c >= " " and c not in '"\\\x7f' else f"\\u{ord(c):04x}" for c in text)
    return f'"{escaped}"'
