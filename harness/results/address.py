"""Where results are read from: a store's own database, or the tracking address that is named."""

from pathlib import Path

from harness.errors import MachineError, UsageError


def results_uri(store: Path, tracking_uri: str | None) -> str:
    """Return the address to read results from; a store without a database is refused, not made."""
    from harness.results.mlflow_tracker import default_uri
    from harness.storage.addresses import check_tracking
    from harness.storage.databases import restored

    if tracking_uri is not None:
        check_tracking(tracking_uri)
    store = store.absolute()
    if tracking_uri is None and not (store / "mlflow.db").is_file():
        if (store / "artifacts").is_dir():
            raise MachineError(f"{store} has results, and its mlflow.db is missing", fix=restored(store / "mlflow.db"))
        raise UsageError(f"there are no results in {store}", fix="name the store with --store, or a --tracking-uri")
    return tracking_uri or default_uri(store)
