"""Sizes, times and counts as a user writes them: 200kB, 1.5MB, 300KiB; 5ms, 0.2s; 20M."""

import re
from collections.abc import Mapping

from harness.errors import UsageError

_AMOUNT = re.compile(r"(?P<number>\d{1,15}(\.\d{1,9})?)\s*(?P<unit>[A-Za-zµ]*)", re.ASCII)
_DECIMAL = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
BYTES: Mapping[str, float] = _DECIMAL | {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
SECONDS: Mapping[str, float] = {"US": 1e-6, "MS": 1e-3, "S": 1.0}
COUNT: Mapping[str, float] = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}


def amount(option: str, text: str, units: Mapping[str, float], example: str) -> float:
    """Return the number that is written with one of the ``units``, above 0. Raises `UsageError`."""
    found = _AMOUNT.fullmatch(text.strip())
    scale = units.get(found["unit"].upper()) if found else None
    if found is None or scale is None or not float(found["number"]) > 0:
        raise UsageError(f"{option} {text[:60]!r} cannot be read", fix=f"write {example}")
    return float(found["number"]) * scale
