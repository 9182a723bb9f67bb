"""TOML of a user's own: a file read whole, or a sentence why it is none."""

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import UsageError

_MOST_BYTES = 1_000_000


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
