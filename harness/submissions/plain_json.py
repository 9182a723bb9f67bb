"""JSON of a stranger: nothing deep, doubled, huge or endless gets to the code that was written for our own."""

import json
from collections.abc import Iterator
from typing import Any

MOST_DEEP = 24
MOST_LONG = 100_000
"""Letters of one text."""
MOST_NUMBER = 2**63
_SHOWN = 60


def plain_json(content: bytes) -> Any:
    """Return what JSON in UTF-8 holds. Raises `ValueError` with what is wrong with it in one sentence."""
    try:
        found = json.loads(content.decode(), object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    for fault in _faults(found):
        raise ValueError(fault)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {next(name for name in names if names.count(name) > 1)[:_SHOWN]!r} twice")
    return found


def _faults(value: Any) -> Iterator[str]:
    """Yield what is too much, level by level, so that no depth can exhaust the stack."""
    level, depth = [value], 0
    while level:
        for one in level:
            if isinstance(one, str) and len(one) > MOST_LONG:
                yield f"it has a text of {len(one):,} letters, at most {MOST_LONG:,} are read"
            if isinstance(one, int) and abs(one) >= MOST_NUMBER:
                yield "it has a whole number of more than 63 bits"
        lists = [one for one in level if isinstance(one, list)]
        tables = [one for one in level if isinstance(one, dict)]
        level = [inner for one in lists for inner in one]
        level += [inner for one in tables for pair in one.items() for inner in pair]
        depth += 1
        if depth > MOST_DEEP:
            yield f"it is nested more than {MOST_DEEP} deep"
