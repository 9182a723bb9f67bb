"""Errors that a user can act on: what, where, why, how to fix; each kind with its exit code."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

_LIKE = 0.5
_BELOW, _ELSEWHERE = 0.2, 0.3


class HarnessError(Exception):
    """An expected failure, shown without a traceback.

    ``message`` says what happened and where; ``faults`` lists every single fault of the input (bad input is refused
    whole); ``fix`` says what to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, faults: Sequence[str] = (), fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.faults = list(faults)
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        """Cross process boundaries whole: keyword-only arguments need help to be pickled."""
        return _rebuild, (type(self), self.message, self.faults, self.fix)

    def __str__(self) -> str:
        """Return the whole text, a fault a line."""
        lines = [self.message, *(f"  - {fault}" for fault in self.faults)]
        if self.fix:
            lines.append(f"To fix it: {self.fix}")
        return "\n".join(lines)


_OUT_OF_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the machine ran out of memory; torch says so in several ways."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(words in text_of(error) for words in _OUT_OF_MEMORY)
    )


def text_of(error: BaseException) -> str:
    """Return an error's kind and text, also where its text raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as another:
        return f"{type(error).__name__}, whose text raises {type(another).__name__}"


def _rebuild(kind: type[HarnessError], message: str, faults: Sequence[str], fix: str) -> HarnessError:
    return kind(message, faults=faults, fix=fix)


class UsageError(HarnessError):
    """A wrong command line, configuration, method, parameter or plugin name."""

    exit_code = 2


class DataError(HarnessError):
    """Images or labels that cannot be used."""

    exit_code = 4


class DatasetNotFound(DataError):  # noqa: N818
    """No file of the data set is where it was looked for."""


class MachineError(HarnessError):
    """Disk, memory, permission, device or network: the machine, not the input."""

    exit_code = 5


class StoreError(MachineError):
    """Disk or permission under the store: no method's doing, so that it ends a run, whoever asked for the stage."""


class NetworkError(MachineError):
    """Nothing came: no network, none allowed, or no server that answers."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known name closest to ``name``, or an empty text."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=_LIKE)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def nearest_key(key: str, table: str, tables: Mapping[str, Iterable[str]]) -> str:
    """Return " (did you mean 'x' in [y]?)" for the key that is closest to one that is not in ``table``, or no text.

    ``tables`` are the keys of each table by its name, empty for those of no table; a table in another is one of its
    keys, too. A key of another table must be closer than one of the same.
    """
    found = [
        (_likeness(key, one) - _distance(place, table), place, one) for place, keys in tables.items() for one in keys
    ]
    likeness, place, one = max(found, key=lambda each: each[0], default=(0, "", ""))
    if likeness < _LIKE:
        return ""
    whole = f"{place}.{one}" if place else one
    if whole in tables:
        return f" (did you mean [{whole}]?)"
    where = f" in [{place}]" if place else "" if place == table else ", which is in no table"
    return f" (did you mean {one!r}{where}?)"


def _distance(place: str, table: str) -> float:
    return 0.0 if place == table else _BELOW if place.startswith(f"{table}.") else _ELSEWHERE


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one).ratio()
