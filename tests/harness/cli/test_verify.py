"""`harness verify` as a user types it."""

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import UsageError
from harness.storage.mirror import local_folder_of


def verify(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


@pytest.mark.parametrize("share", ["0%", "101%", "5", "all", "-5%", "5%%", "", "1e1%", "0.0000001%"])
def test_a_share_that_is_none_is_refused_before_anything_is_read(tmp_path, share):
    result = verify("--store", tmp_path, "--rerun", share)
    assert isinstance(result.exception, UsageError)
    assert "write 5%" in str(result.exception)


def test_a_store_without_results_is_refused(tmp_path):
    result = verify("--store", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert "there are no results in" in str(result.exception)


@pytest.mark.parametrize(("place", "what"), [("--bundle", "a bundle"), ("--store", "file:///somewhere")])
def test_a_rerun_on_a_cluster_of_what_its_nodes_do_not_see_is_refused(tmp_path, monkeypatch, place, what):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    given = tmp_path / "a.zip" if place == "--bundle" else local_folder_of(what)
    result = verify(place, given, "--rerun", "5%", "--executor", "ray", "--ray-address", "127.0.0.1:1")
    assert isinstance(result.exception, UsageError)
    assert f"a folder that all nodes see, and {what} has none" in str(result.exception)
