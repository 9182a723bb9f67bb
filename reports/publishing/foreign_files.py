"""What in a folder is ours: the rest is neither replaced nor deleted."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.reports.export.results_json import INDEX_FORMAT, load_document
from harness.reports.page.assets import INDEX_MARK, REPORT_MARK, VERSIONS_MARK
from harness.reports.publishing.versions import FOLDER, versions_of


def known_pages(folder: Path) -> list[Path]:
    """Return the folders of pages that were published to ``folder``, finished or not."""
    pages = (page for dataset in _folders(folder) for page in _folders(dataset))
    return [page for page in pages if load_document(page / "results.json") or versions_of(page)]


def _folders(parent: Path) -> Iterator[Path]:
    for path in sorted(parent.glob("*")):
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def refuse_foreign(folder: Path, pages: Iterable[Path]) -> None:
    """Raise `UsageError` where something that is not ours stands in the way of the index or of ``pages``."""
    foreign = [*_foreign_index(folder), *(path for page in pages for path in _foreign(page))]
    if foreign:
        named = ", ".join(str(path.relative_to(folder)) for path in foreign)
        raise UsageError(
            f"{folder} holds what `harness publish` did not write, where its files belong: {named}",
            fix="publish to another folder, or move these away",
        )


def refuse_foreign_report(folder: Path) -> None:
    """Raise `UsageError` where a report would replace a page or figures in ``folder`` that no report wrote."""
    page, figures = folder / "index.html", folder / "results.json"
    foreign = [page.name] if _exists(page) and not marked(page, REPORT_MARK) else []
    foreign += [figures.name] if _exists(figures) and load_document(figures) is None else []
    if foreign:
        raise UsageError(
            f"{folder} holds what `harness report` did not write: {', '.join(foreign)}",
            fix="name another folder with --output, or move these away",
        )


def _foreign_index(folder: Path) -> Iterator[Path]:
    if _exists(folder / "index.html") and not marked(folder / "index.html", INDEX_MARK):
        yield folder / "index.html"
    if _exists(folder / "results.json") and load_document(folder / "results.json", INDEX_FORMAT) is None:
        yield folder / "results.json"


def _foreign(page: Path) -> Iterator[Path]:
    for place in (page.parent, page, page / FOLDER):
        if _exists(place) and (place.is_symlink() or not place.is_dir()):
            yield place
            return
    # A version comes first, so that wherever we wrote a page there is one, even after a kill.
    ours = load_document(page / "results.json") is not None or bool(versions_of(page))
    # An older harness put a whole report where the way to the newest version is now.
    judged = {
        "index.html": ours and (marked(page / "index.html", VERSIONS_MARK) or marked(page / "index.html", REPORT_MARK)),
        f"{FOLDER}/index.html": marked(page / FOLDER / "index.html", VERSIONS_MARK),
        "cells.csv": ours,
        "results.json": load_document(page / "results.json") is not None,
    }
    yield from (page / name for name, own in judged.items() if _exists(page / name) and not own)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def marked(path: Path, mark: str) -> bool:
    """Say whether a page says of itself that it was made by us: by `INDEX_MARK`, or `REPORT_MARK` and its looks."""
    try:
        with open(path, encoding="utf-8") as file:
            return f'<meta name="generator" content="{mark}' in file.read(2000)
    except (OSError, ValueError):
        return False
