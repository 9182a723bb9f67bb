"""The lines under a page's title: where it belongs, its files, and its other versions.

They are all that makes the newest page differ from the page of its version, and they can be put in anew without the
per-image scores that the rest of a page is made from.
"""

import re
from collections.abc import Sequence
from typing import Any

from harness.reports.page.templating import template
from harness.reports.publishing.versions import Version, with_changes

START, END = "<!-- place -->", "<!-- /place -->"


def report_place() -> str:
    """Return the lines of a page that stands alone, its files beside it."""
    return _marked(kind="report")


def version_place(document: dict[str, Any]) -> str:
    """Return the lines of a page in its version's own folder, whichever version is the newest."""
    return _marked(kind="version", document=document)


def newest_place(found: Sequence[Version], current: Version) -> str:
    """Return the lines of a page's newest version; ``found`` are all versions, oldest first."""
    told = with_changes(found)
    others = [(version, change) for version, change in told if version is not current]
    return _marked(
        kind="newest",
        document=current.document,
        change=next(change for version, change in told if version is current),
        others=others[::-1],
        back=current is not found[-1],
    )


def splice(page: str, place: str) -> str:
    """Return ``page`` with ``place`` for the lines it had; as it is where it has none."""
    # No text of a user can hold the marks: "<" is escaped everywhere.
    return re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: place, page, count=1, flags=re.DOTALL)


def _marked(**values: Any) -> str:
    return f"{START}{template('place.html.j2').render(values)}{END}"
