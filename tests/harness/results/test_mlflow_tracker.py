import json
import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from mlflow.tracking import MlflowClient

from harness.errors import MachineError
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.published import Publication, PublishedLevel
from harness.results.reading import experiments, groups_held, read
from harness.results.run_files import LocalFiles
from harness.storage.remote import Remote, RemoteError, remote_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("tracking")


def publication(key="k1", entry="lt", levels=((1.0, 0.8),), started_by="a"):
    tags = {"kind": "result", "entry": entry, "method": "lt", "loss": "plain", "seed": "0", "group": "g"}
    return Publication(
        key=key,
        name=f"{entry} seed 0",
        tags={f"harness.{name}": value for name, value in tags.items()},
        params={"entry": entry},
        levels={d: level(d, auc) for d, auc in levels},
        documents={"provenance.json": json.dumps({"by": started_by}).encode()},
    )


def level(density, auc):
    cell = {"density": density, "status": "done", "reason": "", "metrics": {"test/auc": auc}}
    files = {
        "cell.json": json.dumps(cell).encode(),
        "scores.csv": b"split,id,label,score\r\ntest,x,1,0.1234567890123456\r\n",
        "mask.npz": b"\x00\xff",
    }
    return PublishedLevel(metrics={"test/auc": auc, "odd": math.nan}, files=files, digest=json.dumps(cell))


def history(tracker, name="test/auc", index=0):
    experiment = tracker.client.get_experiment_by_name(tracker.experiment)
    run = sorted(tracker.client.search_runs([experiment.experiment_id]), key=lambda run: run.info.start_time)[index]
    return sorted((m.step, m.value) for m in tracker.client.get_metric_history(run.info.run_id, name))


def test_publishing_twice_logs_once_and_more_levels_are_added(store):
    tracker = Tracker(default_uri(store), store, "twice")
    assert tracker.publish(publication())
    assert not tracker.publish(publication())
    assert history(tracker) == [(0, 0.8)]
    more = publication(levels=((1.0, 0.8), (0.25, 0.7)))
    assert tracker.publish(more)
    assert history(tracker) == [(0, 0.8), (750_000, 0.7)]
    assert history(tracker, "odd") == []
    results = read(default_uri(store), store, "twice")
    assert results.cells["density"].tolist() == [1.0, 0.25]
    assert not tracker.publish(publication(levels=((0.25, 0.7),)))


def test_other_levels_of_an_earlier_command_stay(store):
    tracker = Tracker(default_uri(store), store, "union")
    tracker.publish(publication(levels=((1.0, 0.8), (0.25, 0.7))))
    tracker.publish(publication(levels=((1.0, 0.8), (0.5, 0.75))))
    cells = read(default_uri(store), store, "union").cells
    assert cells["density"].tolist() == [1.0, 0.5, 0.25]
    assert cells["test/auc"].tolist() == [0.8, 0.75, 0.7]


def test_groups_are_counted_by_experiment_without_reading_their_files(store, monkeypatch):
    for group, key in (("g", "k1"), ("h", "k2"), ("h", "k3")):
        one = publication(key=key)
        Tracker(default_uri(store), store, "counted").publish(replace(one, tags={**one.tags, "harness.group": group}))
    monkeypatch.setattr(LocalFiles, "read", lambda *_: pytest.fail("read"))
    assert groups_held(default_uri(store), store)["counted"] == 2


def test_a_level_that_changed_replaces_the_old_one(store):
    """A cell that failed and then succeeds, or a metric that is computed anew."""
    tracker = Tracker(default_uri(store), store, "changed")
    tracker.publish(publication(levels=((1.0, 0.8),)))
    tracker.publish(publication(levels=((1.0, 0.9),)))
    assert read(default_uri(store), store, "changed").cells["test/auc"].tolist() == [0.9]


def test_a_publication_cut_off_in_the_middle_is_finished_by_the_next(store, monkeypatch):
    tracker = Tracker(default_uri(store), store, "cut")

    def broken(*_):
        raise OSError("the disk of the artifacts is full")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFiles, "write", broken)
        with pytest.raises(MachineError, match="did not take the results of lt seed 0: the disk of the artifacts"):
            tracker.publish(publication())
    assert read(default_uri(store), store, "cut").cells.empty
    assert tracker.publish(publication())
    assert len(read(default_uri(store), store, "cut").cells) == 1


def test_the_newest_run_of_an_entry_and_seed_counts(store):
    tracker = Tracker(default_uri(store), store, "newest")
    tracker.publish(publication(key="old code", levels=((1.0, 0.6),), started_by="old"))
    tracker.publish(publication(key="new code", levels=((1.0, 0.9),), started_by="new"))
    results = read(default_uri(store), store, "newest")
    assert results.cells["test/auc"].tolist() == [0.9]
    assert results.groups["g"]["by"] == "new"


