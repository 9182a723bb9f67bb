"""Archives that are refused before a byte is written, as `unpack` does it."""

import stat
import zipfile

import pytest

from harness.downloads import extraction, zip_members
from harness.downloads.extraction import MANIFEST, unpack
from harness.errors import DataError


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


def test_folders_of_their_own_are_no_fault(make, target):
    unpack(make((("top/", stat.S_IFDIR | 0o755), b""), (("top/empty/", 0), b"")), target, quiet)
    assert (target / "a.jpg").read_bytes() == b"first"


def test_what_macos_adds_is_skipped(make, target):
    unpack(make(("__MACOSX/top/._a.jpg", b"x"), ("top/.DS_Store", b"x"), (".DS_Store", b"x")), target, quiet)
    assert sorted(tree(target)) == sorted(["a.jpg", "b.jpg", "inner/c.jpg", MANIFEST])


EVIL = {
    "absolute": ("/etc/evil", "an absolute path"),
    "drive": ("C:/evil", "an absolute path"),
    "drive-relative": ("c:evil", "an absolute path"),
    "up": ("top/../../evil", "'..' part"),
    "up at once": ("../evil", "'..' part"),
    "up within": ("top/x/../evil", "'..' part"),
    "dot": ("top/./evil", "'.' or"),
    "empty part": ("top//evil", "an empty"),
    "backslash": ("top\\evil", "a backslash"),
    "backslash up": ("top/..\\..\\evil", "a backslash"),
    "share": ("\\\\server\\evil", "a backslash"),
    "newline": ("top/evil\n", "control characters"),
    "escape": ("top/\x1b]0;evil\x07", "control characters"),
    "nul": ("top/evil.jpg\0.exe", "control characters"),
    "twice": ("top/a.jpg", "is there twice"),
    "other case": ("top/A.JPG", "is one with 'top/a.jpg'"),
    "other case of a folder": ("top/INNER/d.jpg", "is one with 'top/inner'"),
    "other case of the top": ("TOP/d.jpg", "is one with 'top'"),
    "file as folder": ("top/a.jpg/x", "is one with 'top/a.jpg'"),
    "folder as file": ("top/inner", "is one with 'top/inner'"),
    "manifest": ("top/harness-manifest.json", "the harness's own file"),
    "manifest in capitals": ("top/HARNESS-manifest.json", "the harness's own file"),
    "second top": ("other/d.jpg", "do not lie in one folder"),
    "beside the top": ("readme.txt", "do not lie in one folder"),
    "hidden among litter": ("__MACOSX/../../evil", "'..' part"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", EVIL)
def test_an_evil_name_is_refused_before_a_byte_is_written(make, target, monkeypatch, name):
    written, fault = EVIL[name]
    monkeypatch.setattr(extraction, "_write", lambda *_: pytest.fail("written"))
    text = refused(make((written, b"evil")), target)
    assert fault in text
    assert "\x1b" not in text


def test_two_unicode_forms_of_one_name_are_refused(make, target):
    assert "is one with" in refused(make(("top/\u00e9.jpg", b"x"), ("top/E\u0301.jpg", b"x")), target)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_devices_are_refused(make, target, kind):
    assert "no plain file" in refused(make((("top/evil", kind | 0o777), b"/etc/passwd")), target)


def test_every_fault_is_listed(make, target):
    text = refused(make(("/one", b""), ("top/../two", b""), *((f"top\\{n}", b"") for n in range(30))), target)
    assert "'/one': an absolute path" in text
    assert "'top/../two'" in text
    assert "and 13 more" in text  # 32 names, and that they do not lie in one folder; 20 are shown


def test_too_many_members_are_refused(make, target, monkeypatch):
    monkeypatch.setattr(zip_members, "MOST_MEMBERS", 2)
    assert "3 members, more than 2" in refused(make(), target)


def test_a_bomb_is_refused_by_its_declared_size(make, target):
    archive = make(("top/bomb", bytes(5_000_000)))
    assert archive.stat().st_size < 20_000
    text = refused(archive, target, most_bytes=1_000_000)
    assert "more than 1,000,000" in text
    unpack(archive, target, quiet, most_bytes=5_010_000)


def test_an_encrypted_member_is_refused(make, target):
    archive = make(plain={"top/secret": b"x"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(content))
    assert "encrypted" in refused(archive, target)


def test_a_rare_compression_is_refused(make, target):
    info = zipfile.ZipInfo("top/rare")
    info.compress_type = zipfile.ZIP_BZIP2
    assert "compression method 12" in refused(make((info, b"x")), target)


@pytest.mark.parametrize("plain", [{}, {"alone.jpg": b"x"}, {".DS_Store": b"x"}])
def test_a_zip_without_a_folder_is_refused(make, target, plain):
    assert "do not lie in one folder" in refused(make(plain=plain), target)
