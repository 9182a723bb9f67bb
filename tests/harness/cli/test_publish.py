"""`harness publish --from` as a user types it."""

import json
import zipfile

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import DataError, UsageError


def publish(*arguments):
    return CliRunner().invoke(app, ["publish", *map(str, arguments)])


@pytest.fixture
def bundles(drawn_results, tmp_path):
    """Bundles of Ann and of Bob, whose author's name is a script, in one folder."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    ann = drawn_results.Drawn(seed=4).run("dense", densities=(1.0,)).run("lt", densities=(0.5,))
    ann.bundle(folder / "ann.zip", author="Ann")
    bob = drawn_results.Drawn(seed=4).run("dense", densities=(1.0,)).run("snip", densities=(0.5,), skill=2)
    bob.bundle(folder / "bob.zip", author="<script>alert(1)</script>", code="https://example.org/?a=1&b=2")
    return folder


def page(site):
    (version,) = (site / "spots" / "tiny" / "versions").glob("*/index.html")
    return version.read_text()


@pytest.mark.slow
def test_one_page_shows_whose_results_it_has(bundles, tmp_path):
    result = publish(tmp_path / "site", "--from", bundles)
    assert result.exit_code == 0, result.output
    text = page(tmp_path / "site")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert 'href="https://example.org/?a=1&amp;b=2"' in text
    assert "self-reported" in text
    document = json.loads((tmp_path / "site" / "spots" / "tiny" / "results.json").read_text())
    (group,) = document["groups"]
    assert [one["entries"] for one in group["submissions"]] == [["snip"], ["lt"]]
    again = publish(tmp_path / "site", "--from", bundles / "bob.zip", "--from", bundles / "ann.zip")
    assert "Nothing new in" in again.output


@pytest.mark.slow
def test_a_bundle_that_does_not_verify_is_left_out_and_the_exit_code_says_so(bundles, tmp_path):
    with zipfile.ZipFile(bundles / "bob.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundles / "bob.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"snip", b"snap"))
    result = publish(tmp_path / "site", "--from", bundles)
    assert result.exit_code == 3
    assert "snip" not in page(tmp_path / "site")
    alone = publish(tmp_path / "other", "--from", bundles / "bob.zip")
    assert isinstance(alone.exception, DataError)
    assert "no bundle could be used" in str(alone.exception)
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_data_set_that_none_has_is_named(bundles, tmp_path):
    result = publish(tmp_path / "site", "--from", bundles, "--dataset", "isic")
    assert isinstance(result.exception, UsageError)
    assert "name one of: spots" in str(result.exception)


def test_a_folder_without_bundles(tmp_path):
    assert isinstance(publish(tmp_path / "site", "--from", tmp_path).exception, UsageError)


@pytest.mark.slow
def test_a_store_takes_part_only_where_the_command_line_names_it(bundles, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path / "absent"))
    assert publish(tmp_path / "site", "--from", bundles).exit_code == 0
    for named in (("--store", tmp_path / "absent"), ("--store", tmp_path / "absent", "--dataset", "spots")):
        assert "there are no results in" in str(publish(tmp_path / "site", "--from", bundles, *named).exception)


def test_without_bundles_it_reads_the_store(tmp_path):
    result = publish(tmp_path / "site", "--store", tmp_path)
    assert "there are no results in" in str(result.exception)
