"""The lines under a page's title: where it belongs, its files, and the way to its other versions.

They say nothing that a later version could make untrue, so that a page is never touched again.
"""

from collections.abc import Mapping
from typing import Any

from harness.reports.page.templating import template


def report_place() -> str:
    """Return the lines of a page that stands alone, its files beside it."""
    return _place(kind="report")


def version_place(document: Mapping[str, Any]) -> str:
    """Return the lines of a page in its version's own folder, whichever version is the newest."""
    return _place(kind="version", document=document)


def _place(**values: Any) -> str:
    return template("place.html.j2").render(values)
