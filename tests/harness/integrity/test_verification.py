"""Whatever is changed in a record afterwards is found, also where every hash was made to fit."""

import json
import os
import sqlite3

import pytest

from harness.integrity.run_check import RunCheck
from harness.integrity.verification import verify_results, verify_stages
from harness.results.mlflow_tracker import default_uri

pytestmark = pytest.mark.slow


def found(store, *run_ids):
    return verify_results(default_uri(store), store, run_ids)


def differences(store, *run_ids):
    return [str(one) for one in found(store, *run_ids).differences]


def test_an_honest_store_has_no_difference_and_all_of_it_was_looked_at(honest):
    verified = found(honest)
    assert verified.differences == []
    levels = [level for run in verified.runs for level in run.levels]
    assert len(verified.runs) == 4
    assert len(levels) == 6
    for level in levels:
        assert level.figures.keys() >= {"test/auc", "validation/fn/sens95", "threshold/youden", "validation/sd"}
        of_scores = [name for name in level.record.metrics if name.startswith(("test/", "validation/", "threshold/"))]
        assert level.figures.keys() == set(of_scores)
    assert verified.counts["files"] == 4 * 2 + 3 * 6 - 4  # two documents a run; levels at density 1 have no mask


def test_a_run_that_is_named_is_looked_at_alone(honest, forger):
    assert [run.run.run_id for run in found(honest, forger.run_id).runs] == [forger.run_id]


@pytest.mark.parametrize("name", ["cell.json", "scores.csv", "mask.npz"])
@pytest.mark.parametrize("deed", ["cut", "flip", "empty", "remove"])
def test_a_file_that_is_not_as_it_was_logged_is_named(copied, forger, name, deed):
    path = forger.level() / name
    content = path.read_bytes()
    if deed == "remove":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-1], "flip": bytes([content[0] ^ 1]) + content[1:], "empty": b""}[deed])
    (line,) = [one for one in differences(copied) if name in one]
    assert line.startswith(f"magnitude seed 0 (run {forger.run_id}): density 0.25: ")


@pytest.mark.parametrize(
    "name", ["test/auc", "validation/fn/sens95", "threshold/sens95", "validation/sd", "test/ece", "test/sensitivity"]
)
def test_a_figure_that_its_scores_do_not_give_is_named_though_all_hashes_fit(copied, forger, name):
    cell = forger.cell()
    honestly = cell["metrics"][name]
    cell["metrics"][name] = honestly + 1
    forger.rewrite("cell.json", json.dumps(cell).encode())
    told = differences(copied)
    assert any(f"{name} is recorded as {honestly + 1!r}, its scores give {honestly!r}" in one for one in told)


def test_the_probe_is_no_collapse_however_little_it_spreads(honest, monkeypatch):
    """Beside the dense network's spread it would be one: here as if that were a thousand times as wide."""
    spread = RunCheck.dense_spread.fget
    wide = property(lambda check: None if (own := spread(check)) is None else 1000 * own)
    monkeypatch.setattr(RunCheck, "dense_spread", wide)
    told = differences(honest)
    assert {line.partition(" ")[0].partition("[")[0] for line in told} == {"dense", "magnitude", "snip"}


def test_a_collapse_that_is_hidden_is_found_beside_the_dense_networks_spread(copied, forger):
    cell = forger.cell()
    cell["metrics"]["flag/collapsed"] = 1 - cell["metrics"]["flag/collapsed"]
    forger.rewrite("cell.json", json.dumps(cell).encode())
    assert any("flag/collapsed is recorded as 1.0, its scores give 0.0" in one for one in differences(copied))


def test_a_better_score_of_one_positive_is_found_though_all_hashes_fit(copied, forger):
    lines = (forger.level() / "scores.csv").read_text().splitlines(keepends=True)
    index = next(i for i, line in enumerate(lines) if line.startswith("test,") and line.split(",")[2] == "1")
    lines[index] = ",".join([*lines[index].split(",")[:3], "1000.0\r\n"])
    forger.rewrite("scores.csv", "".join(lines).encode())
    assert any("test/auc is recorded as" in one for one in differences(copied))


