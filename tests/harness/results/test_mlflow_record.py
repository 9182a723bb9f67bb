"""What the tracker keeps and gives back where files are damaged, stores are moved, and commands are killed."""

import json
import shutil
from dataclasses import replace

import pytest
from mlflow.entities import Metric

from harness.errors import MachineError
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.published import Publication, PublishedLevel
from harness.results.reading import experiments, read
from harness.results.run_files import LocalFiles
from harness.storage.databases import sqlite_uri

pytestmark = pytest.mark.slow

FILES = ("cell.json", "scores.csv", "mask.npz")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    place = tmp_path_factory.mktemp("record") / "store"
    Tracker(default_uri(place), place, "first").publish(publication())
    return place


def publication(*levels, entry="lt", key="k", **metrics):
    tags = {"kind": "result", "entry": entry, "method": "lt", "loss": "plain", "seed": "0", "group": "g"}
    return Publication(
        key=key,
        name=f"{entry} seed 0",
        tags={f"harness.{name}": value for name, value in tags.items()},
        params={"entry": entry},
        levels={density: level(density, auc, **metrics) for density, auc in levels or ((1.0, 0.8), (0.25, 0.7))},
        documents={"provenance.json": b'{"by": "us"}', "plan.json": b"{}"},
    )


def level(density, auc, **metrics):
    cell = {"density": density, "status": "done", "reason": "", "metrics": {"test/auc": auc, **metrics}}
    scores = f"split,id,label,score\r\ntest,x,1,{auc}\r\n".encode()
    files = dict(zip(FILES, (json.dumps(cell).encode(), scores, b"\x00\xff"), strict=True))
    return PublishedLevel(metrics=cell["metrics"], files=files, digest=json.dumps(cell))


def tracker(store, name):
    return Tracker(default_uri(store), store, name)


def results(store, name):
    return read(default_uri(store), store, name)


def aucs(store, name):
    return dict(results(store, name).cells[["density", "test/auc"]].itertuples(index=False))


def run_of(one):
    return one.client.search_runs([one._experiment_id(create=False)])[0]


def root_of(store, name):
    (root,) = (store / "artifacts" / name).glob("*/artifacts")
    return root


def points(one, metric="test/auc"):
    history = one.client.get_metric_history(run_of(one).info.run_id, metric)
    return sorted((point.step, point.value) for point in history)


def test_two_levels_of_one_step_are_both_published_and_neither_replaces_the_other(store):
    one = tracker(store, "neighbours")
    one.publish(publication((1.0, 0.8), (0.25, 0.7)))
    one.publish(publication((1.0, 0.8), (0.2500001, 0.6), (0.9999999, 0.5)))
    every = {1.0: 0.8, 0.9999999: 0.5, 0.2500001: 0.6, 0.25: 0.7}
    assert aucs(store, "neighbours") == every
    assert not one.publish(publication(*every.items()))
    assert points(one) == [(0, 0.5), (0, 0.8), (750_000, 0.6), (750_000, 0.7)]


