import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sqlalchemy

from harness.errors import MachineError, UsageError
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.published import Publication
from harness.storage.databases import (
    change,
    checked_address,
    create_database,
    engine_options,
    local_remedy,
    open_database,
    sqlite_file,
    sqlite_uri,
)
from harness.tuning.lease import Lease
from harness.tuning.studies import StudyDatabase


def fill(uri):
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("create table t (x)")
    database.close()


def test_an_address_is_read_back_as_its_file(tmp_path):
    assert sqlite_file(sqlite_uri(tmp_path / "a.db")) == tmp_path / "a.db"
    assert sqlite_file("sqlite:///a.db") == Path.cwd() / "a.db"
    assert sqlite_file("sqlite://") is None
    assert sqlite_file("sqlite:///file:a.db?uri=true") is None
    assert sqlite_file("sqlite:///:memory:") is None
    assert sqlite_file("https://example.org/mlflow") is None
    assert sqlite_file("postgresql://host/name") is None


NAMES = [
    "q?mark",
    "per%20cent",
    "100%",
    "ha#sh",
    "cur{ly}",
    "co:lon",
    "sp ace",
    "ünïcødé",
    "a@b",
    "a&b=c;d",
    "'\"\\[s]",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_folder_is_its_own_file(tmp_path, name):
    place = tmp_path / name
    place.mkdir()
    uri = sqlite_uri(place / "a.db")
    assert sqlite_file(uri) == place / "a.db"
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as database:
        database.execute(sqlalchemy.text("create table t (x)"))
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in place.iterdir()] == ["a.db"]


def test_a_name_that_is_not_utf_8_is_refused():
    with pytest.raises(UsageError, match=r"caf\\udce9' is not UTF-8"):
        sqlite_uri(Path(os.fsdecode(b"caf\xe9")))


@pytest.mark.slow
def test_mlflow_and_optuna_keep_every_file_in_a_folder_of_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "q?m per%20cent%25 #{x} ü:co & 'q' \\b [1] +;@"
    tracker = Tracker(default_uri(store), store, "isic")
    one = Publication(key="k", name="n", tags={}, params={}, levels={}, documents={"plan.json": b"{}"})
    assert tracker.publish(one)
    assert not tracker.publish(one)
    StudyDatabase(None, store, Lease(store))
    assert [path.name for path in tmp_path.iterdir()] == [store.name]
    assert {path.name for path in store.iterdir()} >= {"mlflow.db", "artifacts", "tuning"}
    assert (store / "tuning" / "studies.db").is_file()


def test_a_database_is_created_once_and_other_addresses_are_left_alone(tmp_path):
    uri, calls = sqlite_uri(tmp_path / "new" / "a.db"), []
    for _ in range(2):
        create_database(uri, lambda given: (calls.append(given), fill(given)))
    create_database("https://example.org", calls.append)
    assert len(calls) == 1
    assert calls[0] != uri
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.db", "a.lock"]


def test_a_creation_cut_off_leaves_no_database_and_the_next_succeeds(tmp_path):
    uri = sqlite_uri(tmp_path / "a.db")

    def torn(given):
        fill(given)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_database(uri, torn)
    assert not (tmp_path / "a.db").exists()
    create_database(uri, fill)  # "table t already exists" if it went on with the torn file
    assert (tmp_path / "a.db").exists()


def test_text_with_flipped_bits_in_a_sound_file_is_told_to_be_restored(tmp_path):
    uri = sqlite_uri(tmp_path / "a.db")
    create_database(uri, fill)
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xe5 ".decode()
    assert f"restore {tmp_path / 'a.db'} from a copy" in local_remedy(uri, caught.value)


def test_an_emptied_database_is_refused_and_not_taken_for_a_new_one(tmp_path):
    path = tmp_path / "a.db"
    path.touch()
    with pytest.raises(MachineError, match="is empty") as caught:
        create_database(sqlite_uri(path), fill)
    assert f"restore {path} from a copy, or move it away" in caught.value.fix
    assert not path.stat().st_size


def test_a_folder_that_takes_no_file_is_a_machine_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError):
        create_database(sqlite_uri(tmp_path / "file" / "a.db"), fill)


