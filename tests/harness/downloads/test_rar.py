"""RARs that the tests write themselves (RAR 4, stored), read by the machine's programs, or by a false one on PATH."""

import hashlib
import os
import shutil
import stat
import struct
import zlib

import pytest

from harness.downloads import rar
from harness.downloads.extraction import MANIFEST, Fingerprint, unpack, unpacked_files
from harness.downloads.rar import PROGRAMS, is_rar, require_program, unpack_rar
from harness.errors import DataError, MachineError

pytestmark = pytest.mark.slow

IMAGES = {
    "Positive/00001.jpg": b"a crack" * 999,
    "Positive/10001_1.jpg": b"",
    "Negative/00001.jpg": bytes(range(256)),
    "top/inner/deep.jpg": b"deep",
}


def header(kind, flags, rest, packed=b""):
    """A RAR 4 block: the low half of the CRC32 of all after it, kind, flags, size."""
    body = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body + packed


def stored(name, content):
    """A file's block: Unix, method 0x30 (stored), mode 0644."""
    spelt = name.replace("/", "\\").encode()  # RAR 4 separates by backslash
    fields = (len(content), len(content), 3, zlib.crc32(content), 0x5A210000, 20, 0x30, len(spelt), 0o100644)
    return header(0x74, 0x8000, struct.pack("<IIBIIBBHI", *fields) + spelt, content)


def rar4(members):
    blocks = [b"Rar!\x1a\x07\x00", header(0x73, 0, bytes(6)), *(stored(*item) for item in members.items())]
    return b"".join([*blocks, header(0x7B, 0x4000, b"")])


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "Little Images.rar"
    path.write_bytes(rar4(IMAGES))
    return path


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "images"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Return a function that puts a false program on PATH, which has only those and the shell's."""
    place = tmp_path / "bin"
    place.mkdir()
    for needed in ("sh", "cp", "ln", "mkdir", "mkfifo", "touch", "echo"):
        (place / needed).symlink_to(shutil.which(needed))
    monkeypatch.setenv("PATH", str(place))

    def put(name, script):
        path = place / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


def quiet(done, total):
    pass


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nothing_is_left(target):
    return not target.parent.exists() or not list(target.parent.iterdir())


@pytest.fixture(params=PROGRAMS)
def real(request, monkeypatch):
    """Each program by itself, where it is here."""
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setattr(rar, "PROGRAMS", {request.param: PROGRAMS[request.param]})
    return request.param


def test_a_stored_archive_is_read_by_each_program_that_is_here(archive, target, real):
    seen = []
    try:
        manifest = unpack(archive, target, lambda done, total: seen.append((done, total)))
    except MachineError as error:
        if real.startswith("7z") and "Cannot open the file as archive" in error.faults[0]:
            pytest.skip(f"this {real} was built without RAR")
        raise
    assert manifest == {name: Fingerprint(len(c), hashlib.sha256(c).hexdigest()) for name, c in IMAGES.items()}
    found = content(target)
    del found[MANIFEST]
    assert found == IMAGES
    assert unpacked_files(target) == manifest
    assert seen == [(number, 4) for number in range(1, 5)]
    assert list(target.parent.iterdir()) == [target]


def test_half_an_archive_is_no_images_whichever_program_reads_it(archive, target, real):
    whole = archive.read_bytes()
    for torn in (whole[:4000], b"Rar!", b"<html>"):
        archive.write_bytes(torn)
        with pytest.raises((MachineError, DataError)) as caught:
            unpack(archive, target, quiet)
        assert "Little Images.rar" in caught.value.message
        assert nothing_is_left(target)


def test_a_program_is_given_the_archive_and_the_folder_and_no_terminal(archive, target, programs):
    programs("bsdtar", 'read line && exit 9; echo "$@" > "$5/said"; cp "$3" "$5/got"')
    unpack(archive, target, quiet)
    assert (target / "got").read_bytes() == archive.read_bytes()
    temporary = target.with_name(".images.part")
    assert (target / "said").read_text() == f"-x -f {archive} -C {temporary}\n"


def test_the_next_program_is_tried_in_a_clean_folder_where_one_fails(archive, target, programs):
    programs("bsdtar", 'echo half > "$5/half.jpg"; echo "Unsupported block" >&2; exit 1')
    programs("unar", 'echo whole > "$4/whole.jpg"')
    assert list(unpack(archive, target, quiet)) == ["whole.jpg"]


def test_what_each_program_said_is_told_where_none_can(archive, target, programs):
    programs("unar", "echo; echo first; echo 'Unknown method' >&2; exit 3")
    programs("7z", "exit 2")
    with pytest.raises(MachineError) as caught:
        unpack(archive, target, quiet)
    assert caught.value.faults == ["unar: exit status 3, Unknown method", "7z: exit status 2, without a word"]
    assert "libarchive-tools" in caught.value.fix
    assert nothing_is_left(target)


def test_a_program_that_cannot_start_or_never_ends_is_a_fault(archive, target, programs, monkeypatch):
    programs("bsdtar", "while :; do :; done")
    programs("unar", "")
    (target.parent.parent / "bin" / "unar").write_text("no program at all")
    monkeypatch.setattr(rar, "_TIMEOUT_S", 0.2)
    with pytest.raises(MachineError) as caught:
        unpack(archive, target, quiet)
    first, second = caught.value.faults
    assert "timed out after 0.2 seconds" in first
    assert "Exec format error" in second


def test_without_a_program_the_packages_and_the_folder_to_fill_are_named(archive, target, programs):
    with pytest.raises(MachineError) as caught:
        require_program("Cracks.rar", target)
    assert caught.value.message.startswith("Cracks.rar is a RAR, and none of bsdtar, unar, 7z")
    assert "libarchive-tools" in caught.value.fix
    assert str(target) in caught.value.fix
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ('ln -s /etc/passwd "$5/link.jpg"', "link.jpg: no plain file"),
        ('ln -s / "$5/folder"', "folder: no plain file"),
        ('ln -s missing "$5/nowhere.jpg"', "nowhere.jpg: no plain file"),
        ('ln "$3" "$5/twin.jpg"', "twin.jpg: no plain file"),
        ('mkfifo "$5/pipe"', "pipe: no plain file"),
        ('mkdir "$5/empty"', "it has 0 files"),
        ('cp "$3" "$5/big"', "it unpacks to "),
        ('touch "$5/1" "$5/2"', "it has 3 files, not 1 to 2"),
    ],
)
def test_what_a_program_wrote_is_vetted(archive, target, programs, monkeypatch, script, fault):
    programs("bsdtar", f"{'' if '0 files' in fault else 'echo x > $5/a.jpg'}\n{script}")
    monkeypatch.setattr(rar, "MOST_MEMBERS", 2)
    with pytest.raises(DataError) as caught:
        unpack(archive, target, quiet, most_bytes=1000)
    assert [text for text in caught.value.faults if text.startswith(fault)]
    assert nothing_is_left(target)
    assert archive.exists()
    assert stat.S_ISREG(os.stat("/etc/passwd").st_mode)


def test_a_tree_of_faults_is_told_in_part(archive, target, programs):
    programs("bsdtar", "\n".join(f'ln -s x "$5/{number}"' for number in range(30)))
    with pytest.raises(DataError) as caught:
        unpack_rar(archive, target, 10**9)
    assert len(caught.value.faults) == 21
    assert caught.value.faults[-1] == "and 11 more"


def test_a_rar_is_known_by_its_name():
    assert [name for name in ("a.rar", "A.RAR", "a.rar.zip", "rar", "a.zip") if is_rar(name)] == ["a.rar", "A.RAR"]
