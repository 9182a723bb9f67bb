"""What `harness data list` shows: all registered data sets, and how many images of each are here."""

from pathlib import Path
from typing import Any

from harness import plugins
from harness.data.asked import folder_of, load_dataset, takes_path
from harness.data.labelled import labelled
from harness.errors import DatasetNotFound, HarnessError


def listed(root: Path) -> list[dict[str, Any]]:
    """Return a row for each data set, ``root`` being the data folder; one that cannot be used says why."""
    return [_row(name, plugin, root) for name, plugin in plugins.available(plugins.DATASETS).items()]


def listing_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return the rows in columns."""
    width = max((len(row["written"]) for row in rows), default=0)
    return [f"{row['written']:<{width}}  {row['kind']:<9}  {row['state']}" for row in rows]


def _row(name: str, plugin: plugins.Plugin, root: Path) -> dict[str, Any]:
    row = {"name": name, "written": name, "kind": "", "source": plugin.source, "images": None, "positives": None}
    try:
        if takes_path(plugin.load()):
            return {**row, "written": f"{name}:PATH", "kind": "your own", "state": "images on this machine, anywhere"}
        dataset = load_dataset(name)
        row["kind"] = "simulated" if dataset.simulated else "real"
        here = [sample for sample in labelled(dataset, folder_of(dataset, root)) if sample.is_here]
    except DatasetNotFound:
        return {**row, "state": f"not here; `harness data show {name}` says how to get it"}
    except HarnessError as error:
        return {**row, "state": f"cannot be used: {error.message}"}
    positives = sum(sample.label for sample in here)
    if not here:
        return {**row, "state": f"not here; `harness data show {name}` says how to get it"}
    what = f"{dataset.classes[1]} (positive) against {dataset.classes[0]}"
    state = f"{len(here):,} images, {positives:,} positives: {what}"
    return {**row, "images": len(here), "positives": positives, "state": state}
