"""A store's address: what is one, which folder stands for it, and how that folder knows it."""

from pathlib import Path

import pytest

from harness.errors import MachineError, UsageError
from harness.storage import mirror
from harness.storage.mirror import address_of, checked_address, local_folder_of, store_folder


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("s3://bucket/a/b.c/", "s3://bucket/a/b.c"),
        ("S3://bucket", "s3://bucket"),
        ("s3:/bucket/prefix", "s3://bucket/prefix"),  # as a path writes it
        ("file:///data/store", "file:///data/store"),
        ("file:/data/store/", "file:///data/store"),
        ("file:///data/a@b?c#d", "file:///data/a@b?c#d"),
        ("memory://store", "memory:///store"),
    ],
)
def test_an_address_has_one_spelling(written, read):
    assert checked_address(written) == read == checked_address(read)
    assert local_folder_of(written) == local_folder_of(read)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("gs://bucket/prefix", "speaks s3 and file, and not gs"),
        ("http://host/store", "speaks s3 and file, and not http"),
        ("s3://", "names no place"),
        ("file:///", "names no place"),
        ("s3://bucket//prefix", "names no place"),
        ("s3://bucket/../other", "names no place"),
        ("s3://bucket/a\nb", "names no place"),
        ("file:///a::s3://b/c", "names no place"),
        ("file://data/store", "has two slashes before its path"),
        ("s3://somebody:secret@bucket/prefix", "takes no user, password or option"),
        ("s3://bucket/prefix?token=secret", "takes no user, password or option"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence_without_a_secret(written, says, tmp_path):
    with pytest.raises(UsageError, match=says) as caught:
        store_folder(written)
    assert "secret" not in str(caught.value)
    assert caught.value.fix
    assert not (tmp_path / "cache").exists()


def test_a_folder_stays_a_folder():
    for written in ("harness-store", "/data/store", "a:b", "C:", Path("there")):
        assert store_folder(written) == Path(written)


def test_an_address_is_mirrored_in_the_cache_by_a_folder_that_knows_it(tmp_path):
    folders = {address: store_folder(address) for address in ("s3://bucket/one", "s3://bucket/two", "file:///one")}
    assert len({*folders.values()}) == 3
    for address, folder in folders.items():
        assert folder.is_relative_to(tmp_path / "cache")
        assert address_of(folder) == address
        assert local_folder_of(address) == folder  # and again, as it is there
        moved = tmp_path / folder.name
        folder.rename(moved)
        assert address_of(moved) == address


def test_names_that_differ_in_signs_alone_have_folders_of_their_own():
    assert local_folder_of("s3://bucket/a-b") != local_folder_of("s3://bucket/a_b")
    assert len(local_folder_of(f"s3://bucket/{'long' * 100}").name) < 60


def test_a_store_of_its_own_has_no_address(tmp_path):
    (tmp_path / "file").touch()
    assert address_of(tmp_path) == address_of(tmp_path / "absent") == address_of(tmp_path / "file") == ""


def test_who_has_no_home_is_told_what_to_set(monkeypatch):
    def none(_name):
        raise RuntimeError

    monkeypatch.setattr(mirror.platformdirs, "user_cache_path", none)
    with pytest.raises(MachineError, match="no home folder") as caught:
        local_folder_of("s3://bucket/prefix")
    assert "XDG_CACHE_HOME" in caught.value.fix


def test_a_cache_that_cannot_be_written_is_a_machine_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MachineError, match="cannot use"):
        local_folder_of("s3://bucket/prefix")
