"""One run as MLflow lists it: its data sets; and what is asked for again, since answering is not keeping."""

import json
from dataclasses import replace

import pytest
from mlflow.tracking import MlflowClient

from harness.errors import MachineError
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.published import Publication, PublishedLevel, UsedData
from harness.results.reading import read
from harness.storage.databases import sqlite_uri

pytestmark = pytest.mark.slow

SPLITS = {"train": "a" * 36, "validation": "b" * 36, "test": "c" * 36}
LEVELS = {1.0: 0.8, 0.5: 0.75, 0.25: 0.7}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "store"
    Tracker(default_uri(place), place, "first").publish(publication())
    return place


def used(split, digest):
    source = json.dumps({"url": "https://host/sets"})
    profile = json.dumps({"num_rows": 5, "positives": 2, "negatives": 3})
    return UsedData(name="isic", digest=digest, split=split, source_type="http", source=source, profile=profile)


def publication(levels=LEVELS, splits=SPLITS, **changes):
    tags = {"kind": "result", "entry": "lt", "method": "lt", "loss": "plain", "seed": "0", "group": "g"}
    made = Publication(
        key="k",
        name="lt seed 0",
        tags={f"harness.{name}": value for name, value in tags.items()},
        params={"entry": "lt"},
        levels={density: level(density, auc) for density, auc in levels.items()},
        documents={"provenance.json": b"{}"},
        data=[used(*one) for one in splits.items()],
    )
    return replace(made, **changes)


def level(density, auc):
    cell = {"density": density, "status": "done", "reason": "", "metrics": {"test/auc": auc}}
    files = {"cell.json": json.dumps(cell).encode(), "scores.csv": b"split,id,label,score\r\ntest,x,1,0.5\r\n"}
    return PublishedLevel(metrics=cell["metrics"] | {"odd": 1 / 3}, files=files, digest=json.dumps(cell))


def tracker(store, name):
    return Tracker(default_uri(store), store, name)


def runs(one):
    return one.client.search_runs([one._experiment_id(create=False)])


def listed(one):
    """Return what MLflow's own search says of the data sets of the only run."""
    (run,) = runs(one)
    return {
        each.tags[0].value: (each.dataset.name, each.dataset.digest, json.loads(each.dataset.profile)["positives"])
        for each in run.inputs.dataset_inputs
        if each.tags[0].key == "mlflow.data.context"
    }


EVERY = {split: ("isic", digest, 2) for split, digest in SPLITS.items()}


def test_a_runs_splits_are_data_sets_of_mlflow_and_are_logged_once(store):
    one = tracker(store, "data")
    assert one.publish(publication())
    assert not one.publish(publication())
    assert listed(one) == EVERY
    assert len(runs(one)[0].inputs.dataset_inputs) == 3


def test_elsewhere_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = Tracker(sqlite_uri(tmp_path / "elsewhere.db"), tmp_path / "store", "isic")
    assert one.publish(publication())
    assert not one.publish(publication())
    assert listed(one) == EVERY


def test_a_run_of_before_gets_its_data_sets_and_stays_as_old_as_it_was(store):
    one = tracker(store, "before")
    one.publish(publication(splits={}))
    assert listed(one) == {}
    ended = runs(one)[0].info.end_time
    assert one.publish(publication())
    assert listed(one) == EVERY
    assert runs(one)[0].info.end_time == ended
    assert not one.publish(publication())


def test_two_runs_on_the_same_splits_share_them(store):
    one = tracker(store, "shared")
    for key in ("k", "another"):
        one.publish(publication(key=key))
    found = [sorted(each.dataset.digest for each in run.inputs.dataset_inputs) for run in runs(one)]
    assert found == [sorted(SPLITS.values())] * 2


def test_splits_that_are_the_same_images_are_one_data_set_and_are_not_logged_again(store):
    """As of a data set whose test images are its training images: MLflow tells them apart by name and digest alone."""
    one = tracker(store, "same")
    same = dict.fromkeys(SPLITS, "d" * 36)
    assert one.publish(publication(splits=same))
    assert not one.publish(publication(splits=same))
    assert len(runs(one)[0].inputs.dataset_inputs) == 1


