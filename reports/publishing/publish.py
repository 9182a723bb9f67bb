"""Results as a folder that any web server can serve: a page for each data set and network, and all their versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.reports.export.csv_export import to_csv
from harness.reports.export.results_json import document, load_document, network_of, restricted, to_json
from harness.reports.export.scores_export import SCORES, to_scores
from harness.reports.formatting import encoded
from harness.reports.page.assets import REPORT_MARK, looks
from harness.reports.page.page import render
from harness.reports.publishing.foreign_files import known_pages, marked, refuse_foreign
from harness.reports.publishing.index_page import index_document, index_html
from harness.reports.publishing.page_header import version_place
from harness.reports.publishing.site_folder import Workspace, workspace
from harness.reports.publishing.slugs import slug
from harness.reports.publishing.vega_file import lay_vega, referred, sweep_vega
from harness.reports.publishing.versions import FOLDER, Version, versions_of
from harness.reports.publishing.versions_page import versions_html
from harness.results.reading import Results

UP = "../../../../"
"""The way from a version's page to the site's folder."""


@dataclass(frozen=True)
class Publishing:
    """What became of each page, by its folder below ``folder``.

    ``written`` show other results than before, ``refreshed`` the same ones, but with new looks or links,
    ``unchanged`` are as they were; ``kept`` are in the folder and not among the results. ``warnings`` are for
    people. ``changes`` counts the files and versions that changed.
    """

    folder: Path
    written: tuple[str, ...]
    refreshed: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]
    warnings: tuple[str, ...]
    changes: int

    @property
    def nothing_new(self) -> bool:
        """Say whether no byte changed."""
        return not self.changes

    def lines(self) -> list[str]:
        """Return the summary for a terminal."""
        told = {
            "new results": self.written,
            "same results, written anew": self.refreshed,
            "unchanged": self.unchanged,
            "kept, not among these results": self.kept,
        }
        lines = [f"{', '.join(pages)}: {what}" for what, pages in told.items() if pages]
        end = f"Nothing new in {self.folder}" if self.nothing_new else f"Published: {self.folder / 'index.html'}"
        return [*lines, *(f"warning: {warning}" for warning in self.warnings), end]


@dataclass(frozen=True)
class _Edition:
    """The results that one page is about to show."""

    page: Path
    results: Results
    document: dict[str, Any]


def write_site(results: Sequence[Results], folder: Path) -> Publishing:
    """Bring ``folder`` up to date with the results of several data sets; those without cells are left out.

    Each page and version appears whole or not at all, and a call that was cut off is completed by the next. Pages
    whose results are not given stay. Raises `UsageError` where what is not ours stands in the way, `ValueError`
    as `harness.reports.analysis.outcomes.read_outcomes` does, both before anything is written, and `OSError`.
    """
    editions = [edition for one in results if not one.cells.empty for edition in _editions(one, folder)]
    refuse_foreign(folder, [])
    with workspace(folder) as work:
        pages = dict.fromkeys([*(edition.page for edition in editions), *known_pages(folder)])
        refuse_foreign(folder, pages)
        warnings = [warning for edition in editions for warning in _compared(edition)]
        outcomes = {edition.page: _publish(work, edition) for edition in editions}
        for page in pages.keys() - outcomes.keys():
            _show(work, page, _current(page))
            outcomes[page] = "kept"
        _write_index(work, sorted(pages))
        sweep_vega(work, pages)
    named = {
        outcome: tuple(sorted(page.relative_to(folder).as_posix() for page in outcomes if outcomes[page] == outcome))
        for outcome in ("written", "refreshed", "unchanged", "kept")
    }
    return Publishing(folder, **named, warnings=tuple(warnings), changes=work.changes)


def _editions(results: Results, folder: Path) -> Iterator[_Edition]:
    for network in dict.fromkeys(network_of(facts) for facts in results.groups.values()):
        part = restricted(results, network)
        yield _Edition(folder / slug(results.experiment) / slug(network), part, document(part))


def _compared(edition: _Edition) -> Iterator[str]:
    """Warn where results take the place of later ones: another store's, or runs were deleted."""
    shown, ours = load_document(edition.page / "results.json"), edition.document
    if shown is None:
        return
    if any(shown.get(name) != ours[name] for name in ("dataset", "network")):
        raise UsageError(
            f"{edition.page} holds results of {shown.get('dataset')!r}, {shown.get('network')!r}, "
            f"and not of {ours['dataset']!r}, {ours['network']!r}",
            fix="move that folder away",
        )
    if str(shown.get("newest_result") or "") > (ours["newest_result"] or ""):
        yield (
            f"{ours['dataset']}, {ours['network']}: the newest result is of {ours['newest_result']}, the page showed "
            f"one of {shown['newest_result']}, which stays as version {shown.get('id')}. Is this the right store?"
        )


