"""MLflow, where results live for people and teams. The only module that imports it.

Results are written from the stage store and idempotently: the same command again logs only what is missing, so a
dead server never costs a training run.
"""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, Run, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import MachineError
from harness.outgoing.secrets import remember, shown_address, without_secrets
from harness.results import names
from harness.storage.databases import create_database, sqlite_uri
from harness.storage.disk import locked

READ_FILES = (names.CELL_FILE, names.SCORES_FILE)  # masks stay where they are
RESULTS = f"tags.`{names.KIND}` = '{names.RESULT}' and attributes.status = 'FINISHED'"
BATCH = 900  # MLflow takes at most 1,000 metrics in one call


@dataclass(frozen=True, kw_only=True)
class PublishedLevel:
    """One level of a run: its metrics, its files by name, and a hash that changes when they do."""

    metrics: Mapping[str, float]
    files: Mapping[str, bytes]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One run: how it is found again (``key``), parameters, levels by step, documents by name, its parent's key."""

    key: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    levels: Mapping[int, PublishedLevel]
    documents: Mapping[str, bytes]
    parent: str = ""


@dataclass(frozen=True)
class PublishedRun:
    """One finished run, read back: id, tags, start and end in ms, provenance, and each level's files by name."""

    run_id: str
    tags: Mapping[str, str]
    started: int
    finished: int
    provenance: str
    levels: Sequence[Mapping[str, str]]


def default_uri(store: Path) -> str:
    """Return the tracking database that a store keeps when no server is named."""
    return sqlite_uri(store / "mlflow.db")


def _open(uri: str) -> MlflowClient:
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)  # makes the tables where there are none
    return client


