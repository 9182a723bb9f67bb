"""What is meant where only the path of somebody's own images is given."""

import pytest

from harness.data.asked import parse_dataset, understood
from harness.errors import DatasetNotFound, UsageError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    for name in ("cells/a", "isic", "a:b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "labels.csv").write_text("")
    (tmp_path / "labels").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cells", "folder:cells"),
        ("./cells/", "folder:./cells/"),
        ("~/cells", "folder:~/cells"),
        ("labels.csv", "csv:labels.csv"),
        ("labels", "csv:labels"),
        ("cells[positive=a]", "folder:cells[positive=a]"),
        ("a:b", "folder:a:b"),
        ("folder:nowhere", "folder:nowhere"),
        ("csv:cells", "csv:cells"),
        ("isic", "isic"),  # a registered name, although there is such a folder
        ("isic-sim", "isic-sim"),
        ("nothing", "nothing"),
        ("folder:cells[positive=a]", "folder:cells[positive=a]"),
    ],
)
def test_a_path_is_understood_and_a_name_stays(written, meant):
    assert understood(written) == meant


def test_what_is_understood_is_what_the_prefix_would_mean():
    assert parse_dataset(understood("cells[positive=a]")) == parse_dataset("folder:cells", {"positive": "a"})


@pytest.mark.parametrize("written", ["./nowhere", "cells/b", "/nowhere", "~/x", "train.csv", "x.TSV", "../x"])
def test_a_path_to_nothing_is_answered_with_both_spellings(written):
    with pytest.raises(DatasetNotFound, match="neither a folder nor a label file") as caught:
        understood(written)
    assert "folder:PATH" in caught.value.fix
    assert "csv:PATH" in caught.value.fix


@pytest.mark.parametrize("written", ["nothing", "nothing:/x/y", "fodler:/x"])
def test_a_name_that_nobody_registered_is_no_path(written):
    with pytest.raises(UsageError, match="unknown data set"):
        parse_dataset(understood(written)).dataset()


def test_a_users_own_images_need_their_path():
    with pytest.raises(UsageError, match="is asked for as folder:PATH"):
        parse_dataset("folder").dataset()