def test_a_label_that_was_turned_is_found_by_the_counts_and_by_the_other_runs(copied, forger):
    text = (forger.level() / "scores.csv").read_text()
    lines = text.splitlines(keepends=True)
    index = next(i for i, line in enumerate(lines) if line.startswith("test,") and line.split(",")[2] == "1")
    split, identity, _, score = lines[index].split(",")
    lines[index] = ",".join([split, identity, "0", score])
    forger.rewrite("scores.csv", "".join(lines).encode())
    told = differences(copied)
    assert any("images of test, provenance.json says" in one for one in told)
    assert any("other images or labels of test than" in one for one in told)


def test_a_mask_that_leaves_other_weights_than_it_says_is_found(copied, forger):
    cell = forger.cell()
    name, (left, alive, total) = next(iter(cell["layers"].items()))
    cell["layers"][name] = [left - 1, alive, total]
    forger.rewrite("cell.json", json.dumps(cell).encode())
    assert any(f"leaves {left:,} weights of {name}" in one for one in differences(copied))


def test_another_density_in_the_place_of_a_level_is_found(copied, forger):
    cell = forger.cell()
    forger.rewrite("cell.json", json.dumps({**cell, "density": 0.26}).encode())
    assert any("cell.json is of density 0.26, not 0.25" in one for one in differences(copied))


def test_a_level_from_before_the_cut_deployed_is_held_to_what_it_has(copied, forger):
    forger.age(copied)
    assert differences(copied) == []
    cell = forger.cell()
    cell["metrics"]["test/auc"] += 1
    forger.rewrite("cell.json", json.dumps(cell).encode())
    assert any("test/auc is recorded as" in one for one in differences(copied))


def test_a_figure_that_is_taken_away_is_found(copied, forger):
    cell = forger.cell()
    del cell["metrics"]["test/fn/deployed"]
    forger.rewrite("cell.json", json.dumps(cell).encode())
    assert any("test/fn/deployed is recorded as None" in one for one in differences(copied))


def test_the_cut_is_chosen_anew_by_the_runs_own_terms(copied, forger):
    provenance = json.loads((forger.place / "provenance.json").read_text())
    provenance["verdict"]["sensitivity"] = 0.5
    forger.rewrite_document("provenance.json", json.dumps(provenance).encode())
    told = differences(copied)
    assert any("threshold/deployed is recorded as" in one for one in told)
    assert any("provenance.json has the terms" in one and "plan.json" in one for one in told)


def test_a_test_part_that_its_scores_are_not_of_is_found(copied, forger):
    provenance = json.loads((forger.place / "provenance.json").read_text())
    forger.rewrite_document("provenance.json", json.dumps({**provenance, "test_part": "0" * 16}).encode())
    assert any("its test images are not those that provenance.json names" in one for one in differences(copied))


@pytest.mark.parametrize("verdict", [{"sensitivity": 2}, {"margin": 0.1}, None, 3])
def test_terms_that_cannot_be_are_a_difference_not_an_error(copied, forger, verdict):
    provenance = json.loads((forger.place / "provenance.json").read_text())
    forger.rewrite_document("provenance.json", json.dumps({**provenance, "verdict": verdict}).encode())
    assert any("terms of a verdict that cannot be" in one for one in differences(copied))


HEAD = b"split,id,label,score\r\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.csv", HEAD + b"test,a,1,much\r\n"),
        ("scores.csv", HEAD + b"\r\n"),
        ("scores.csv", HEAD + b"test,a\r\n"),
        ("scores.csv", HEAD + b"validation,a,1,0.5\r\nvalidation,b,1,0.25\r\n"),  # one class
        ("scores.csv", HEAD + b"validation,a,1,nan\r\nvalidation,b,0,0.25\r\n"),
        ("scores.csv", HEAD + b"validation,a,1,0.5\r\nvalidation,a,0,0.25\r\n"),  # twice
        ("scores.csv", b""),
        ("scores.csv", b"\xff\xfe"),
        ("mask.npz", b"PK\x03\x04no archive"),
        ("mask.npz", b"\x80\x04."),  # a pickle
    ],
)
def test_a_broken_file_whose_hash_fits_is_a_difference_not_an_error(copied, forger, name, content):
    forger.rewrite(name, content)
    assert any("density 0.25: levels/0.25 cannot be read (" in one for one in differences(copied))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"group": 1', b"{}", b'{"counts": 3}'])
