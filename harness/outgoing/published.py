"""What strangers may read: a published text has no secret in it, and of a path, here or in a bucket, its last name."""

import functools
import getpass
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from harness.outgoing.secrets import without_secrets

_BEFORE = r"(?<![\w/.~<>+*%&?#)\]}-])"
"""A path begins a word; what stands behind a letter or a slash is a fraction, a metric or the path of an address."""
_ROOT = r"(?:~[\w.-]*|\.\.|(?<!:)/)?/"
_QUOTED = re.compile(rf"(['\"`])({_ROOT}(?![\s/])[^'\"`\n]+)\1")
_FILE = re.compile(rf"(?<!\w)(file://|sqlite(?:\+\w+)?:///)({_ROOT}[^\s'\"<>?#]+)")
_BARE = re.compile(rf"{_BEFORE}({_ROOT}(?=[^\W\d]|[.~]|\w+/\w*[^\W\d])[^\s'\"=()\[\]{{}}<>,:;|`]*)")
_ARGUMENT = re.compile(rf"((?:^|=)(?:[\w-]+:)?)({_ROOT}(?!/)[^,=\]\[]*)")
"""A path as a whole value, also behind what it is: folder:/data/my cells."""
_OBJECT = re.compile(r"(?<!\w)(s3://)[^\s'\"<>?#,;|/]+/([^\s'\"<>?#,;|]+)", re.IGNORECASE)
_OBJECT_ARGUMENT = re.compile(r"((?:^|=)s3://)[^/,=\]\[]+/([^,=\]\[]+)", re.IGNORECASE)
"""Whose bucket and prefix are nobody's business."""


def published(text: str) -> str:
    """Return a text without secrets, and with names for the absolute paths and the objects in it."""
    text = _below_home(without_secrets(text))
    if "/" not in text:
        return text
    text = _QUOTED.sub(lambda found: f"{found[1]}{_name(found[2])}{found[1]}", text)
    text = _OBJECT.sub(lambda found: f"{found[1]}{_name(found[2])}", text)
    text = _FILE.sub(lambda found: f"{found[1]}{_name(found[2])}", text)
    return _BARE.sub(lambda found: _name(found[1]), text)


def published_argument(argument: str) -> str:
    """Return an argument of a command line likewise; a path in it may hold blanks."""
    argument = _OBJECT_ARGUMENT.sub(lambda found: f"{found[1]}{_name(found[2])}", _below_home(argument))
    return published(_ARGUMENT.sub(lambda found: f"{found[1]}{_name(found[2])}", argument))


def published_values(value: Any, only: Collection[str] = ()) -> Any:
    """Return plain values with their texts as they may be published, or those under the names ``only``; names stay."""
    if isinstance(value, str):
        return value if only else published(value)
    if isinstance(value, Mapping):
        return {name: published_values(one, () if name in only else only) for name, one in value.items()}
    return [published_values(one, only) for one in value] if isinstance(value, list | tuple) else value


def _below_home(text: str) -> str:
    """Return a text with ~ for the home folder, whose name may hold blanks."""
    home = _home()
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if home and home in text else text


def _home() -> str:
    return home_of(os.environ.get("HOME"))


@functools.lru_cache(maxsize=4)
def home_of(variable: str | None) -> str:  # noqa: ARG001 - what it is asked by; found once, for texts by the thousand
    """Return the home folder under this HOME; an empty text where there is neither it nor an entry for the user."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return ""
    return home if home.count("/") and home != "/" else ""


def _name(path: str) -> str:
    """Return a path's last name, ~ where that is the user's own."""
    name = PurePosixPath(path).name
    return "~" if name in ("", "..", _user()) else name


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