def _publish(work: Workspace, edition: _Edition) -> str:
    """Write one page and its version where needed, and return what became of it."""
    before, changes = load_document(edition.page / "results.json"), work.changes
    _keep(work, edition)
    _show(work, edition.page, edition.document["id"])
    if before is None or before.get("id") != edition.document["id"]:
        return "written"
    return "unchanged" if work.changes == changes else "refreshed"


def _keep(work: Workspace, edition: _Edition) -> None:
    """Make the version's folder, or mend it; one that is whole and looks as it would today is not touched."""
    place = edition.page / FOLDER / edition.document["id"]
    page, cells = place / "index.html", place / "cells.csv"
    content = {"results.json": encoded(to_json(edition.document))}
    if not cells.is_file():
        content["cells.csv"] = encoded(to_csv(edition.results))
    if not (place / SCORES).is_file():
        content[SCORES] = to_scores(edition.results)
    # Drawn charts differ from call to call in the names of their parts, so that their bytes tell nothing.
    if not marked(page, f"{REPORT_MARK} {looks()}"):
        content["index.html"] = encoded(render(edition.results, version_place(edition.document), UP))
    lay_vega(work, referred(content.get("index.html") or page.read_bytes()))
    if not place.exists():
        work.put_folder(place, content)
        return
    for name, data in content.items():
        work.put(place / name, data)


def _current(page: Path) -> str:
    """Return the version that a page shows, or should show where it was cut off."""
    shown = load_document(page / "results.json")
    return str(shown.get("id")) if shown else versions_of(page)[-1].id


def _show(work: Workspace, page: Path, identity: str) -> None:
    """Make a page show one of its versions; results.json comes last, since by it the page counts as done."""
    found = versions_of(page)
    current = next((version for version in found if version.id == identity), None)
    if current is None and not found:  # someone removed every version
        _forget_versions(work, page)
        return
    current = current or found[-1]
    work.put(page / "cells.csv", (current.folder / "cells.csv").read_bytes())
    _lead_to(work, page, current.document, found, current)
    work.put(page / "results.json", (current.folder / "results.json").read_bytes())


def _lead_to(
    work: Workspace, page: Path, document: Mapping[str, Any], found: Sequence[Version], current: Version | None
) -> None:
    for place, onward in ((page / FOLDER, False), (page, True)):
        work.put(place / "index.html", encoded(versions_html(document, found, current, onward)))


def _forget_versions(work: Workspace, page: Path) -> None:
    """Say that no version is left; a report that an older harness wrote where now only the way to one is stays."""
    shown = load_document(page / "results.json")
    if shown is not None and not marked(page / "index.html", REPORT_MARK):
        _lead_to(work, page, shown, (), None)


def _write_index(work: Workspace, pages: Sequence[Path]) -> None:
    """Write the index of all pages, last of all: it links to nothing that is not there."""
    shown: dict[Path, tuple[dict[str, Any], tuple[Version, ...]]] = {}
    for page in pages:
        found = load_document(page / "results.json")
        if found is not None and (page / "index.html").is_file():
            shown[page] = (found, versions_of(page))
    index = index_document(work.folder, shown)
    if not (work.folder / ".nojekyll").exists():  # without it GitHub runs the pages through Jekyll
        work.put(work.folder / ".nojekyll", b"")
    work.put(work.folder / "results.json", encoded(to_json(index)))
    work.put(work.folder / "index.html", encoded(index_html(index)))