def test_a_broken_provenance_whose_hash_fits_is_a_difference_not_an_error(copied, forger, content):
    forger.rewrite_document("provenance.json", content)
    assert any("provenance.json is of group None" in one for one in differences(copied))


def test_a_figure_that_was_changed_in_mlflow_alone_is_found(copied, forger):
    with sqlite3.connect(copied / "mlflow.db") as database:
        database.execute(
            "update metrics set value = 0.99 where key = 'test/auc' and step = 750000 and run_uuid = ?",
            [forger.run_id],
        )
    assert any("MLflow has test/auc = 0.99 at step 750000, cell.json has" in one for one in differences(copied))


def test_a_point_that_is_in_mlflow_twice_and_one_that_no_level_has_are_found(copied, forger):
    with sqlite3.connect(copied / "mlflow.db") as database:
        database.execute(
            "insert into metrics select key, value, timestamp + 1, run_uuid, step, is_nan from metrics"
            " where key = 'test/auc' and step = 750000 and run_uuid = ?",
            [forger.run_id],
        )
        database.execute(
            "insert into metrics select key, value, timestamp, run_uuid, 990000, is_nan from metrics"
            " where key = 'test/ap' and step = 750000 and run_uuid = ?",
            [forger.run_id],
        )
    told = differences(copied)
    assert any("MLflow has test/auc at step 750000 2 times" in one for one in told)
    assert any("at step 990000, cell.json has nothing" in one for one in told)


def test_a_run_that_goes_under_another_name_is_found(copied, forger):
    with sqlite3.connect(copied / "mlflow.db") as database:
        database.execute(
            "update tags set value = 'snip' where key = 'harness.method' and run_uuid = ?", [forger.run_id]
        )
    assert any(
        "MLflow has the tag harness.method = 'snip', manifest.json has 'magnitude'" in one
        for one in differences(copied)
    )


def test_another_groups_provenance_is_found(copied, forger):
    provenance = json.loads((forger.place / "provenance.json").read_text())
    forger.rewrite_document("provenance.json", json.dumps({**provenance, "group": "other"}).encode())
    assert any("provenance.json is of group other" in one for one in differences(copied))


@pytest.mark.parametrize("deed", ["flip", "cut", "remove", "swap"])
def test_every_stage_of_a_store_is_held_against_its_hashes_and_its_key(copied, deed):
    verified = found(copied)
    verify_stages(copied, verified)
    assert verified.differences == []
    assert verified.stages == len(list(copied.glob("stages/??/*"))) > 5
    first, second = sorted(copied.glob("stages/??/*"))[:2]
    path = first / "tensors.safetensors"
    content = path.read_bytes()
    if deed == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif deed == "cut":
        path.write_bytes(content[:-1])
    elif deed == "remove":
        path.unlink()
    else:
        for name in ("manifest.json", "value.json", "tensors.safetensors"):
            (first / name).write_bytes((second / name).read_bytes())
    verify_stages(copied, verified)
    (line,) = verified.differences
    assert first.name[:12] in line.where
    if deed == "swap":
        assert f"holds the stage {second.name}" in line.what


def test_a_bit_that_flipped_in_the_mapped_images_is_found_though_their_time_is_the_old_one(copied):
    (path,) = copied.glob("stages/??/*/images.u8")
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    verified = found(copied)
    verify_stages(copied, verified)
    (line,) = verified.differences
    assert path.parent.name[:12] in line.where
    assert "images.u8 does not have the sha256 it was committed with" in line.what
