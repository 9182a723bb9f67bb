import importlib.util
import itertools
import os
from pathlib import Path

import pytest

from harness.storage.mirror import local_folder_of
from harness.storage.store import Store

SPEC = importlib.util.spec_from_file_location("object_storage", Path(__file__).parents[2] / "object_storage.py")
object_storage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(object_storage)

_numbers = itertools.count()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def _server():
    made = object_storage.ObjectStorage()
    yield made.ready()
    made.end()


@pytest.fixture
def s3(_server, monkeypatch):
    """A server that speaks S3 and has a bucket of the name; this process's environment leads there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in _server.variables.items():
        monkeypatch.setenv(name, value)
    return _server


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.slow)])
def address(request, tmp_path):
    """An address at which nothing is yet, of each kind of storage."""
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
