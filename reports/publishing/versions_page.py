"""Small pages that lead to a page's versions: one that goes on to the newest by itself, one that lists them."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.reports.page.assets import VERSIONS_MARK, Script, policy, script, style
from harness.reports.page.templating import template
from harness.reports.publishing.versions import Version, with_changes


def versions_html(document: Mapping[str, Any], found: Sequence[Version], current: Version | None, onward: bool) -> str:
    """Return a page of links to the versions ``found``, oldest first, of which ``current`` is shown as the newest.

    ``onward``: the one in the page's own folder, which goes on to ``current`` without a script; else that in
    ``versions/``. ``document`` is the results.json that the page shows.
    """
    styles, early = style(), Script(script("theme"))
    return template("versions.html.j2").render(
        generator=VERSIONS_MARK,
        document=document,
        versions=with_changes(found)[::-1],
        current=current,
        back=bool(found) and current is not found[-1],
        onward=onward,
        style=styles,
        early=early,
        policy=policy(styles, [early]),
    )