def test_scores_come_back_to_the_last_bit(store):
    tracker = Tracker(default_uri(store), store, "bits")
    tracker.publish(publication())
    assert read(default_uri(store), store, "bits").scores["score"].tolist() == [0.1234567890123456]


def test_an_empty_experiment_and_a_dead_server(store):
    assert read(default_uri(store), store, "nobody").cells.empty
    with pytest.raises(MachineError, match="cannot be read"):
        read("http://127.0.0.1:9", store, "nobody")


def test_experiments_that_hold_results_are_listed(store, monkeypatch):
    uri = default_uri(store)
    before = experiments(uri, store)
    for name, kind in [("with results", "result"), ("another", "result"), ("trials alone", "trial")]:
        Tracker(uri, store, name).publish(replace(publication(), tags={**publication().tags, "harness.kind": kind}))
    Tracker(uri, store, "empty").client.create_experiment("empty")
    listed = sorted([*before, "another", "with results"])
    assert experiments(uri, store) == listed
    search = MlflowClient.search_experiments
    monkeypatch.setattr(
        MlflowClient, "search_experiments", lambda *a, **options: search(*a, **{**options, "max_results": 1})
    )
    assert experiments(uri, store) == listed
    with pytest.raises(MachineError, match="cannot be read"):
        experiments("http://127.0.0.1:9", store)


def test_a_run_that_cannot_be_finished_is_no_result(store, monkeypatch):
    """Its experiment is not listed either."""
    tracker = Tracker(default_uri(store), store, "unfinished")
    monkeypatch.setattr(tracker.client, "set_terminated", lambda *_: None)
    with pytest.raises(MachineError, match="it took all results, and does not have them"):
        tracker.publish(publication())
    assert "unfinished" not in experiments(default_uri(store), store)


def test_levels_that_are_added_later_move_the_newest_result(store, monkeypatch):
    tracker = Tracker(default_uri(store), store, "later")
    tracker.publish(publication())
    (first,) = read(default_uri(store), store, "later").groups.values()
    end = int(1000 * (datetime.fromisoformat(first["finished"]).timestamp() + 86_400))
    finish = tracker.client.set_terminated
    monkeypatch.setattr(tracker.client, "set_terminated", lambda run, status: finish(run, status, end))
    tracker.publish(publication(key="k2", entry="other", started_by="b"))
    tracker.publish(publication(levels=((1.0, 0.8), (0.5, 0.7))))
    (second,) = read(default_uri(store), store, "later").groups.values()
    assert datetime.fromisoformat(second["finished"]) - datetime.fromisoformat(first["finished"]) == timedelta(days=1)
    assert second["started"][:10] == first["started"][:10]


def test_runs_of_other_kinds_are_not_results(store):
    tracker = Tracker(default_uri(store), store, "kinds")
    tracker.publish(replace(publication(), tags={**publication().tags, "harness.kind": "trial"}))
    assert read(default_uri(store), store, "kinds").cells.empty


def test_the_documents_of_a_kind_come_back_each_once_and_the_oldest_first(store):
    tracker = Tracker(default_uri(store), store, "documents")
    assert tracker.documents("study", "study.json") == []
    for key, text in (("one", b"first"), ("two", b"second"), ("three", None)):
        documents = {} if text is None else {"study.json": text}
        tracker.publish(replace(publication(key), tags={"harness.kind": "study"}, documents=documents))
    assert [one.text for one in tracker.documents("study", "study.json")] == ["first", "second"]
    assert tracker.documents("trial", "study.json") == []


def test_a_child_finds_its_parent_even_where_it_was_there_first(store):
    tracker = Tracker(default_uri(store), store, "family")
    child = replace(publication("child"), parent="parent")
    tracker.publish(child)
    tracker.publish(publication("parent"))
    tracker.publish(child)
    runs = {
        run.data.tags["harness.key"]: run for run in tracker.client.search_runs([tracker._experiment_id(create=False)])
    }
    assert runs["child"].data.tags["mlflow.parentRunId"] == runs["parent"].info.run_id
    assert "mlflow.parentRunId" not in runs["parent"].data.tags


@pytest.mark.parametrize(("elsewhere", "answers"), [(True, True), (True, False), (False, True)])
def test_machines_that_share_a_store_and_a_server_publish_one_after_the_other(
    tmp_path, monkeypatch, elsewhere, answers
):
    address = f"file://{tmp_path}/remote"
    (tmp_path / "REMOTE").write_text(address)
    held = []

    def publish(_tracker, _publication):
        held.append(remote_at(address).read("locks/publish") is not None)
        return True

    def fails(*_):
        raise RemoteError("the storage does not answer")

    monkeypatch.setattr(Tracker, "_publish", publish)
    if not answers:
        monkeypatch.setattr(Remote, "create", fails)
    uri = "http://127.0.0.1:9" if elsewhere else default_uri(tmp_path)
    assert Tracker(uri, tmp_path, "x").publish(publication())
    assert held == [elsewhere and answers]
    assert remote_at(address).read("locks/publish") is None
