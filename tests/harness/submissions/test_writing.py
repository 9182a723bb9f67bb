"""A bundle holds what MLflow holds, and nothing secret or local."""

import getpass
import hashlib
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import harness
from harness.errors import DataError, UsageError
from harness.outgoing.secrets import remember
from harness.results import names, reading
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.submissions.bundle import Bundle
from harness.submissions.reading import read
from harness.submissions.verification import verify_bundle
from harness.submissions.writing import Submitter, write_bundle


def test_every_file_of_every_run_is_there_with_its_size_and_hash(drawn, tools, tmp_path):
    results = drawn().design(["lt", "random"])
    members = tools.members(results.bundle(tmp_path / "b.zip"))
    kept = {
        f"runs/{run.run_id}/{name}": content for run in results.recorded() for name, content in run.files.files.items()
    }
    told = json.loads(members.pop("bundle.json"))
    assert members == kept
    assert told["members"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in kept.items()
    }
    assert {name: told[name] for name in ("format", "schema", "harness", "author", "code", "date", "dataset")} == {
        "format": "prune-harness/bundle",
        "schema": 1,
        "harness": harness.__version__,
        "author": "Ann Example",
        "code": "https://example.org/ann",
        "date": "2023-11-14",
        "dataset": "spots",
    }


def test_the_same_results_give_the_same_bytes_in_any_order_of_reading(drawn, tmp_path):
    first = drawn().design(["lt", "random"]).bundle(tmp_path / "a.zip").read_bytes()
    assert drawn().design(["lt", "random"]).bundle(tmp_path / "b.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        listed = archive.namelist()
    assert listed == ["bundle.json", *sorted(listed[1:])]


@pytest.fixture
def logged(drawn, tmp_path):
    """A store whose MLflow has drawn runs."""
    results = drawn(folds=2).design(["lt"], failed=[("lt", 0.25)])
    tracker = Tracker(default_uri(tmp_path / "store"), tmp_path / "store", "spots")
    for publication in results.runs.values():
        tracker.publish(publication)
    return tracker


@pytest.mark.slow
def test_results_of_a_bundle_are_those_of_the_store(logged, tmp_path):
    write_bundle(logged, tmp_path / "b.zip", Submitter(author="Ann"))
    with Bundle(tmp_path / "b.zip") as bundle:
        assert verify_bundle(bundle).differences == []
        found = read(bundle)
    kept = reading.read(logged.uri, logged.store, "spots")
    assert kept.cells["status"].tolist() == ["done", "done", "failed"] * 2
    pd.testing.assert_frame_equal(found.cells, kept.cells)
    pd.testing.assert_frame_equal(found.scores, kept.scores)
    assert (found.experiment, found.groups, found.studies, found.damage) == ("spots", kept.groups, (), ())


def test_a_study_travels_with_the_results(drawn, tools, tmp_path):
    record = (Path(__file__).parents[1] / "results" / "study.json").read_bytes()
    results = drawn().design(["lt"])
    study = results.recorded()[0]
    manifest = type(study.manifest)(documents=hashed({names.STUDY_FILE: record}), tags={names.KIND: names.STUDY})
    files = type(study.files)({names.STUDY_FILE: record, names.MANIFEST: manifest.to_bytes()})
    added = type(study)("f" * 32, {names.KIND: names.STUDY, names.KEY: "a" * 64}, None, manifest, files)
    recorded = results.recorded()
    results.recorded = lambda: [*recorded, added]
    with Bundle(results.bundle(tmp_path / "b.zip")) as bundle:
        assert verify_bundle(bundle).counts["runs"] == 3
        assert [one.study for one in read(bundle).studies] == [json.loads(record)["study"]]


def hashed(files):
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_masks_stay_behind_unless_asked_for_and_their_hash_goes(drawn, tools, tmp_path):
    results = drawn().design(["lt"], densities=(0.5,))
    recorded = results.recorded()
    run = recorded[1]
    run.files.files["levels/0.5/mask.npz"] = b"no mask"
    level = run.manifest.levels[0.5]
    object.__setattr__(level, "sha256", {**level.sha256, **hashed({"mask.npz": b"no mask"})})
    run.files.files[names.MANIFEST] = run.manifest.to_bytes()
    from harness.submissions.writing import outgoing

    without, whole = outgoing(run, masks=False), outgoing(run, masks=True)
    assert "levels/0.5/mask.npz" not in without
    assert without[names.MANIFEST] == whole[names.MANIFEST]
    assert whole["levels/0.5/mask.npz"] == b"no mask"


def test_nothing_secret_or_local_goes_out(drawn, tools, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada lovelace")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    remember("https://ada:S3CRETword@mlflow.example.org?token=T0KEN99")
    entry = "lt[start=/home/ada lovelace/secret/w.pt]"
    command = "harness run --tracking-uri https://ada:S3CRETword@mlflow.example.org --store /home/ada lovelace/st"
    results = drawn().run(names.DENSE, densities=(1.0,), command=command).run(entry, command=command)
    path = results.bundle(tmp_path / "b.zip", author="Ada /home/ada lovelace/x", code="https://ada:S3CRETword@c.org/me")
    with Bundle(path) as bundle:
        assert verify_bundle(bundle).differences == []
        assert bundle.facts.code == "https://c.org/me"
    text = b"".join(tools.members(path).values())
    assert b"harness run --tracking-uri https://mlflow.example.org" in text
    assert not [word for word in (b"S3CRET", b"T0KEN", b"lovelace", b"/home") if word in text]


def test_results_that_do_not_verify_are_not_bundled(drawn, tmp_path):
    results = drawn().design(["lt"])
    recorded = results.recorded()
    results.recorded = lambda: recorded
    files = recorded[1].files.files
    files["levels/0.25/scores.csv"] = files["levels/0.25/scores.csv"].replace(b"test,", b"test, ", 1)
    with pytest.raises(DataError, match=r"not fit to be bundled[\s\S]*levels/0.25/scores.csv is not as it was logged"):
        results.bundle(tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_ids_that_are_paths_of_this_machine_are_not_bundled(drawn, tmp_path):
    with pytest.raises(DataError, match="ids of images hold paths of this machine"):
        drawn(prefix="/home/ada/").design(["lt"]).bundle(tmp_path / "b.zip")


def test_without_results_there_is_no_bundle(drawn, tmp_path):
    with pytest.raises(UsageError, match="no results of 'spots'"):
        drawn().bundle(tmp_path / "b.zip")


def test_only_a_bundle_is_written_over(drawn, tmp_path):
    results = drawn().design(["lt"])
    results.bundle(tmp_path / "b.zip")
    results.bundle(tmp_path / "b.zip", author="Bob")
    (tmp_path / "mine.zip").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is no bundle"):
        results.bundle(tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_bytes() == b"mine"
