import itertools
import os

import pytest

from harness.storage.mirror import local_folder_of
from harness.storage.store import Store

_numbers = itertools.count()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def s3(object_storage, monkeypatch):
    """The server that speaks S3; this process's environment leads there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in object_storage.variables.items():
        monkeypatch.setenv(name, value)
    return object_storage


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.long)])
def address(request, tmp_path):
    """An address at which nothing is yet, of each kind of storage; S3's are minutes in all, some tests ask for it."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    place = {"memory": f"/test-{next(_numbers)}", "file": str(tmp_path / "remote"), "s3": f"bucket/{next(_numbers)}"}
    return f"{request.param}://{place[request.param]}"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Return a function that opens the store of an address in the cache of a machine, by the machine's name."""

    def opened(address, machine="one", **choices):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches" / machine))
        return Store(local_folder_of(address), **choices)

    return opened
