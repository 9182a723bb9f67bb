"""`harness store`: what is kept, and shrinking it."""

from typing import Annotated

import typer

from harness.cli.messages import show
from harness.cli.options import DEFAULT_STORE, StoreOption
from harness.errors import UsageError


def store_(
    store: StoreOption = DEFAULT_STORE,
    shrink_to: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Evict least recently used stages down to a size: 2GB, 500MB.")
    ] = None,
) -> None:
    """Show how large the stage store is, by kind; shrink it."""
    from harness.storage.usage import evict, usage_lines

    if not (store / "FORMAT").is_file():
        raise UsageError(f"there is no store at {store}", fix="name it with --store or HARNESS_STORE")
    if shrink_to is not None:
        show(evict(store, shrink_to))
    show("\n".join(usage_lines(store)))
