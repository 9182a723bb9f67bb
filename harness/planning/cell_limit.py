"""How long one cell may take and how much memory its process may use, as written: ``24h``, ``30m,8GB``."""

import re
from dataclasses import dataclass

from harness.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-zA-Z]+)", re.ASCII)


@dataclass(frozen=True)
class CellLimit:
    """Seconds on the clock for one cell, and bytes of memory for its process, None: as much as there is."""

    seconds: float = 86400.0
    memory: int | None = None

    def __str__(self) -> str:
        """Return both as they are written."""
        unit = next((unit for unit in ("d", "h", "m") if self.seconds % _SECONDS[unit] == 0), "s")
        time = f"{self.seconds / _SECONDS[unit]:g}{unit}"
        return time if self.memory is None else f"{time},{self.memory / 10**9:g}GB"


def read_cell_limit(text: str) -> CellLimit:
    """Return the limit that ``text`` writes. Raises `UsageError`."""
    time, comma, memory = text.partition(",")
    try:
        seconds, size = _amount(time, _SECONDS), _amount(memory, _BYTES) if comma else None
    except (KeyError, ValueError):
        raise UsageError(
            f"cell limit {text!r} is not a time, or a time and a memory",
            fix="write a number above 0 with s, m, h or d, and after a comma one with MB, GB or TB: 2h or 30m,8GB",
        ) from None
    return CellLimit(seconds, None if size is None else int(size))


def _amount(text: str, units: dict[str, int]) -> float:
    found = _PART.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise ValueError(text)
    return float(found[1]) * units[found[2]]