def points(one):
    (run,) = runs(one)
    names = ("test/auc", "odd")
    found = [point for name in names for point in one.client.get_metric_history(run.info.run_id, name)]
    return sorted((point.key, point.step, point.value) for point in found)


POINTS = sorted(
    (name, round((1 - density) * 1e6), value)
    for density, auc in LEVELS.items()
    for name, value in (("test/auc", auc), ("odd", 1 / 3))
)


@pytest.mark.parametrize(
    ("request_", "lost"),
    [
        ("log_batch", "metrics"),
        ("log_inputs", "data sets"),
        ("set_terminated", "all results"),
    ],
)
def test_what_mlflow_takes_and_does_not_keep_is_no_success_and_is_logged_by_the_next_command(
    store, monkeypatch, request_, lost
):
    one = tracker(store, f"lost {request_}")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, request_, lambda *_, **__: None)
        with pytest.raises(MachineError, match=f"lt seed 0: it answered that it took {lost}, and does not have them"):
            one.publish(publication())
    assert one.publish(publication())
    assert not one.publish(publication())
    assert points(one) == POINTS
    assert listed(one) == EVERY
    assert len(read(default_uri(store), store, one.experiment).cells) == len(LEVELS)


@pytest.mark.parametrize(("request_", "lost"), [("set_tag", "tags"), ("log_inputs", "data sets")])
def test_what_a_run_of_before_gets_is_asked_for_too(store, monkeypatch, request_, lost):
    one = tracker(store, f"before {request_}")
    one.publish(publication(splits={}))
    more = publication(tags=publication().tags | {"harness.new": "yes"})
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, request_, lambda *_, **__: None)
        with pytest.raises(MachineError, match=f"it took {lost}, and does not"):
            one.publish(more)
    assert one.publish(more)
    assert not one.publish(more)
    assert runs(one)[0].data.tags["harness.new"] == "yes"
    assert listed(one) == EVERY


def test_parameters_that_are_lost_are_noticed(store, monkeypatch):
    one = tracker(store, "lost params")
    log = MlflowClient.log_batch
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", lambda self, run, metrics=(), **_: log(self, run, metrics))
        with pytest.raises(MachineError, match="it took parameters"):
            one.publish(publication())
    assert one.publish(publication(levels={1.0: 0.9}))
    assert runs(one)[0].data.params == {"entry": "lt"}


def test_of_the_points_of_many_levels_any_lost_call_is_noticed_and_made_again(store, monkeypatch):
    """Of a later call too: the latest value alone would not tell."""
    one = tracker(store, "many")
    levels = {(700 - step) / 700: step / 1000 for step in range(700)}
    log, calls = MlflowClient.log_batch, []

    def forgetting(self, run, metrics=(), params=()):
        calls.append(len(metrics))
        if calls != [0, 900]:
            log(self, run, metrics, params)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", forgetting)
        with pytest.raises(MachineError, match="it took metrics"):
            one.publish(publication(levels=levels))
    assert one.publish(publication(levels=levels))
    assert calls == [0, 900]
    assert len(points(one)) == len(set(points(one))) == 1400


def test_runs_that_a_slow_server_made_of_one_request_become_one(store):
    one = tracker(store, "spare")
    experiment = one._experiment_id(create=True)
    made = [
        one.client.create_run(experiment, tags={"harness.key": "k"}, start_time=1000 + number).info.run_id
        for number in range(3)
    ]
    assert one.publish(publication())
    assert [run.info.run_id for run in runs(one)] == made[:1]
    assert not one.publish(publication())
    assert points(one) == POINTS


def test_a_finished_run_is_taken_before_an_older_one_that_was_never_filled(store):
    one = tracker(store, "late")
    one.publish(publication())
    (whole,) = runs(one)
    one.client.create_run(one._experiment_id(create=True), tags={"harness.key": "k"}, start_time=1000)
    assert not one.publish(publication())
    assert [run.info.run_id for run in runs(one)] == [whole.info.run_id]


def test_of_two_finished_runs_neither_is_deleted(store):
    one = tracker(store, "two")
    one.publish(publication())
    run = one.client.create_run(one._experiment_id(create=True), tags={"harness.key": "k"}, start_time=1000)
    one.client.set_terminated(run.info.run_id)
    one.publish(publication())
    assert len(runs(one)) == 2
