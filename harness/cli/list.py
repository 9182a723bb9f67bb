"""`harness list`: what is installed."""

import json
from typing import Annotated

import typer

from harness.cli.messages import show


def list_(
    what: Annotated[str | None, typer.Argument(help="methods, datasets or presets; default: all three")] = None,
    check: Annotated[bool, typer.Option("--check", help="Import each plugin and show why one fails.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List what is installed, by entry-point metadata alone."""
    from harness.cli.listing import listing, listing_lines

    rows, broken = listing(what, check=check)
    show(json.dumps(rows, indent=1) if as_json else "\n".join(listing_lines(rows)))
    if broken:
        raise typer.Exit(3)
