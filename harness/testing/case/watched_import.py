"""The import of a method's module, watched: it is the first thing that runs in every process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.testing.case.subject import Subject, subject_from
from harness.testing.case.watchers import RECORDER, global_state, state_changes

_MAY_CHANGE = ("the warning filters",)
"""What libraries that a method imports commonly change, and no method can help."""


@dataclass(frozen=True)
class Imported:
    """What the import changed, opened and connected to."""

    changed: tuple[str, ...]
    connected: tuple[str, ...]


def watched_import(recipe: Mapping[str, Any]) -> tuple[Subject, Imported]:
    """Import and build the method; return it, and what its import did besides."""
    before = global_state()
    RECORDER.on = True
    subject = subject_from(recipe)
    RECORDER.on = False
    found = [change for change in state_changes(before, global_state()) if not change.startswith(_MAY_CHANGE)]
    imported = Imported(tuple(found), tuple(RECORDER.connected))
    RECORDER.opened.clear()
    RECORDER.connected.clear()
    return subject, imported
