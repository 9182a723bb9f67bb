"""What lies on this machine: images, start weights, the store, its results and its studies."""

import os
from collections.abc import Iterator
from pathlib import Path

from harness import plugins
from harness.data.asked import load_dataset, takes_path
from harness.data.completeness import completion, lacking, remarks
from harness.data.dataset import Dataset
from harness.errors import DatasetNotFound, HarnessError, NetworkError
from harness.integrity.finding import Finding
from harness.networks.registered import built_in, factory_of
from harness.outgoing.secrets import shown_address
from harness.results import names
from harness.results.mlflow_tracker import default_uri, experiments_with
from harness.storage.mirror import address_of
from harness.storage.stage_files import read_stage_manifest
from harness.storage.stage_sizes import folder_bytes
from harness.storage.store import Store
from harness.storage.usage import shown

_OURS = "prune-harness"


def data_sets(root: Path) -> Iterator[Finding]:
    """Yield what is there of each data set that is read from files; other distributions' are not imported."""
    for name, plugin in plugins.available(plugins.DATASETS).items():
        if plugin.distribution != _OURS or takes_path(plugin.load()):
            continue
        if (dataset := load_dataset(name)).in_folder or dataset.official_counts:
            yield from _data_set(name, dataset, root / name)


def _data_set(name: str, dataset: Dataset, folder: Path) -> Iterator[Finding]:
    try:
        missing = lacking(dataset, folder)
    except DatasetNotFound as error:
        stand_in = f"; a run stands {dataset.substitute} in for it" if dataset.substitute else ""
        yield Finding("data", "note", f"{error.message}{stand_in}", error.fix)
        return
    if missing:
        yield Finding("data", "note", f"{name} lacks images: {', '.join(map(str, missing))}", completion(dataset))
    else:
        yield Finding("data", "ok", f"{name} is whole{f' in {folder}' if dataset.in_folder else ''}")
    for remark in remarks(dataset, folder):
        yield Finding("data", "note", remark)


def start_weights() -> Iterator[Finding]:
    """Yield which networks' ImageNet weights are here."""
    sources: dict[str, list[str]] = {}
    for network in built_in():
        if source := factory_of(network).imagenet:
            sources.setdefault(source, []).append(network)
    for source, networks in sources.items():
        yield _start_weights(source, ", ".join(networks))


def _start_weights(source: str, networks: str) -> Finding:
    from harness.downloads.imagenet import imagenet_file

    try:
        path = imagenet_file(source, fetch=False, reporter=None)
    except NetworkError:  # HARNESS_OFFLINE is set, and they are not here
        path = None
    if path is None:
        text = f"ImageNet weights of {networks} are not here"
        return Finding("weights", "note", text, "a run downloads them where it may")
    return Finding("weights", "ok", f"{networks}: {path} has the sha256 that its name says")


def store(root: Path) -> Iterator[Finding]:
    """Yield how many stages a store has, and which of them cannot be read."""
    if not (root / "FORMAT").is_file() and not address_of(root):
        yield Finding("store", "ok", f"{root}: none yet")
        return
    found = Store(root)
    stages = list(found.folders())
    torn = [folder for folder, _ in stages if not read_stage_manifest(folder)]
    text = f"{len(stages):,} stages, {shown(folder_bytes(root))}; `harness verify` reads every byte of them"
    yield Finding("store", "ok", text)
    if found.shared:
        yield _address(found)
    for folder in torn:
        yield Finding("store", "bad", f"{folder} is torn", "run the same command again: it computes it anew")
    if unfinished := len(list(found.partial.iterdir())):
        text = f"{unfinished} stages are unfinished: something works on them, or was stopped"
        yield Finding("store", "note", text, "the same command continues them")


def _address(mirror: Store) -> Finding:
    """Return whether the object storage that a store mirrors can be used."""
    assert mirror.shared
    address = mirror.shared.remote.address
    try:
        mirror.shared.remote.read("FORMAT")
    except HarnessError as error:
        return Finding("store", "bad", error.message, error.fix)
    late = len(mirror.shared.waiting())
    if late:
        text = f"{late} stages are here and not yet in {address}"
        return Finding("store", "note", text, "the next run on this store puts them there")
    return Finding("store", "ok", f"it mirrors {address}, which answers")


def results(root: Path, tracking_uri: str | None) -> Iterator[Finding]:
    """Yield whether MLflow answers, and what it holds."""
    if tracking_uri is None and not (root / "mlflow.db").is_file():
        yield Finding("mlflow", "ok", "no results yet")
        return
    uri = tracking_uri or default_uri(root)
    found = experiments_with(names.RESULT, uri, root)
    yield Finding("mlflow", "ok", f"{shown_address(uri)} answers, with results of {', '.join(found) or 'nothing yet'}")


def studies(root: Path, storage: str | None) -> Iterator[Finding]:
    """Yield whether the studies' database answers, and what it holds."""
    from harness.tuning.lease import Lease
    from harness.tuning.studies import StudyDatabase

    if storage is None and not (root / "tuning" / "studies.db").is_file():
        yield Finding("studies", "ok", "none yet")
        return
    database = StudyDatabase(storage, root, Lease(root / "tuning"))
    counts = database.trial_counts()
    yield Finding(
        "studies", "ok", f"{database.shown} answers, with {len(counts)} studies of {sum(counts.values())} trials"
    )


def offline() -> Iterator[Finding]:
    """Yield whether the environment forbids downloads."""
    if os.environ.get("HARNESS_OFFLINE"):
        yield Finding("network", "note", "HARNESS_OFFLINE is set: nothing is downloaded", "unset it to allow downloads")
