"""The import of a method's module, watched: it is the first thing that runs in every process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.testing.case.subject import Subject, unpacked
from harness.testing.case.watchers import RECORDER, changes, global_state

_MAY_CHANGE = ("the warning filters",)
"""What libraries that a method imports commonly change, and no method can help."""


@dataclass(frozen=True)
class Imported:
    """What the import changed, opened and connected to."""

    changed: tuple[str, ...]
    connected: tuple[str, ...]


def watched_import(packed: Mapping[str, Any]) -> tuple[Subject, Imported]:
    """Import and build the method; return it, and what its import did besides."""
    before = global_state()
    RECORDER.on = True
    subject = unpacked(packed)
    RECORDER.on = False
    found = [change for change in changes(before, global_state()) if not change.startswith(_MAY_CHANGE)]
    imported = Imported(tuple(found), tuple(RECORDER.connected))
    RECORDER.opened.clear()
    RECORDER.connected.clear()
    return subject, imported
