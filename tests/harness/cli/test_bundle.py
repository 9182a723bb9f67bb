"""`harness bundle` and `harness verify --bundle` as a user types them."""

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import DataError, UsageError


def give(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def refused(kind, words, *arguments):
    result = give(*arguments)
    assert isinstance(result.exception, kind), result.output
    assert words in str(result.exception)


def test_an_author_must_be_named(tmp_path):
    result = give("bundle", tmp_path / "b.zip", "--store", tmp_path)
    assert result.exit_code == 2
    assert "--author" in result.output


def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "mlflow.db").touch()
    of = ("bundle", tmp_path / "b.zip", "--store", tmp_path, "--author")
    refused(UsageError, "all show", *of, "")
    refused(UsageError, "all show", *of, "Ann\u202e")
    refused(UsageError, "a link to code begins with https://", *of, "Ann", "--code", "javascript:alert(1)")


def test_a_store_without_results_is_refused(tmp_path):
    refused(UsageError, "there are no results in", "bundle", tmp_path / "b.zip", "--author", "Ann", "--store", tmp_path)


def test_a_bundle_is_verified_alone(tmp_path):
    refused(UsageError, "--bundle is a place of its own", "verify", "--bundle", tmp_path / "b.zip", "--run", "x")
    refused(UsageError, "--bundle is a place", "verify", "--bundle", tmp_path / "b.zip", "--tracking-uri", "http://x")


@pytest.mark.parametrize("more", [(), ("--bundle", "b.zip"), ("--rerun", "5%")])
def test_nobody_vouches_for_what_was_not_rerun(more):
    refused(UsageError, "--attest vouches for a rerun of a bundle", "verify", "--attest", "Ann", *more)


def test_no_file_and_no_bundle(tmp_path):
    refused(UsageError, "there is no file", "verify", "--bundle", tmp_path / "b.zip")
    (tmp_path / "b.zip").write_bytes(b"mine")
    refused(DataError, "is no sound bundle", "verify", "--bundle", tmp_path / "b.zip")
