"""`harness store`: what is kept, and shrinking it."""

from typing import Annotated

import typer

from harness.cli.messages import show, show_json
from harness.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from harness.errors import UsageError


def store_(
    store: StoreOption = DEFAULT_STORE,
    shrink_to: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Evict least recently used stages down to a size: 2GB, 500MB.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how large the stage store is, by kind; shrink it."""
    from harness.storage.usage import evict, usage

    if not (store / "FORMAT").is_file():
        raise UsageError(f"there is no store at {store}", fix="name it with --store or HARNESS_STORE")
    evicted = None if shrink_to is None else evict(store, shrink_to)
    found = usage(store)
    if as_json:
        show_json({**found.values(), "evicted": evicted and evicted._asdict()})
        return
    show("\n".join([*([] if evicted is None else [str(evicted)]), *found.lines()]))
