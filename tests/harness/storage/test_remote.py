"""Objects under an address, the same on every kind of storage, and its failures in the harness's words."""

import os
import random
import sys
import time

import fsspec  # noqa: F401 - its registry
import pytest

from harness.children import fork
from harness.errors import MachineError
from harness.storage import remote as remote_module
from harness.storage.remote import Remote, RemoteError, load, remote_at

S3_TOO = pytest.mark.parametrize(
    "address", ["memory", "file", pytest.param("s3", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture
def remote(address):
    return Remote(address)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(remote_module, "_PAUSES_S", (0.0, 0.0))


@S3_TOO
def test_an_object_is_what_was_written_last(remote):
    assert remote.read("stages/a/b") is None
    for data in (b"first", b"second, and longer", b"3"):
        remote.write("stages/a/b", data)
        assert remote.read("stages/a/b") == data
    remote.remove("stages/a/b")
    remote.remove("stages/a/b")
    assert remote.read("stages/a/b") is None


@S3_TOO
def test_a_file_goes_there_and_back(remote, tmp_path):
    content = random.Random(0).randbytes(3_000_000)
    (tmp_path / "large").write_bytes(content)
    remote.upload(tmp_path / "large", "stages/a/large")
    assert remote.download("stages/a/large", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content == remote.read("stages/a/large")
    assert not remote.download("stages/a/absent", tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


@S3_TOO
def test_only_the_first_creates(remote):
    assert remote.create("locks/a", b"first")
    assert not remote.create("locks/a", b"second")
    assert remote.read("locks/a") == b"first"
    remote.remove("locks/a")
    assert remote.create("locks/a", b"third")


def test_the_folder_of_what_is_created_is_made_whichever_fsspec_it_is(tmp_path):
    remote = Remote(f"file://{tmp_path}/remote")
    remote._files.auto_mkdir = False  # as it was for this until 2026.6
    assert remote.create("locks/a", b"first")
    assert not remote.create("locks/a", b"second")


@S3_TOO
def test_the_objects_below_a_name_are_listed_by_their_own_names(remote):
    assert remote.sizes("stages") == {}
    for name in ("stages/aa/key/value.json", "stages/bb/other/manifest.json", "locks/key"):
        remote.write(name, name.encode())
    names = ["stages/aa/key/value.json", "stages/bb/other/manifest.json"]
    assert remote.sizes("stages") == {name: len(name) for name in names}


@S3_TOO
def test_a_fork_speaks_for_itself(remote):
    remote.write("before", b"parent")

    def live():
        assert remote.read("before") == b"parent"
        remote.write("after", b"child")

    child = fork(live)
    while not child.ended:
        time.sleep(0.01)
    assert child.code == 0
    if not remote.address.startswith("memory"):  # which each process has for itself
        assert remote.read("after") == b"child"


def test_a_process_has_one_for_each_address():
    assert remote_at("memory:///one") is remote_at("memory:///one") is not remote_at("memory:///two")


@pytest.mark.slow
def test_no_random_state_is_touched_whatever_fails(s3, at_once):
    """It decides bits: a method's process is watched for it."""
    before = random.getstate()
    working = Remote("s3://bucket/random")
    working.write("a", b"1")
    working.create("a", b"2")
    for broken in ("s3://bucket/random", "s3://no-bucket/random"):
        os.environ["AWS_ENDPOINT_URL"] = s3.address if "no" in broken else "http://127.0.0.1:9"
        with pytest.raises(RemoteError):
            Remote(broken).write("a", b"1")
    assert random.getstate() == before


# --- failures


@pytest.mark.slow
def test_a_bucket_that_does_not_exist_is_named_and_not_made(s3, at_once):
    absent = Remote("s3://absent/prefix")
    for ask in (lambda: absent.read("a"), lambda: absent.write("a", b""), lambda: absent.create("a", b"1")):
        with pytest.raises(RemoteError, match="s3://absent/prefix is in a bucket that does not exist") as caught:
            ask()
        assert caught.value.exit_code == 5
    with pytest.raises(RemoteError, match="does not exist"):
        Remote("s3://absent/prefix").read("a")


@pytest.mark.slow
def test_who_has_no_credentials_is_told_how_to_give_them(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(RemoteError, match="asks for credentials") as caught:
        Remote("s3://bucket/prefix").read("a")
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RemoteError, match=r"asks for credentials.*nobody"):
        Remote("s3://bucket/prefix").read("a")


@pytest.mark.slow
def test_a_server_that_is_not_there_is_a_machine_error(s3, monkeypatch, at_once):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match=r"s3://bucket/prefix does not answer as it should: .*127\.0\.0\.1:9"):
        Remote("s3://bucket/prefix").read("a")


def test_access_that_is_denied_is_said_and_not_tried_again(remote, monkeypatch):
    asked = []

    def denied(*_arguments, **_options):
        asked.append(1)
        raise PermissionError("Access Denied")

    monkeypatch.setattr(remote._files, "pipe_file", denied)
    with pytest.raises(RemoteError, match="refuses access: Access Denied") as caught:
        remote.write("a", b"1")
    assert "read, write, list and delete" in caught.value.fix
    assert asked == [1]


def test_a_failure_that_passes_is_not_seen(remote, monkeypatch, at_once):
    real, failures = remote._files.pipe_file, [OSError("slow down"), TimeoutError("nothing came")]

    def fails(*arguments, **options):
        if failures:
            raise failures.pop()
        return real(*arguments, **options)

    monkeypatch.setattr(remote._files, "pipe_file", fails)
    remote.write("a", b"1")
    assert remote.read("a") == b"1"
    failures += [OSError("slow down")] * 3
    with pytest.raises(RemoteError, match="does not answer as it should: slow down"):
        remote.write("a", b"2")


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    load("s3://bucket/prefix")  # says nothing
    with pytest.raises(MachineError, match="s3://bucket/prefix cannot be spoken to") as caught:
        Remote("s3://bucket/prefix").read("a")
    assert "pip install 'prune-harness[s3]'" in caught.value.fix


def test_a_password_in_an_error_is_not_repeated(remote, monkeypatch, at_once):
    def fails(*_arguments, **_options):
        raise OSError("at https://somebody:topsecret@host/bucket?X-Amz-Signature=abcdef")

    monkeypatch.setattr(remote._files, "pipe_file", fails)
    with pytest.raises(RemoteError) as caught:
        remote.write("a", b"1")
    assert "topsecret" not in str(caught.value)
    assert "abcdef" not in str(caught.value)