class Tracker:
    """One experiment (= one data set) at one tracking address."""

    def __init__(self, uri: str, store: Path, experiment: str) -> None:
        remember(uri)
        self.uri, self.store, self.experiment = uri, store, experiment
        self._client: MlflowClient | None = None

    @property
    def client(self) -> MlflowClient:
        """The client; a database file is created whole before it is opened."""
        if self._client is None:
            create_database(self.uri, _open)
            self._client = _open(self.uri)
        return self._client

    def publish(self, publication: Publication) -> bool:
        """Log one run, or only what is missing of it; return whether anything was. Raises `MachineError`."""
        answering = _answering(
            f"MLflow at {shown_address(self.uri)} did not take the results of {publication.name}",
            fix="start or mend the server and run the same command again: it trains nothing, it only publishes",
        )
        # Two commands that publish one run at once would make it twice.
        with answering, locked(self.store / "publish.lock", waiting=lambda: None):
            return self._publish(publication)

    def _publish(self, publication: Publication) -> bool:
        experiment = self._experiment_id(create=True)
        assert experiment is not None
        run = self._find(experiment, publication.key)
        if run is None:
            tags = {**publication.tags, names.KEY: publication.key}
            run = self.client.create_run(experiment, tags=tags, run_name=publication.name)
        for name, value in publication.tags.items():  # what an older version did not say
            if name not in run.data.tags:
                self.client.set_tag(run.info.run_id, name, value)
        if publication.parent and MLFLOW_PARENT_RUN_ID not in run.data.tags:
            parent = self._find(experiment, publication.parent)
            if parent is not None:
                self.client.set_tag(run.info.run_id, MLFLOW_PARENT_RUN_ID, parent.info.run_id)
        logged = json.loads(run.data.tags.get(names.LEVELS, "{}"))
        new = {step: level for step, level in publication.levels.items() if logged.get(str(step)) != level.digest}
        if new:
            self._log(run, publication, new)
            digests = {**logged, **{str(step): level.digest for step, level in new.items()}}
            self.client.set_tag(run.info.run_id, names.LEVELS, json.dumps(digests))
            self.client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.FINISHED))
        return bool(new)

    def _log(self, run: Run, publication: Publication, levels: Mapping[int, PublishedLevel]) -> None:
        run_id, now = run.info.run_id, int(time.time() * 1000)
        params = [Param(name, value) for name, value in publication.params.items() if name not in run.data.params]
        self.client.log_batch(run_id, params=params)
        metrics = [
            Metric(name, value, now, step)
            for step, level in levels.items()
            for name, value in level.metrics.items()
            if math.isfinite(value)
        ]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        files = {
            f"levels/{step:06d}/{name}": data for step, level in levels.items() for name, data in level.files.items()
        }
        self._log_files(run_id, {**files, **publication.documents})

    def read(self) -> list[PublishedRun]:
        """Return all finished result runs of the experiment. Raises `MachineError` where MLflow does not answer."""
        with _answering(f"MLflow at {shown_address(self.uri)} cannot be read"):
            experiment = self._experiment_id(create=False)
            if experiment is None:
                return []
            found = _all_pages(lambda token: self.client.search_runs([experiment], RESULTS, page_token=token))
            return [run for run in map(self._read, found) if run.levels]  # someone may have deleted a run's artifacts

    def documents(self, kind: str, name: str) -> list[str]:
        """Return the document ``name`` of every run of ``kind``, the oldest first. Raises `MachineError`."""
        with _answering(f"MLflow at {shown_address(self.uri)} cannot be read"):
            experiment = self._experiment_id(create=False)
            if experiment is None:
                return []
            wanted = f"tags.`{names.KIND}` = '{kind}' and attributes.status = 'FINISHED'"
            order = ["attributes.start_time ASC"]
            found = _all_pages(lambda token: self.client.search_runs([experiment], wanted, 1, 1000, order, token))
            texts = (self._document(run.info.run_id, name) for run in found)
            return [text for text in texts if text is not None]

    def _document(self, run_id: str, name: str) -> str | None:
        if all(item.path != name for item in self.client.list_artifacts(run_id)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.client.download_artifacts(run_id, name, folder)).read_text("utf-8")

    def _read(self, run: Run) -> PublishedRun:
        with tempfile.TemporaryDirectory() as folder:

            def text(path: str) -> str:
                return Path(self.client.download_artifacts(run.info.run_id, path, folder)).read_text("utf-8")

            places = [item.path for item in self.client.list_artifacts(run.info.run_id, "levels")]
            levels = [{name: text(f"{place}/{name}") for name in READ_FILES} for place in sorted(places)]
            provenance = text(names.PROVENANCE) if levels else ""
        times = (run.info.start_time, run.info.end_time or run.info.start_time)
        return PublishedRun(run.info.run_id, run.data.tags, *times, provenance, levels)

    def _experiment_id(self, *, create: bool) -> str | None:
        experiment = self.client.get_experiment_by_name(self.experiment)
        if experiment is not None:
            return str(experiment.experiment_id)
        if not create:
            return None
        local = self.uri == default_uri(self.store)
        place = (self.store / "artifacts" / self.experiment).as_uri() if local else None
        return str(self.client.create_experiment(self.experiment, artifact_location=place))

    def _find(self, experiment: str, key: str) -> Run | None:
        runs = self.client.search_runs([experiment], f"tags.`{names.KEY}` = '{key}'", max_results=1)
        return runs[0] if runs else None

    def _log_files(self, run_id: str, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self.client.log_artifacts(run_id, folder)


def experiments_with_results(uri: str, store: Path) -> list[str]:
    """Return the names of the experiments that hold finished result runs, sorted. Raises `MachineError`."""
    with _answering(f"MLflow at {shown_address(uri)} cannot be read"):
        client = Tracker(uri, store, "").client
        found = _all_pages(lambda token: client.search_experiments(page_token=token))
        return sorted(one.name for one in found if client.search_runs([one.experiment_id], RESULTS, max_results=1))


@contextmanager
def _answering(problem: str, fix: str = "check --tracking-uri and that its server runs") -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise MachineError(f"{problem}: {_first_line(error)}", fix=fix) from error


def _all_pages(search: Callable[[str | None], Any]) -> list[Any]:
    page = search(None)
    found = list(page)
    while page.token:
        page = search(page.token)
        found += page
    return found


def _first_line(error: Exception) -> str:
    text = without_secrets(str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__
