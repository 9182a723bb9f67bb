"""MLflow, where results live for people and teams. Only this module, `mlflow_client`, `mlflow_run` and
`mlflow_model` import it.

Results are written from the stage store and idempotently: the same command again logs only what is missing, so a
dead server never costs a training run.
"""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from mlflow.entities import LifecycleStage, Run, ViewType
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from harness.errors import MachineError
from harness.outgoing.secrets import remember, shown_address
from harness.results import names
from harness.results.manifest import FOLDER, log_files, manifest_of, read_checked
from harness.results.mlflow_client import all_pages, answering, open_client
from harness.results.mlflow_run import LONGEST_NAME, LoggedRun, is_finished, short, short_tags
from harness.results.published import Publication, PublishedRun, ReadDocument
from harness.results.recorded import Points, RecordedRun
from harness.results.run_files import LocalFiles, RunFiles, ServedFiles
from harness.storage.databases import change, sqlite_file, sqlite_uri
from harness.storage.disk import locked
from harness.storage.remote_lock import alone_among_machines

T = TypeVar("T")


def default_uri(store: Path) -> str:
    """Return the tracking database that a store keeps when no server is named."""
    return sqlite_uri(store / "mlflow.db")


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
            self._client = open_client(self.uri)
        return self._client

    def publish(self, publication: Publication) -> bool:
        """Log one run, or only what is missing of it; return whether anything was. Raises `MachineError`."""
        taken = answering(
            self.uri,
            f"did not take the results of {short(publication.name, LONGEST_NAME)}",
            fix="start or mend the server and run the same command again: it trains nothing, it only publishes",
        )
        with taken, self._alone():
            return self._publish(publication)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two commands that publish one run at once would make it twice, also on two machines that share a store."""
        with locked(self.store / "publish.lock", waiting=lambda: None), ExitStack() as held:
            if not self.is_local:
                held.enter_context(alone_among_machines(self.store, "publish"))
            yield

    def _publish(self, publication: Publication) -> bool:
        experiment = self.settled()
        run = self._run(experiment, publication)
        logged = LoggedRun(self.client, run)
        added = logged.log_tags(short_tags(publication))
        if publication.parent and MLFLOW_PARENT_RUN_ID not in run.data.tags:
            for parent in self._with_key(experiment, publication.parent)[:1]:
                logged.log_tags({MLFLOW_PARENT_RUN_ID: parent.info.run_id})
        added |= logged.log_data(publication.data)
        files = self._files(run)
        manifest, _ = manifest_of(files)
        files.fetch(FOLDER)
        new = {
            density: level
            for density, level in publication.levels.items()
            if density not in manifest.levels or not manifest.levels[density].holds(level, files)
        }
        documents = {name: manifest.documents.get(name, "") for name in publication.documents}
        if is_finished(run) and not new and all(documents.values()) and not read_checked(files, documents)[1]:
            if added:
                logged.check(publication)
            return added
        logged.log_params(publication.params)
        logged.log_points(new)
        log_files(files, publication, new, manifest)
        logged.finish(publication)
        return True

    def _run(self, experiment: str, publication: Publication) -> Run:
        """Return the publication's run, made where there is none.

        A request to make one that was not answered in time is sent again, by MLflow's client or by the next command,
        and a server that was slow and not dead carries out each: one of these runs is taken, the others go.
        """
        runs = self._with_key(experiment, publication.key)
        for spare in runs[1:]:
            if not is_finished(spare):
                self.client.delete_run(spare.info.run_id)
        if runs:
            return runs[0]
        tags = {**short_tags(publication), names.KEY: publication.key}
        return self.client.create_run(experiment, tags=tags, run_name=short(publication.name, LONGEST_NAME))

    def read(self) -> list[PublishedRun]:
        """Return all finished result runs of the experiment. Raises `MachineError` where MLflow does not answer."""
        return self._each(names.RESULT, lambda run: self._recorded(run).read(whole=self.is_local))

    def documents(self, kind: str, name: str) -> list[ReadDocument]:
        """Return the document ``name`` of every run of ``kind``, the oldest first. Raises `MachineError`."""
        found = self._each(kind, lambda run: self._recorded(run).document(name))
        return [document for document in found if document is not None]

    def tags(self, kind: str) -> list[Mapping[str, str]]:
        """Return MLflow's tags of each finished run of ``kind``, no file of it read. Raises `MachineError`."""
        return self._each(kind, lambda run: dict(run.data.tags))

    def runs(self, kind: str) -> list[RecordedRun]:
        """Return each finished run of ``kind``, its figures in MLflow unread, the oldest first."""
        return self._each(kind, self._recorded)

    def recorded(self, kind: str, look: Callable[[RecordedRun], T]) -> list[T]:
        """Return what ``look`` makes of each finished run of ``kind``, the oldest first. Raises `MachineError`."""
        return self._each(kind, lambda run: look(self._recorded(run, self._points(run))))

    def _each(self, kind: str, read: Callable[[Run], T]) -> list[T]:
        """Return what ``read`` makes of each finished run of a kind, the oldest first."""
        with answering(self.uri, "cannot be read"):
            experiment = self._experiment_id(create=False)
            if experiment is None:
                return []
            wanted, order = _finished(kind), ["attributes.start_time ASC"]
            found = all_pages(lambda token: self.client.search_runs([experiment], wanted, 1, 1000, order, token))
            return list(map(read, found))

    def _recorded(self, run: Run, points: Points | None = None) -> RecordedRun:
        files = self._files(run)
        manifest, lost = manifest_of(files)
        return RecordedRun(
            run.info.run_id,
            run.data.tags,
            points,
            manifest,
            files,
            () if _is_older(run) else tuple(lost),
            started=run.info.start_time,
            finished=run.info.end_time or run.info.start_time,
        )

    def _points(self, run: Run) -> Points:
        points: dict[tuple[str, int], tuple[float, ...]] = {}
        for name in run.data.metrics:
            for point in self.client.get_metric_history(run.info.run_id, name):
                points[name, point.step] = (*points.get((name, point.step), ()), point.value)
        return points

    def _files(self, run: Run) -> RunFiles:
        if self.is_local:
            return LocalFiles(self._place / run.info.run_id / "artifacts")
        return ServedFiles(self.client, run.info.run_id)

    def settled(self) -> str:
        """Return the id of the experiment, made where there is none; of a store that was copied, told where it is now.

        Whatever MLflow itself writes there would otherwise go to where the store was copied from.
        """
        experiment = self._experiment_id(create=True)
        assert experiment is not None
        return experiment

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

    def _with_key(self, experiment: str, key: str) -> list[Run]:
        """Return the runs of a key, of which there should be one; finished ones first, the oldest first of each."""
        wanted, order = f"tags.`{names.KEY}` = '{key}'", ["attributes.start_time ASC"]
        found = self.client.search_runs([experiment], wanted, order_by=order)
        return sorted(found, key=lambda run: not is_finished(run))


def experiments_with(kind: str, uri: str, store: Path) -> list[str]:
    """Return the names of the experiments that hold finished runs of a kind, sorted.

    Raises `MachineError`, also where there is none but one that was deleted.
    """
    with answering(uri, "cannot be read"):
        held = _with(kind, uri, store, ViewType.ACTIVE_ONLY)
        for deleted in [] if held else _with(kind, uri, store, ViewType.DELETED_ONLY):
            Tracker(uri, store, deleted).documents(kind, names.PROVENANCE)  # says what restores it
        return held


def _with(kind: str, uri: str, store: Path, view: int) -> list[str]:
    client, wanted = Tracker(uri, store, "").client, _finished(kind)
    found = all_pages(lambda token: client.search_experiments(view, page_token=token))
    return sorted(one.name for one in found if client.search_runs([one.experiment_id], wanted, view, 1))


def _is_older(run: Run) -> bool:
    """Return whether an older harness logged a run, which listed its levels in a tag."""
    return str(run.data.tags.get(names.LEVELS, "")).startswith("{")


def _finished(kind: str) -> str:
    return f"tags.`{names.KIND}` = '{kind}' and attributes.status = 'FINISHED'"
