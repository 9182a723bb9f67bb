"""One run of MLflow as it is logged: tags, parameters, figures, data sets, and whether MLflow has them afterwards.

Answering is not keeping: what stands between us and a server may take what it gets and lose it. So what was logged is
asked for again.
"""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunStatus
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from harness.results import names
from harness.results.cell_record import step_of
from harness.results.published import Publication, PublishedLevel, UsedData

BATCH = 900  # MLflow takes at most 1,000 metrics in one call, and keeps a call whole or not at all
LONGEST, LONGEST_NAME = 5000, 250  # of MLflow's tags and parameters, of a run's name; the manifest has them whole


class NotKeptError(OSError):
    """MLflow said that it took something, and does not have it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"it answered that it took {what}, and does not have them")


def short(text: str, most: int = LONGEST) -> str:
    """Return a text as long as MLflow keeps it."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def short_tags(publication: Publication) -> dict[str, str]:
    """Return a run's tags as long as MLflow keeps them."""
    return {name: short(value) for name, value in publication.tags.items()} | {names.LEVELS: names.MANIFEST}


def is_finished(run: Run) -> bool:
    """Return whether a run is a result: all of it was logged."""
    return bool(run.info.status == RunStatus.to_string(RunStatus.FINISHED))


class LoggedRun:
    """A run to log to; only what it has not yet is sent. Raises MLflow's errors, and `NotKeptError`."""

    def __init__(self, client: MlflowClient, run: Run) -> None:
        self._client, self._run = client, run
        self.run_id: str = run.info.run_id

    def log_tags(self, tags: Mapping[str, str]) -> bool:
        """Log the tags that the run lacks, as one of an older version may; return whether there were any."""
        absent = tags.keys() - self._run.data.tags.keys()
        for name in absent:
            self._client.set_tag(self.run_id, name, tags[name])
        return bool(absent)

    def log_params(self, params: Mapping[str, str]) -> None:
        """Log the parameters that the run lacks."""
        absent = [Param(name, short(value)) for name, value in params.items() if name not in self._run.data.params]
        if absent:
            self._client.log_batch(self.run_id, params=absent)

    def log_data(self, data: Sequence[UsedData]) -> bool:
        """Log the data sets that the run lacks; return whether there were any."""
        held = _held_data(self._run)
        absent = [_dataset_input(one) for one in data if (one.name, one.digest) not in held]
        if absent:
            self._client.log_inputs(self.run_id, absent)
        return bool(absent)

    def log_points(self, levels: Mapping[float, PublishedLevel]) -> None:
        """Log the finite metrics of levels, each point once, also after a command that was killed before it ended."""
        now = int(time.time() * 1000)
        points = [
            Metric(name, value, now, step_of(density))
            for density, level in levels.items()
            for name, value in level.metrics.items()
            if math.isfinite(value)
        ]
        held = self._held_points(self._run.data.metrics.keys() & {point.key for point in points})
        absent = [point for point in points if _figure(point) not in held]
        for start in range(0, len(absent), BATCH):
            batch = absent[start : start + BATCH]
            self._client.log_batch(self.run_id, metrics=batch)
            if _figure(batch[0]) not in self._held_points([batch[0].key]):
                raise NotKeptError("metrics")

    def _held_points(self, metrics: Collection[str]) -> set[tuple[str, int, float]]:
        histories = (self._client.get_metric_history(self.run_id, name) for name in metrics)
        return {_figure(point) for history in histories for point in history}

    def finish(self, publication: Publication) -> None:
        """Say that the run is whole, so that it is read as a result, and ask whether MLflow has it so."""
        if self._run.data.tags.get(names.LEVELS) != names.MANIFEST:  # where an older harness listed them
            self._client.set_tag(self.run_id, names.LEVELS, names.MANIFEST)
        self._client.set_terminated(self.run_id, RunStatus.to_string(RunStatus.FINISHED))
        self.check(publication)

    def check(self, publication: Publication) -> None:
        """Ask whether MLflow has what a finished run says of itself. Raises `NotKeptError`."""
        kept = self._client.get_run(self.run_id)
        if not publication.params.keys() <= kept.data.params.keys():
            raise NotKeptError("parameters")
        if not short_tags(publication).keys() <= kept.data.tags.keys():
            raise NotKeptError("tags")
        if not {(one.name, one.digest) for one in publication.data} <= _held_data(kept):
            raise NotKeptError("data sets")
        if not is_finished(kept):
            raise NotKeptError("all results")


def _figure(point: Metric) -> tuple[str, int, float]:
    """Return what makes two points one: not their times, nor what a level cost, which is logged once."""
    return point.key, point.step, 0.0 if point.key.startswith(names.UNSTEADY) else point.value


def _held_data(run: Run) -> set[tuple[str, str]]:
    """Return name and digest, by which MLflow tells data sets apart, of those that a run lists."""
    inputs: Iterable[DatasetInput] = run.inputs.dataset_inputs if run.inputs else ()
    return {(one.dataset.name, one.dataset.digest) for one in inputs}


def _dataset_input(data: UsedData) -> DatasetInput:
    dataset = Dataset(data.name, data.digest, data.source_type, data.source, profile=data.profile)
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, data.split)])