def remove(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


@pytest.mark.parametrize("spoil", [remove, empty, cut, flip])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_the_rest_is_shown_and_publishing_logs_that_level_again(store, name, spoil):
    place = f"damaged {name} {spoil.__name__}"
    one = tracker(store, place)
    one.publish(publication())
    root = root_of(store, place)
    spoil(root / "levels" / "0.25" / name)
    found = results(store, place)
    (line,) = found.damage
    assert line.startswith(f"lt seed 0 (run {run_of(one).info.run_id}) at density 0.25: levels/0.25/{name} is ")
    assert found.cells["status"].tolist() == ["done", "failed"]
    assert found.scores["density"].tolist() == [1.0]
    whole = {path: path.stat().st_mtime_ns for path in (root / "levels" / "1.0").iterdir()}
    assert one.publish(publication())
    assert aucs(store, place) == {1.0: 0.8, 0.25: 0.7}
    assert results(store, place).damage == ()
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert points(one) == [(0, 0.8), (750_000, 0.7)]
    assert not one.publish(publication())


def test_a_level_whose_folder_is_gone_is_named(store):
    tracker(store, "folder").publish(publication())
    shutil.rmtree(root_of(store, "folder") / "levels" / "0.25")
    assert len(results(store, "folder").damage) == 1
    assert results(store, "folder").cells["status"].tolist() == ["done", "failed"]


@pytest.mark.parametrize("spoil", [remove, empty, cut])
def test_without_its_manifest_a_run_is_named_and_shown_and_mended_and_other_levels_stay(store, spoil):
    place = f"manifest {spoil.__name__}"
    one = tracker(store, place)
    one.publish(publication())
    spoil(root_of(store, place) / "manifest.json")
    (line,) = results(store, place).damage
    assert run_of(one).info.run_id in line
    assert "manifest.json is" in line
    assert aucs(store, place) == {1.0: 0.8, 0.25: 0.7}
    assert one.publish(publication((1.0, 0.8)))
    assert results(store, place).damage == ()
    assert aucs(store, place) == {1.0: 0.8, 0.25: 0.7}


@pytest.mark.parametrize("spoil", [remove, empty, flip])
@pytest.mark.parametrize("name", ["provenance.json", "plan.json"])
def test_a_damaged_document_is_named_and_mended(store, name, spoil):
    place = f"document {name} {spoil.__name__}"
    one = tracker(store, place)
    one.publish(publication())
    one.publish(publication(entry="snip", key="another"))
    run = run_of(one)
    spoil(store / "artifacts" / place / run.info.run_id / "artifacts" / name)
    found = results(store, place)
    assert [run.info.run_id in line and f"{name} is" in line for line in found.damage] == [True]
    assert len(found.cells) == 4  # the other run tells of the group
    assert found.groups["g"]["by"] == "us"
    for each in (publication(), publication(entry="snip", key="another")):
        one.publish(each)
    assert results(store, place).damage == ()


def test_a_group_without_any_provenance_is_named_and_not_shown(store):
    tracker(store, "nameless").publish(publication())
    remove(root_of(store, "nameless") / "provenance.json")
    found = results(store, "nameless")
    assert found.cells.empty
    assert found.groups == {}
    assert "provenance.json is missing" in found.damage[0]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_reads_and_writes_itself_alone_and_a_moved_store_is_whole(tmp_path):
    original, copy, moved = tmp_path / "original", tmp_path / "a copy?", tmp_path / "moved"
    tracker(original, "isic").publish(publication())
    shutil.copytree(original, copy)
    before = contents(original)
    remove(root_of(copy, "isic") / "levels" / "0.25" / "scores.csv")
    assert len(results(copy, "isic").damage) == 1
    assert tracker(copy, "isic").publish(publication((1.0, 0.8), (0.25, 0.7), (0.5, 0.75)))
    assert tracker(copy, "isic").publish(publication(entry="snip", key="another"))
    assert len(results(copy, "isic").cells) == 5
    assert contents(original) == before
    original.rename(moved)
    assert aucs(moved, "isic") == {1.0: 0.8, 0.25: 0.7}
    assert not tracker(moved, "isic").publish(publication())
    assert not original.exists()
    for place in (copy, moved):  # as MLflow's own page finds them
        one = tracker(place, "isic")
        for run in one.client.search_runs([one._experiment_id(create=False)]):
            root = place / "artifacts" / "isic" / run.info.run_id / "artifacts"
            assert run.info.artifact_uri == root.as_uri()
            assert (root / "manifest.json").is_file()


def test_a_command_killed_before_the_manifest_leaves_one_point_per_metric_and_step(store, monkeypatch):
    one = tracker(store, "killed")

    def killed(*_):
        raise KeyboardInterrupt

    for levels in [((1.0, 0.8),), ((1.0, 0.8), (0.25, 0.7))]:
        with monkeypatch.context() as patch:
            patch.setattr(LocalFiles, "write", killed)
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    one.publish(publication(*levels, odd=1 / 3))
        assert one.publish(publication(*levels, odd=1 / 3))
    assert points(one) == [(0, 0.8), (750_000, 0.7)]
    assert points(one, "odd") == [(0, 1 / 3), (750_000, 1 / 3)]


def test_a_level_that_was_computed_and_logged_again_keeps_one_point_of_its_cost(store):
    """Its stage and its manifest were lost: the same bits at another cost."""
    one = tracker(store, "costly")
    one.publish(publication(**{"cost/seconds": 2.0}))
    remove(root_of(store, "costly") / "manifest.json")
    assert one.publish(publication(**{"cost/seconds": 3.0}))
    assert points(one, "cost/seconds") == [(0, 2.0), (750_000, 2.0)]


def test_a_command_killed_after_the_manifest_is_finished_by_the_next(store, monkeypatch):
    one = tracker(store, "unfinished")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(one.client, "set_terminated", killed)
        with pytest.raises(KeyboardInterrupt):
            one.publish(publication())
    assert results(store, "unfinished").cells.empty
    assert one.publish(publication())
    assert aucs(store, "unfinished") == {1.0: 0.8, 0.25: 0.7}
    assert points(one) == [(0, 0.8), (750_000, 0.7)]
    assert not one.publish(publication())


def test_five_hundred_levels_come_back_and_are_logged_once(store):
    one = tracker(store, "many")
    levels = {(500 - step) / 500: step / 1000 for step in range(500)}
    assert one.publish(publication(*levels.items()))
    assert not one.publish(publication(*levels.items()))
    assert aucs(store, "many") == levels
    assert len(points(one)) == 500


def test_an_entrys_text_comes_back_whole_however_long(store):
    entry = "lt[" + "x" * 20_000 + "]"
    one = tracker(store, "long")
    assert one.publish(publication(entry=entry))
    assert not one.publish(publication(entry=entry))
    assert set(results(store, "long").cells["entry"]) == {entry}


def as_before_manifests(one, published):
    """Log a publication as a harness did that named folders by step and listed them in a tag."""
    experiment = one._experiment_id(create=True)
    digests = {str(round((1 - d) * 1e6)): each.digest for d, each in published.levels.items()}
    tags = {**published.tags, "harness.key": published.key, "harness.levels": json.dumps(digests)}
    run = one.client.create_run(experiment, tags=tags).info.run_id
    files = dict(published.documents)
    for density, each in published.levels.items():
        step = round((1 - density) * 1e6)
        one.client.log_batch(run, metrics=[Metric(name, value, 1, step) for name, value in each.metrics.items()])
        files |= {f"levels/{step:06d}/{name}": content for name, content in each.files.items()}
    LocalFiles(one.store / "artifacts" / one.experiment / run / "artifacts").write(files)
    one.client.set_terminated(run)


def test_a_run_of_an_older_harness_is_read_and_gets_hashes_when_it_is_published_again(store):
    one = tracker(store, "older")
    older = publication((1.0, 0.8), (1 / 3, 0.7))
    as_before_manifests(one, older)
    assert aucs(store, "older") == {1.0: 0.8, 1 / 3: 0.7}
    assert results(store, "older").damage == ()
    assert one.publish(publication((1.0, 0.8), (0.25, 0.6)))
    assert aucs(store, "older") == {1.0: 0.8, 1 / 3: 0.7, 0.25: 0.6}
    assert one.publish(older)
    assert not one.publish(publication((1.0, 0.8), (1 / 3, 0.7), (0.25, 0.6)))
    assert points(one) == [(0, 0.8), (666_667, 0.7), (750_000, 0.6)]
    flip(root_of(store, "older") / "levels" / "666667" / "mask.npz")
    assert "levels/666667/mask.npz is not as it was logged" in results(store, "older").damage[0]


@pytest.mark.parametrize("spoil", [remove, empty])
def test_a_damaged_file_of_an_older_harness_is_named_too(store, spoil):
    place = f"older {spoil.__name__}"
    as_before_manifests(tracker(store, place), publication())
    spoil(root_of(store, place) / "levels" / "750000" / "scores.csv")
    found = results(store, place)
    assert "density 0.25" in found.damage[0]
    assert found.cells["status"].tolist() == ["done", "failed"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A database that is not the store's: MLflow's own client brings the files."""
    monkeypatch.chdir(tmp_path)
    uri = sqlite_uri(tmp_path / "elsewhere.db")
    return uri, Tracker(uri, tmp_path / "store", "isic")


def test_elsewhere_a_damaged_file_is_named_and_mended_too(elsewhere, tmp_path):
    uri, one = elsewhere
    assert one.publish(publication())
    assert not one.publish(publication())
    (path,) = tmp_path.rglob("levels/0.25/scores.csv")
    for spoil in (flip, remove):
        spoil(path)
        found = read(uri, tmp_path / "store", "isic")
        assert "at density 0.25: levels/0.25/scores.csv is" in found.damage[0]
        assert found.cells["status"].tolist() == ["done", "failed"]
        assert one.publish(publication())
        assert read(uri, tmp_path / "store", "isic").damage == ()
    assert not (tmp_path / "store" / "artifacts").exists()


def test_an_experiment_deleted_in_mlflow_is_told_with_what_restores_it(store):
    one = tracker(store, "deleted")
    one.publish(publication())
    number = one._experiment_id(create=False)
    one.client.delete_experiment(number)
    assert "deleted" not in experiments(default_uri(store), store)  # others have results
    for act in (lambda: results(store, "deleted"), lambda: one.publish(publication())):
        with pytest.raises(MachineError, match="was deleted in MLflow") as told:
            act()
        assert f"mlflow experiments restore --experiment-id {number}" in told.value.fix
        assert default_uri(store) in told.value.fix
    one.client.restore_experiment(number)
    assert aucs(store, "deleted") == {1.0: 0.8, 0.25: 0.7}
    assert not one.publish(publication())


def test_a_damaged_study_is_named(store):
    one = tracker(store, "study")
    study = replace(publication(), tags={"harness.kind": "study"}, documents={"study.json": b"{}"})
    one.publish(study)
    flip(root_of(store, "study") / "study.json")
    assert "study.json is not as it was logged" in results(store, "study").damage[0]
