"""The script that draws charts, once for all pages of a site: a file named after its content."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from harness.reports.formatting import encoded
from harness.reports.page.assets import vega, vega_file
from harness.reports.publishing.site_folder import Workspace
from harness.reports.publishing.versions import FOLDER

NAME = re.compile(rb"vega-[0-9a-f]{16}\.js")


def referred(page: bytes) -> set[str]:
    """Return which of these files a page loads."""
    return {found.decode() for found in NAME.findall(page)}


def lay_vega(work: Workspace, names: Iterable[str]) -> None:
    """Put the files that are missing where today's harness can make them; others were made by another harness."""
    missing = [name for name in names if not (work.folder / name).is_file()]
    if missing and vega_file() in missing:
        work.put(work.folder / vega_file(), encoded(vega()))


def sweep_vega(work: Workspace, pages: Iterable[Path]) -> None:
    """Remove the files that no version of any page loads; whatever else has such a name is left alone."""
    ours = [path for path in work.folder.glob("vega-*.js") if _ours(path)]
    if len(ours) > 1:  # reading every page is not worth one file
        used = {
            name
            for page in pages
            for path in page.glob(f"{FOLDER}/*/index.html")
            for name in referred(path.read_bytes())
        }
        for path in ours:
            if path.name not in used:
                work.remove(path)


def _ours(path: Path) -> bool:
    named = NAME.fullmatch(path.name.encode()) and path.is_file() and not path.is_symlink()
    return bool(named) and path.stem == f"vega-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
