"""`harness store` of a mirror whose storage does not answer: what is here is shown all the same."""

import json

import pytest

from harness.cli.main import main
from harness.storage.mirror import MARK
from harness.storage.remote import Remote, RemoteError
from harness.storage.store import Store


@pytest.fixture
def silent(tmp_path, monkeypatch):
    """The mirror of a storage that does not answer, with one stage."""

    def fails(*_):
        raise RemoteError("the storage does not answer")

    Store(tmp_path).run("kind", "inputs", lambda _: 1)
    (tmp_path / MARK).write_text(f"file://{tmp_path}/remote")
    monkeypatch.setattr(Remote, "sizes", fails)
    return tmp_path


@pytest.fixture
def given(monkeypatch, capfd):
    """Return a function that gives a command line, and returns its exit code, stdout and stderr."""

    def give(*words):
        monkeypatch.setattr("sys.argv", ["harness", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capfd.readouterr()

    return give


def test_the_mirror_is_shown(given, silent):
    code, out, err = given("store", "--store", str(silent))
    assert code == 5
    assert "1 stages" in out
    assert "error: the storage does not answer" in err


def test_what_was_evicted_is_said_as_json_too(given, silent):
    code, out, err = given("store", "--store", str(silent), "--shrink-to", "0", "--json")
    found = json.loads(out)
    assert code == 5
    assert (found["evicted"]["stages"], found["kinds"], found["remote"]) == (1, {}, None)
    assert "error: the storage does not answer" in err
