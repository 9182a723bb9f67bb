"""`harness doctor`: is this machine fit, and is what lies on it well? Exit code 6 where something must be mended."""

import typer

from harness.cli.check import ANSWERED_NO
from harness.cli.messages import show_finding, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    DataDirOption,
    JsonOption,
    StorageOption,
    StoreOption,
    TrackingOption,
)


def doctor(
    store: StoreOption = DEFAULT_STORE,
    data_dir: DataDirOption = None,
    tracking_uri: TrackingOption = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at versions, devices, disks, data, store, MLflow and studies; say how to mend what is wrong."""
    from harness.data.locating import data_folder
    from harness.integrity.doctor import Places, examine
    from harness.storage.addresses import check_storage, check_tracking

    if tracking_uri is not None:
        check_tracking(tracking_uri)
    if storage is not None:
        check_storage(storage)
    found = []
    for finding in examine(Places(data_folder(data_dir), store.absolute(), tracking_uri, storage)):
        found.append(finding)
        if not as_json:
            show_finding(finding)
    if as_json:
        show_json([finding._asdict() for finding in found])
    if any(finding.verdict == "bad" for finding in found):
        raise typer.Exit(ANSWERED_NO)
