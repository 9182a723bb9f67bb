"""MLflow, where results live for people and teams. The only module that imports it.

Results are written from the stage store and idempotently: the same command again logs only what is missing, so a
dead server never costs a training run.
"""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import math
import shlex
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from mlflow.entities import LifecycleStage, Metric, Param, Run, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import MachineError
from harness.outgoing.secrets import remember, shown_address, without_secrets
from harness.results import names
from harness.results.cell_record import step_of
from harness.results.manifest import FOLDER, LoggedLevel, log_files, manifest_of, read_checked
from harness.results.published import Publication, PublishedLevel, PublishedRun, ReadDocument, ReadLevel
from harness.results.recorded import RecordedRun
from harness.results.run_files import LocalFiles, RunFiles, ServedFiles
from harness.storage.databases import (
    change,
    create_database,
    local_remedy,
    open_database,
    sqlite_file,
    sqlite_uri,
)
from harness.storage.disk import locked

T = TypeVar("T")

READ_FILES = (names.CELL_FILE, names.SCORES_FILE)  # masks stay on a server
BATCH = 900  # MLflow takes at most 1,000 metrics in one call
LONGEST, LONGEST_NAME = 5000, 250  # of MLflow's tags and parameters, of a run's name; the manifest has them whole


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
            open_database(self.uri)
            self._client = _open(self.uri)
        return self._client

    def publish(self, publication: Publication) -> bool:
        """Log one run, or only what is missing of it; return whether anything was. Raises `MachineError`."""
        answering = _answering(
            self.uri,
            f"did not take the results of {short(publication.name, LONGEST_NAME)}",
            fix="start or mend the server and run the same command again: it trains nothing, it only publishes",
        )
        # Two commands that publish one run at once would make it twice.
        with answering, locked(self.store / "publish.lock", waiting=lambda: None):
            return self._publish(publication)

    def _publish(self, publication: Publication) -> bool:
        run = self._run(publication)
        files = self._files(run)
        manifest, _ = manifest_of(files)
        files.fetch(FOLDER)
        new = {
            density: level
            for density, level in publication.levels.items()
            if density not in manifest.levels or not manifest.levels[density].holds(level, files)
        }
        documents = {name: manifest.documents.get(name, "") for name in publication.documents}
        finished = run.info.status == RunStatus.to_string(RunStatus.FINISHED)
        if finished and not new and all(documents.values()) and not read_checked(files, documents)[1]:
            return False
        self._log_figures(run, publication.params, new)
        log_files(files, publication, new, manifest)
        self.client.set_tag(run.info.run_id, names.LEVELS, names.MANIFEST)
        self.client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.FINISHED))
        return True

    def _run(self, publication: Publication) -> Run:
        """Return the publication's run, made where there is none, with what an older version did not say of it."""
        experiment = self._experiment_id(create=True)
        assert experiment is not None
        run = self._find(experiment, publication.key)
        tags = {name: short(value) for name, value in publication.tags.items()}
        if run is None:
            name = short(publication.name, LONGEST_NAME)
            run = self.client.create_run(experiment, tags={**tags, names.KEY: publication.key}, run_name=name)
        for name in tags.keys() - run.data.tags.keys():
            self.client.set_tag(run.info.run_id, name, tags[name])
        if publication.parent and MLFLOW_PARENT_RUN_ID not in run.data.tags:
            parent = self._find(experiment, publication.parent)
            if parent is not None:
                self.client.set_tag(run.info.run_id, MLFLOW_PARENT_RUN_ID, parent.info.run_id)
        return run

    def _log_figures(self, run: Run, params: Mapping[str, str], levels: Mapping[float, PublishedLevel]) -> None:
        run_id, now = run.info.run_id, int(time.time() * 1000)
        absent = [Param(name, short(value)) for name, value in params.items() if name not in run.data.params]
        self.client.log_batch(run_id, params=absent)
        points = [
            (name, step_of(density), value)
            for density, level in levels.items()
            for name, value in level.metrics.items()
            if math.isfinite(value)
        ]
        held = self._held_points(run, {name for name, *_ in points})
        metrics = [Metric(name, value, now, step) for name, step, value in points if (name, step, value) not in held]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + BATCH])

    def _held_points(self, run: Run, metrics: Set[str]) -> set[tuple[str, int, float]]:
        """Return the (name, step, value) that a command which was killed before the manifest has logged already."""
        return {
            (name, point.step, point.value)
            for name in metrics & run.data.metrics.keys()
            for point in self.client.get_metric_history(run.info.run_id, name)
        }

    def read(self) -> list[PublishedRun]:
        """Return all finished result runs of the experiment. Raises `MachineError` where MLflow does not answer."""
        return self._each(names.RESULT, self._read)

    def documents(self, kind: str, name: str) -> list[ReadDocument]:
        """Return the document ``name`` of every run of ``kind``, the oldest first. Raises `MachineError`."""
        found = self._each(kind, lambda run: self._document(run, name))
        return [document for document in found if document is not None]

    def recorded(self, kind: str, look: Callable[[RecordedRun], T]) -> list[T]:
        """Return what ``look`` makes of each finished run of ``kind``, the oldest first. Raises `MachineError`."""
        return self._each(kind, lambda run: look(self._recorded(run)))

    def _each(self, kind: str, read: Callable[[Run], T]) -> list[T]:
        """Return what ``read`` makes of each finished run of a kind, the oldest first."""
        with _answering(self.uri, "cannot be read"):
            experiment = self._experiment_id(create=False)
            if experiment is None:
                return []
            wanted, order = _finished(kind), ["attributes.start_time ASC"]
            found = _all_pages(lambda token: self.client.search_runs([experiment], wanted, 1, 1000, order, token))
            return list(map(read, found))

    def _document(self, run: Run, name: str) -> ReadDocument | None:
        files = self._files(run)
        manifest, _ = manifest_of(files)
        known = manifest.documents.get(name, "")
        found, damage = read_checked(files, {name: known})
        if name in found:
            return ReadDocument(run.info.run_id, _text(found[name]))
        return ReadDocument(run.info.run_id, "", damage[0]) if known else None

    def _read(self, run: Run) -> PublishedRun:
        files = self._files(run)
        manifest, lost = manifest_of(files)
        found, damage = read_checked(files, {names.PROVENANCE: "", **manifest.documents})
        return PublishedRun(
            run.info.run_id,
            {**run.data.tags, **manifest.tags},
            run.info.start_time,
            run.info.end_time or run.info.start_time,
            _text(found.get(names.PROVENANCE, b"")),
            [self._level(level, files) for level in sorted(manifest.levels.values(), key=attrgetter("density"))[::-1]],
            ([] if _is_older(run) else lost) + damage,
        )

    def _recorded(self, run: Run) -> RecordedRun:
        files = self._files(run)
        manifest, lost = manifest_of(files)
        points: dict[tuple[str, int], tuple[float, ...]] = {}
        for name in run.data.metrics:
            for point in self.client.get_metric_history(run.info.run_id, name):
                points[name, point.step] = (*points.get((name, point.step), ()), point.value)
        lost = [] if _is_older(run) else lost
        return RecordedRun(run.info.run_id, run.data.tags, points, manifest, files, tuple(lost))

    def _level(self, level: LoggedLevel, files: RunFiles) -> ReadLevel:
        found, damage = level.read(files, () if self.is_local and level.sha256 else READ_FILES)
        texts = {name: _text(found[name]) for name in READ_FILES if name in found}
        return ReadLevel(level.density, texts, "; ".join(damage))

    def _files(self, run: Run) -> RunFiles:
        if self.is_local:
            return LocalFiles(self._place / run.info.run_id / "artifacts")
        return ServedFiles(self.client, run.info.run_id)

    @property
    def is_local(self) -> bool:
        """Whether the results are in the store itself."""
        return sqlite_file(self.uri) == sqlite_file(default_uri(self.store))

    @property
    def _place(self) -> Path:
        return self.store / "artifacts" / self.experiment

    def _experiment_id(self, *, create: bool) -> str | None:
        experiment = self.client.get_experiment_by_name(self.experiment)
        if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise MachineError(
                f"experiment {self.experiment!r} was deleted in MLflow at {shown_address(self.uri)}",
                fix=f"restore it with its results: MLFLOW_TRACKING_URI={shlex.quote(shown_address(self.uri))} mlflow"
                f" experiments restore --experiment-id {experiment.experiment_id}",
            )
        place = self._place.as_uri() if self.is_local else None
        if experiment is not None:
            if create and place and experiment.artifact_location != place:
                self._move(int(experiment.experiment_id), place)
            return str(experiment.experiment_id)
        if not create:
            return None
        return str(self.client.create_experiment(self.experiment, artifact_location=place))

    def _move(self, experiment: int, place: str) -> None:
        """Tell MLflow, for its own page, where the files of a store are that was moved or copied here."""
        experiments = "update experiments set artifact_location = ? where experiment_id = ?"
        runs = "update runs set artifact_uri = ? || '/' || run_uuid || '/artifacts' where experiment_id = ?"
        change(self.store / "mlflow.db", {experiments: (place, experiment), runs: (place, experiment)})

    def _find(self, experiment: str, key: str) -> Run | None:
        runs = self.client.search_runs([experiment], f"tags.`{names.KEY}` = '{key}'", max_results=1)
        return runs[0] if runs else None


def experiments_with(kind: str, uri: str, store: Path) -> list[str]:
    """Return the names of the experiments that hold finished runs of a kind, sorted. Raises `MachineError`."""
    with _answering(uri, "cannot be read"):
        client = Tracker(uri, store, "").client
        wanted = _finished(kind)
        found = _all_pages(lambda token: client.search_experiments(page_token=token))
        return sorted(one.name for one in found if client.search_runs([one.experiment_id], wanted, max_results=1))


def _is_older(run: Run) -> bool:
    """Return whether an older harness logged a run, which listed its levels in a tag."""
    return str(run.data.tags.get(names.LEVELS, "")).startswith("{")


def _finished(kind: str) -> str:
    return f"tags.`{names.KIND}` = '{kind}' and attributes.status = 'FINISHED'"


def short(text: str, most: int = LONGEST) -> str:
    """Return a text as MLflow keeps it."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


@contextmanager
def _answering(uri: str, problem: str, fix: str = "check --tracking-uri and that its server runs") -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        what = f"MLflow at {shown_address(uri)} {problem}: {_first_line(error)}"
        raise MachineError(what, fix=local_remedy(uri, error) or fix) from error


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
