"""The ways in which libraries repeat a secret: percent-encoded, quoted, as a header."""

import base64
import json
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus, unquote, unquote_plus


def spellings(secret: str) -> set[str]:
    """Return a secret as it was given, decoded and encoded for an address, and as JSON, Python and HTML quote it."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {encode(_bytes(one)) for one in plain for encode in (quote, quote_plus, _every)}
    quoted = {one for text in plain | encoded for one in _quoted(text)}
    return {one for one in plain | encoded | quoted if one}


def basic(user: str, password: str) -> str:
    """Return what HTTP's header says of a user and a password."""
    return base64.b64encode(_bytes(f"{unquote(user)}:{unquote(password)}")).decode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # an argument may hold half a character


def _every(text: bytes) -> str:
    return quote(text, safe="")


def _quoted(text: str) -> Iterator[str]:
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield escape(text)
