"""A hostile sender's file is refused in one sentence, before it costs memory, a disk or time."""

import io
import stat
import struct
import zipfile

import pytest

from harness.errors import DataError, UsageError
from harness.submissions import archive
from harness.submissions.archive import Archive

RUN = f"runs/{'a' * 32}"


def zipped(path, *members, **settings):
    """Write a zip file of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **settings) as made:
        for name, content in members:
            made.writestr(name, content)
    return path


def read_whole(path):
    with Archive(path) as opened:
        return {name: opened.read(name) for name in opened.names}


def refused(path, words):
    with pytest.raises(DataError, match=words) as caught:
        read_whole(path)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400 + len(str(path))


def test_a_plain_file_is_read(tmp_path):
    with Archive(zipped(tmp_path / "b.zip", ("bundle.json", b"{}"), (f"{RUN}/levels/0.25/cell.json", b"1"))) as opened:
        assert opened.names == {"bundle.json", f"{RUN}/levels/0.25/cell.json"}
        assert opened.read("bundle.json") == b"{}"
        assert opened.size(f"{RUN}/levels/0.25/cell.json") == 1


@pytest.mark.parametrize(
    "name",
    [
        "../bundle.json",
        "/bundle.json",
        "C:\\bundle.json",
        "runs/../../etc/passwd",
        f"{RUN}/../plan.json",
        f"{RUN}/levels/../plan.json",
        f"{RUN}/levels/../../cell.json",
        f"{RUN}/levels/0.25/../cell.json",
        f"{RUN}/levels/0.25\\cell.json",
        f"{RUN}//plan.json",
        "bundle.json\n",
        "BUNDLE.JSON",
        f"{RUN}/levels/\u0661/cell.json",
        f"runs/{'A' * 32}/plan.json",
        f"{RUN}/weights.pt",
        "evil.py",
        "a/" * 2000 + "x",
        "\x1b[2J",
    ],
)
def test_names_that_no_bundle_has(tmp_path, name):
    refused(zipped(tmp_path / "b.zip", ("bundle.json", b"{}"), (name, b"x")), "has a name that no bundle has")


def test_a_name_that_is_cut_at_a_zero(tmp_path):
    path = zipped(tmp_path / "b.zip", ("bundle.jsonx", b"{}"))
    path.write_bytes(path.read_bytes().replace(b"bundle.jsonx", b"bundle.json\0"))
    refused(path, "has a name that no bundle has")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_links_folders_and_devices(tmp_path, kind):
    info = zipfile.ZipInfo("bundle.json")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    refused(zipped(tmp_path / "b.zip", (info, b"/etc/passwd")), "is no plain file")


def test_a_folder_by_its_name(tmp_path):
    refused(zipped(tmp_path / "b.zip", ("runs/", b"")), "has a name that no bundle has")


def test_two_members_of_one_name(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"), ("bundle.json", b"[]"))
    refused(path, "is there twice")


def test_an_encrypted_member(tmp_path):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refused(path, "is encrypted")


def test_another_way_of_packing(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_LZMA) as made:
        made.writestr("bundle.json", b"{}")
    refused(tmp_path / "b.zip", "packed in a way that no bundle is")


def test_a_bomb_by_its_ratio(tmp_path):
    refused(zipped(tmp_path / "b.zip", ("bundle.json", bytes(2**24))), "times its size, at most 100")


def test_a_bomb_by_one_member(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_OF_MEMBER", 1000)
    refused(zipped(tmp_path / "b.zip", ("bundle.json", bytes(1001))), "unpacks to 1,001 bytes, at most 1,000")


def test_a_bomb_by_all_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_UNPACKED", 1000)
    members = [(f"runs/{number:032x}/plan.json", b"x" * 300) for number in range(4)]
    refused(zipped(tmp_path / "b.zip", *members), "unpacks to 1,200 bytes, at most 1,000")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    members = [(f"runs/{number:032x}/plan.json", b"x") for number in range(4)]
    refused(zipped(tmp_path / "b.zip", *members), "has 4 members, at most 3")


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(tmp_path, monkeypatch):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"))
    content = bytearray(path.read_bytes())
    content[-10:-6] = struct.pack("<I", 2**31)
    path.write_bytes(content)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refused(path, "its list of members has 2,147,483,648 bytes")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"))
    monkeypatch.setattr(archive, "MOST_BYTES", 10)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refused(path, "bytes, at most 10 are read")


def test_a_member_that_holds_more_than_it_says(tmp_path):
    """The size in the list is made small: what unpacks beyond it is never taken."""
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"x" * 50))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    refused(path, "bundle.json in it cannot be read")


def test_a_member_that_holds_less_than_it_says(tmp_path):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"x" * 50))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 60)
    path.write_bytes(content)
    refused(path, "bundle.json")


def test_the_64_bit_kind_a_comment_and_what_follows(tmp_path):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"))
    plain = path.read_bytes()
    path.write_bytes(plain[:-22] + b"PK\6\7" + bytes(16) + plain[-22:])
    refused(path, "64-bit kind")
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("bundle.json", b"{}")
        made.comment = b"PK\5\6"
    refused(path, "without a comment")
    path.write_bytes(plain + b"more")
    refused(path, "without a comment")


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 30, 60])
def test_a_file_that_is_cut(tmp_path, cut):
    path = zipped(tmp_path / "b.zip", ("bundle.json", b"{}"))
    path.write_bytes(path.read_bytes()[cut:] if cut > 22 else path.read_bytes()[:cut])
    refused(path, "no sound bundle")


def test_any_flipped_byte_is_refused_or_read_as_it_was(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bundle.json", b'{"a": [1, 2, 3], "b": "text"}')
    plain, path = content.getvalue(), tmp_path / "b.zip"
    for place in range(len(plain)):
        spoiled = bytearray(plain)
        spoiled[place] ^= 0xFF
        path.write_bytes(spoiled)
        try:
            read = [*read_whole(path).values()]
        except DataError:
            continue
        assert read in ([b'{"a": [1, 2, 3], "b": "text"}'], []), place


def test_no_file_and_a_folder_are_a_wrong_word_of_the_user(tmp_path):
    for path in (tmp_path, tmp_path / "absent.zip"):
        with pytest.raises(UsageError, match="there is no file"):
            Archive(path)
