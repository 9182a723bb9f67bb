import hashlib
import json
import os
import resource
import shutil
import stat
import struct

import pytest

from harness.downloads import extraction
from harness.downloads.extraction import MANIFEST, Fingerprint, damage, unpack, unpacked_files
from harness.errors import DataError, MachineError


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "images"


def quiet(done, total):
    pass


def refused(archive, target, kind=DataError, **options):
    """Return the error's text; not a byte is on the disk."""
    with pytest.raises(kind) as caught:
        unpack(archive, target, quiet, **options)
    assert caught.value.fix
    assert not target.parent.exists() or not list(target.parent.iterdir())
    return str(caught.value)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what goes well


def test_the_top_folders_content_becomes_the_target_with_its_manifest(make, target, plain):
    seen = []
    manifest = unpack(make(), target, lambda done, total: seen.append((done, total)))
    wanted = {name.removeprefix("top/"): content for name, content in plain.items()}
    assert manifest == unpacked_files(target)
    assert manifest == {n: Fingerprint(len(c), hashlib.sha256(c).hexdigest()) for n, c in wanted.items()}
    found = tree(target)
    del found[MANIFEST]
    assert found == wanted
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert list(target.parent.iterdir()) == [target]


def test_modes_are_not_taken_over(make, target):
    unpack(make((("top/run.sh", stat.S_IFREG | 0o6777), b"x")), target, quiet)
    assert stat.S_IMODE((target / "run.sh").stat().st_mode) & 0o6111 == 0


def test_what_a_killed_process_left_is_swept(make, target):
    left = target.with_name(".images.part")
    left.mkdir(parents=True)
    (left / "a.jpg").write_bytes(b"half")
    (left / "stray").write_bytes(b"half")
    unpack(make(), target, quiet)
    assert list(target.parent.iterdir()) == [target]
    assert "stray" not in tree(target)


# --- archives that are not sound


def test_a_bomb_that_lies_about_its_size_never_writes_more(make, target, monkeypatch):
    archive = make(("top/bomb", bytes(5_000_000)), plain={})
    lie_about_size(archive, 1000)
    sizes = []
    original = extraction._write

    def spy(zipped, info, path):
        try:
            return original(zipped, info, path)
        finally:
            sizes.append(path.stat().st_size)

    monkeypatch.setattr(extraction, "_write", spy)
    assert "not a sound zip" in refused(archive, target, most_bytes=1000)
    assert sizes[0] <= 1000


def test_a_member_that_is_shorter_than_declared_is_refused(make, target):
    archive = make(("top/short", b"x" * 50), plain={})
    lie_about_size(archive, 5000)
    assert "declares 5,000" in refused(archive, target)


def lie_about_size(archive, size):
    """Overwrite the unpacked size of the only member, in its own header and in the list at the end."""
    content = bytearray(archive.read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\x03\x04") + 22, size)
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, size)
    archive.write_bytes(bytes(content))


@pytest.mark.parametrize("content", [b"", b"<Error>AccessDenied</Error>", b"Rar!\x1a\x07\x00"])
def test_what_is_no_zip_is_refused(archive, target, content):
    archive.write_bytes(content)
    assert "not a sound zip" in refused(archive, target)


def test_a_cut_or_flipped_zip_is_refused(make, target):
    archive = make()
    whole = archive.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:size])
        assert "not a sound zip" in refused(archive, target)
    for position in range(
        30, whole.index(b"PK\x03\x04", 4) - 2
    ):  # its first file's name and bytes, but for the padding
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        assert "not a sound zip" in refused(archive, target)


# --- the disk


def test_a_disk_that_is_too_small_is_refused_before_a_byte_is_written(make, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    monkeypatch.setattr(extraction, "_write", lambda *_: pytest.fail("written"))
    archive = make()
    target.parent.mkdir()
    text = refused(archive, target, MachineError)
    assert "needs 6,010 bytes" in text
    assert "where 1 are free" in text


def test_a_disk_that_fills_up_leaves_nothing(make, target):
    archive = make(("top/large", bytes(200_000)))
    target.parent.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        assert "File too large" in refused(archive, target, MachineError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_every_file_is_synced_before_the_folder_gets_its_name(make, target, monkeypatch):
    events = []
    sync, replace = os.fsync, os.replace

    def note_sync(descriptor):
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def note_rename(source, place):
        events.append(("rename", str(place)))
        replace(source, place)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    unpack(make(), target, quiet)
    before = events[: events.index(("rename", str(target)))]
    part = str(target.with_name(".images.part"))
    for name in ("a.jpg", "b.jpg", "inner/c.jpg"):
        assert f"{part}/{name}" in before
    assert any(isinstance(event, str) and event.startswith(f"{part}/.{MANIFEST}.") for event in before)
    assert {part, f"{part}/inner"} <= set(before)
    assert events[-1] == str(target.parent)


# --- the manifest


def test_every_torn_changed_or_missing_file_is_found(make, target):
    manifest = unpack(make(), target, quiet)
    assert damage(target, manifest, quiet) == {}
    (target / "a.jpg").write_bytes(b"fir")
    (target / "b.jpg").write_bytes(b"secoNd" * 1000)
    (target / "inner" / "c.jpg").unlink()
    (target / "stray").write_bytes(b"the user's own")
    assert damage(target, manifest, quiet) == {"a.jpg": "changed", "b.jpg": "changed", "inner/c.jpg": "missing"}


def test_a_manifest_at_every_cut_is_read_or_known_to_be_torn(make, target):
    manifest = unpack(make(), target, quiet)
    whole = (target / MANIFEST).read_bytes()
    for size in range(0, len(whole), 3):
        (target / MANIFEST).write_bytes(whole[:size])
        assert unpacked_files(target) == {}
    for wrong in ([], {"files": 3}, {"files": {"a": {"size": "x", "sha256": ""}}}, {"files": {"a": 1}}):
        (target / MANIFEST).write_text(json.dumps(wrong))
        assert unpacked_files(target) == {}
    extraction.record_unpacked(target, manifest)
    assert (target / MANIFEST).read_bytes() == whole


def test_no_folder_and_no_manifest_are_none(tmp_path):
    assert unpacked_files(tmp_path) is None
    assert unpacked_files(tmp_path / "missing") is None
