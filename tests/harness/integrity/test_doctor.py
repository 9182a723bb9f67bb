"""What the doctor says of machines and stores that are well, and of those that are not."""

import errno
import fcntl
import json

import pytest

from harness.errors import MachineError
from harness.integrity import machine
from harness.integrity.doctor import Places, examine
from harness.integrity.finding import Finding, examined
from harness.integrity.plugin_check import foreign_plugins
from harness.storage.mirror import local_folder_of
from harness.storage.remote import Remote, RemoteError
from harness.storage.store import Store

pytestmark = pytest.mark.slow


def findings(store, data=None, **places):
    return list(examine(Places(data or store / "data", store, **places)))


def of(found, subject):
    return [one for one in found if one.subject == subject]


def bad(found):
    return [one for one in found if one.verdict == "bad"]


def test_a_machine_that_passes_its_tests_is_well(honest):
    found = findings(honest)
    assert bad(found) == []
    assert {one.subject for one in found} >= {
        *("packages", "processor", "devices", "disk", "data", "weights", "store", "mlflow", "studies")
    }
    assert "with results of isic-sim" in of(found, "mlflow")[0].text
    stages = len(list(honest.glob("stages/??/*")))
    assert of(found, "store")[0].text.startswith(f"{stages} stages, ")


def test_a_place_where_nothing_is_yet_is_well_and_stays_empty(tmp_path):
    found = findings(tmp_path / "store")
    assert bad(found) == []
    assert list(tmp_path.iterdir()) == []
    assert "none yet" in of(found, "store")[0].text


def test_nothing_is_changed_by_looking(copied):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.suffix in (".json", ".csv", ".npz")}
    findings(copied)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_torn_stage_is_named(copied):
    torn = sorted(copied.glob("stages/??/*"))[0]
    (torn / "manifest.json").write_text("{")
    (told,) = bad(findings(copied))
    assert (told.subject, told.text) == ("store", f"{torn} is torn")


def test_object_storage_that_answers_and_that_does_not_and_what_is_not_there_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(local_folder_of(f"file://{tmp_path}/remote"))
    store.run("kind", 0, lambda _: 1)
    assert of(findings(store.root), "store")[1][1:3] == ("ok", f"it mirrors file://{tmp_path}/remote, which answers")
    late = store.run("kind", 1, lambda _: 2).key
    store.shared.begin(late)
    told = of(findings(store.root), "store")[1]
    assert (told.verdict, told.text) == ("note", f"1 stages are here and not yet in file://{tmp_path}/remote")

    def denied(*_):
        raise RemoteError("it refuses access", fix="be somebody else")

    monkeypatch.setattr(Remote, "read", denied)
    (told,) = bad(findings(store.root))
    assert (told.subject, told.text, told.remedy) == ("store", "it refuses access", "be somebody else")


def test_a_broken_results_database_is_told_with_what_restores_it(copied):
    (copied / "mlflow.db").write_bytes(b"not a database at all, but long enough to be one" * 100)
    (told,) = bad(findings(copied))
    assert told.subject == "mlflow"
    assert "move it away" in told.remedy


def test_a_broken_study_database_is_told(copied):
    (copied / "tuning").mkdir()
    (copied / "tuning" / "studies.db").write_bytes(b"nor is this" * 1000)
    (told,) = bad(findings(copied))
    assert told.subject == "studies"


def test_an_incomplete_data_set_is_named_with_what_completes_it(tmp_path, isic_folder):
    image = sorted(isic_folder.rglob("*.[jp][pn]g"))[0]
    image.unlink()
    told = of(findings(tmp_path / "store", data=isic_folder), "data")
    assert any(one.verdict == "note" and "isic lacks images: test: 23 of 24 images" in one.text for one in told)


def test_a_package_of_another_version_is_named_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(
        machine, "requires", lambda _: ["torch>=99", "no-such-package>=1", "numpy>=2", "x; extra == 'test'"]
    )
    told = {one.remedy for one in machine.packages()}
    assert told == {"pip install 'torch>=99'", "pip install 'no-such-package>=1'"}


def test_a_plugin_of_another_distribution_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[harness.pruners]\nbroken = broken_at_import:It\n")
    (tmp_path / "broken_at_import.py").write_text("import os; os._exit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    (told,) = bad(foreign_plugins())
    assert "broken of broken 1.0" in told.text
    assert "exit code 7" in told.text
    assert told.remedy == "mend or uninstall broken"


def test_a_disk_without_room_and_one_without_locks_are_bad(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10**9})())
    assert [one.verdict for one in machine.folder("disk", tmp_path)] == ["bad"]

    def refuses(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuses)
    (told,) = bad(findings(tmp_path / "store"))
    assert "has no file locks" in told.text


def test_what_an_examination_raises_is_a_finding_and_the_others_go_on():
    def raises():
        yield Finding("disk", "ok", "seen")
        raise MachineError("it is gone", fix="bring it back")

    def breaks():
        raise RuntimeError("by nobody's design")
        yield

    assert list(examined("disk", raises))[1] == Finding("disk", "bad", "it is gone", "bring it back")
    assert "RuntimeError: by nobody's design" in next(examined("disk", breaks)).text


def test_the_command_ends_with_6_where_something_must_be_mended(copied, harness):
    assert json.loads(harness("doctor", "--store", copied, "--json", cwd=copied, check=0).stdout)
    torn = sorted(copied.glob("stages/??/*"))[0]
    (torn / "manifest.json").unlink()
    result = harness("doctor", "--store", copied, cwd=copied, check=6)
    assert f"BAD  store     {torn} is torn" in result.stdout
    assert "run the same command again" in result.stdout