@pytest.mark.slow
@pytest.mark.parametrize("statements", [1, 8, 60, 200])
def test_a_kill_in_the_middle_of_mlflows_schema_does_not_break_the_store(tmp_path, commands, statements):
    """SIGKILL after so many SQL statements, then the next process opens the same store."""
    code = f"""
        import os, signal, sqlalchemy
        from pathlib import Path
        from harness.results.mlflow_tracker import Tracker, default_uri
        seen = []
        @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
        def count(*_):
            seen.append(1)
            if len(seen) == {statements}:
                os.kill(os.getpid(), signal.SIGKILL)
        store = Path({str(tmp_path)!r})
        Tracker(default_uri(store), store, "x").read()
    """
    killed = commands.python(textwrap.dedent(code), tmp_path).result()
    assert killed.returncode == -9, killed.stderr
    assert Tracker(default_uri(tmp_path), tmp_path, "x").read() == []


def test_a_broken_database_is_a_machine_error_and_not_a_traceback(tmp_path):
    fill(default_uri(tmp_path))
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table experiments (x)")
        database.execute("create table alembic_version (version_num)")
    database.close()
    with pytest.raises(MachineError, match="MLflow"):
        Tracker(default_uri(tmp_path), tmp_path, "x").read()


def garble(path):
    path.write_bytes(b"garbage" * 100)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [garble, cut, replace_by_a_folder])
def test_a_broken_file_is_told_with_what_restores_it(tmp_path, spoil):
    path = tmp_path / "a.db"
    fill(sqlite_uri(path))
    assert "check the disk" in local_remedy(sqlite_uri(path), OSError("disk I/O error"))
    spoil(path)
    with pytest.raises(MachineError, match="MLflow") as told:
        Tracker(sqlite_uri(path), tmp_path, "x").read()
    assert f"restore {path} from a copy, or move it away" in told.value.fix


def test_a_remedy_goes_by_what_went_wrong(tmp_path):
    uri = sqlite_uri(tmp_path / "a.db")
    fill(uri)
    assert "move it away" in local_remedy(uri, sqlite3.OperationalError("no such table: runs"))
    assert f"mlflow db upgrade {uri}" in local_remedy(uri, ValueError("Detected out-of-date database schema (...)"))
    assert local_remedy("postgresql://host/x", ValueError("no such table")) == ""
    with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as holder:
        holder.execute("begin exclusive")
        holder.execute("insert into t values (1)")
        assert "no other program" in local_remedy(uri, ValueError("database is locked"))
    holder.close()


def test_a_change_is_made_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.db"
    fill(sqlite_uri(path))
    insert = "insert into t values (?)"
    with pytest.raises(sqlite3.Error):
        change(path, {insert: (1,), "insert into absent values (?)": (2,)})
    change(path, {insert: (3,)})
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("select x from t").fetchall() == [(3,)]
    with pytest.raises(sqlite3.Error):
        change(tmp_path / "absent.db", {insert: (1,)})
    assert not (tmp_path / "absent.db").exists()


def test_a_database_that_a_kill_left_in_the_middle_opens(tmp_path):
    """What SQLite rolls back needs a file that may be written; a look that may not would call it broken."""
    code = f"""
        import os, signal, sqlite3
        database = sqlite3.connect({str(tmp_path / "a.db")!r}, isolation_level=None)
        database.execute("create table t (x)")
        database.execute("pragma cache_size = 1")
        database.execute("begin")
        database.executemany("insert into t values (?)", [("x" * 1000,)] * 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-P", "-c", textwrap.dedent(code)], check=False)
    assert (tmp_path / "a.db-journal").stat().st_size
    open_database(sqlite_uri(tmp_path / "a.db"))
    assert "check the disk" in local_remedy(sqlite_uri(tmp_path / "a.db"), OSError())


def test_drivers_get_only_options_that_they_know():
    assert engine_options("sqlite:///a.db")["connect_args"].keys() == {"timeout"}
    assert engine_options("postgresql://h/x")["connect_args"].keys() == {"connect_timeout"}
    assert "connect_args" not in engine_options("postgresql+pg8000://h/x")
    with pytest.raises(UsageError, match="not a database address"):
        checked_address("postgresql://h:port/x")
