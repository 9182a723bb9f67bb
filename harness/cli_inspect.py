"""`harness list` and `harness store`: what is installed, and what is kept."""

import json
from typing import Annotated

import typer

from harness.cli_options import DEFAULT_STORE, StoreOption
from harness.errors import UsageError
from harness.messages import show


def list_(
    what: Annotated[str | None, typer.Argument(help="methods, datasets or presets; default: all three")] = None,
    check: Annotated[bool, typer.Option("--check", help="Import each plugin and show why one fails.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List what is installed, by entry-point metadata alone."""
    from harness.listing import listing, listing_lines

    rows, broken = listing(what, check=check)
    show(json.dumps(rows, indent=1) if as_json else "\n".join(listing_lines(rows)))
    if broken:
        raise typer.Exit(3)


def store_(
    store: StoreOption = DEFAULT_STORE,
    shrink_to: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Evict least recently used stages down to a size: 2GB, 500MB.")
    ] = None,
) -> None:
    """Show how large the stage store is, by kind; shrink it."""
    from harness.store_view import evict, usage_lines

    if not (store / "FORMAT").is_file():
        raise UsageError(f"there is no store at {store}", fix="name it with --store or HARNESS_STORE")
    if shrink_to is not None:
        show(evict(store, shrink_to))
    show("\n".join(usage_lines(store)))
