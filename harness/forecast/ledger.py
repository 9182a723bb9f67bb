"""What a store remembers for estimates: which pieces of which plan are kept there, and what each has cost."""

import contextlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.forecast.work import Cost
from harness.storage.disk import append_line

NAME = "costs.jsonl"


@dataclass(frozen=True)
class Line:
    """A piece that was computed or found: its id among all plans', the stage that holds it, and what it took.

    ``setting``: what the seconds depend on beside the kind of work. ``seconds`` are of the processor.
    """

    id: str
    key: str
    setting: str
    kind: str
    what: str
    units: float
    seconds: float


class Ledger:
    """A file of a store, a line a piece. Nothing depends on it but estimates: what cannot be read or kept is left out.

    Several commands may write to it at a time.
    """

    def __init__(self, store: Path) -> None:
        self._store, self._file = store, store / NAME
        self._lines = {line.id: line for line in self._read()}

    def holds(self, identity: str) -> bool:
        """Return whether the store has the stage of a piece, now."""
        line = self._lines.get(identity)
        return line is not None and (self._store / "stages" / line.key[:2] / line.key).is_dir()

    def rates(self, setting: str) -> dict[Cost, float]:
        """Return the mean seconds a unit of each kind of work under a setting."""
        sums: dict[Cost, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for line in self._lines.values():
            if line.setting == setting and line.units > 0 and math.isfinite(line.seconds):  # older stages do not say
                units, seconds = sums[Cost(line.kind, line.what)]
                sums[Cost(line.kind, line.what)] = units + line.units, seconds + line.seconds
        return {cost: seconds / units for cost, (units, seconds) in sums.items()}

    def note(self, line: Line) -> None:
        """Keep a line, unless it is there."""
        if line.id in self._lines and self._lines[line.id].key == line.key:
            return
        self._lines[line.id] = line
        with contextlib.suppress(OSError):  # the run's own next step will meet a disk that is full
            append_line(self._file, json.dumps(asdict(line)))

    def _read(self) -> Iterator[Line]:
        with contextlib.suppress(OSError):
            for text in self._file.read_text("utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, TypeError, KeyError):  # half a line, or another version's
                    yield _line(json.loads(text))


def _line(found: Any) -> Line:
    texts = {name: str(found[name]) for name in ("id", "key", "setting", "kind", "what")}
    return Line(**texts, units=float(found["units"]), seconds=float(found["seconds"]))
