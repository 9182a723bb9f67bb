"""`harness store`: what is kept, and shrinking it."""

from typing import Annotated

import typer

from harness.cli.messages import show, show_json
from harness.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from harness.errors import MachineError, UsageError


def store_(
    store: StoreOption = DEFAULT_STORE,
    shrink_to: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Evict least recently used stages down to a size: 2GB, 500MB.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how large the stage store is, by kind; shrink it. Of a store on object storage, its mirror here."""
    from harness.storage.mirror import address_of
    from harness.storage.usage import evict, shown, usage

    if not (store / "FORMAT").is_file() and not address_of(store):
        raise UsageError(f"there is no store at {store}", fix="name it with --store or HARNESS_STORE")
    evicted = None if shrink_to is None else evict(store, shrink_to)
    found, there, failure = usage(store), None, None
    if address_of(store):
        from harness.storage.store import Store  # torch, which a store in a folder can be sized without

        shared = Store(store).shared
        try:
            there = shared and shared.held()
        except MachineError as error:  # said last: what is here is known
            failure = error
    if as_json:
        remote = there and there._asdict()
        show_json({**found.values(), "evicted": evicted and evicted._asdict(), "remote": remote})
    else:
        show("\n".join([*([] if evicted is None else [str(evicted)]), *found.lines()]))
        if there:
            late = f"; {there.waiting} stages are here alone" if there.waiting else ""
            show(f"Mirrors {there.address}: {there.stages} stages, {shown(there.bytes)}{late}")
    if failure:
        raise failure
