import codecs
from pathlib import Path

import pytest

from harness.data import DataError, DatasetNotFound
from harness.datasets.csv_file import CsvFile


@pytest.fixture
def folder(tmp_path):
    """A folder with the images that the label files name; none is decoded here."""
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4, 5.jpg", "6.png"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")
    return tmp_path / "set"


ROWS = [("a/1.jpg", "ok"), ("a/2.jpg", "ok"), ("b/3.jpg", "ill"), ("6.png", "ok")]
LABELS = {"a/1.jpg": 0, "a/2.jpg": 0, "b/3.jpg": 1, "6.png": 0}


def table(rows, delimiter=",", end="\n"):
    return end.join(delimiter.join(row) for row in rows) + end


def opened(folder, text, **options):
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvFile(path=str(path), **options)


def labels(folder, text, **options):
    return {sample.id: sample.label for sample in opened(folder, text, **options).samples(folder)}


def refused(folder, text, **options):
    with pytest.raises(DataError) as caught:
        opened(folder, text, **options).samples(folder)
    assert caught.value.exit_code == 4
    assert str(folder / "labels.csv") in caught.value.message
    return caught.value


def faults(folder, text, **options):
    return refused(folder, text, **options).faults


@pytest.mark.parametrize("header", [None, ("path", "label"), (" Label", "IMAGE"), ("id", "Class", "filename")])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("end", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig"), ("\r", "utf-16"), ("\n", "utf-32")]
)
def test_every_way_to_write_a_table_gives_the_same_labels(folder, header, delimiter, end, encoding):
    place = {"path": 0, "image": 0, "filename": 0, "label": 1, "class": 1}
    if header is None:
        rows = ROWS
    else:
        rows = [
            header,
            *(tuple(row[place[h]] if (h := name.strip().lower()) in place else "7" for name in header) for row in ROWS),
        ]
    text = table([*rows[:2], ("",), *rows[2:], ("", "")], delimiter, end)
    assert labels(folder, text.encode(encoding)) == LABELS


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_utf_16_is_read_in_both_orders(folder, mark):
    order = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    assert labels(folder, mark + table(ROWS).encode(order)) == LABELS


def test_quotes_hold_delimiters(folder):
    assert labels(folder, 'path,label\n"b/4, 5.jpg","ok"\n"a/1.jpg", "very ""ill"""\n"a/2.jpg",ok\n') == {
        "b/4, 5.jpg": 0,
        "a/1.jpg": 1,
        "a/2.jpg": 0,
    }
    assert opened(folder, 'a/1.jpg,"a ""b"""\na/2.jpg,c\n6.png,c\n').classes == ("c", 'a "b"')


def test_splits_and_groups_are_kept(folder):
    text = "patient;split;path;label\n7;Train;a/1.jpg;ok\n;TRAINING;a/2.jpg;ill\n8;Dev;6.png;ok\n9;test;b/3.jpg;ok\n"
    found = {one.id: (one.split, one.group) for one in opened(folder, text).samples(folder)}
    assert found == {
        "a/1.jpg": ("train", "7"),
        "a/2.jpg": ("train", None),
        "6.png": ("validation", "8"),
        "b/3.jpg": ("test", "9"),
    }


def test_without_a_header_columns_are_path_label_split_group(folder):
    text = "a/1.jpg,ok,train,7\na/2.jpg,ill,train,8\nb/3.jpg,ok,test,9\n"
    assert [(one.id, one.split, one.group) for one in opened(folder, text).samples(folder)] == [
        ("a/1.jpg", "train", "7"),
        ("a/2.jpg", "train", "8"),
        ("b/3.jpg", "test", "9"),
    ]


def test_what_was_chosen_is_said(folder):
    found = opened(folder, "path,label,age\na/1.jpg,ok,3\na/2.jpg,ok,4\n6.png,ill,5\n")
    assert found.name == "csv-labels"
    assert found.classes == ("ok", "ill")
    assert found.remarks(folder) == [
        "csv-labels: positive is 'ill', the rarer class with 1 of 3 images; --positive 'ok' makes it the other",
        "csv-labels: columns that are not used: age",
    ]
    assert opened(folder, table(ROWS), positive="OK").classes == ("ill", "ok")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is empty"),
        ("\n \r\n", "it is empty"),
        ("only one column\nand no more\n", "its first line has no delimiter (a comma, a semicolon, a tab, a bar)"),
        (b"a/1.jpg,ok\n\xff\xfe.jpg,ok\n", "line 2: not text in UTF-8 (byte 11): save it as UTF-8"),
        ("a/1.jpg,ok\n".encode("utf-16-le"), "it has zero bytes"),
        (b"\xff\xfea", "not text in UTF-16"),
        ("path,diagnosis\na/1.jpg,ok\n", "its first line is a header (path, diagnosis) without a column label"),
        ("label,x\nok,a/1.jpg\n", "its first line is a header (label, x) without a column path"),
        ("path,image,label\na/1.jpg,a/2.jpg,ok\n", "its header names a column twice: path, image, label"),
        ("ok,a/1.jpg\nill,a/2.jpg\n", "its second column is the images: begin it with label,path"),
        ("a/1.jpg,ok,p7\na/2.jpg,ill,p8\n", "its third column has no split"),
        ("a/1.jpg,ok,1,2,3\na/2.jpg,ill,1,2,3\n", "it has 5 columns and no header"),
        ("a/1.jpg,ok;1\na/2.jpg,ill;2\n", "what parts its columns may be a comma or a semicolon"),
    ],
)
def test_a_file_that_is_not_clear_is_refused_with_a_sentence(folder, text, sentence):
    assert sentence in refused(folder, text).message


def test_every_fault_is_listed_at_once_by_its_line(folder, tmp_path):
    (tmp_path / "outside.jpg").write_bytes(b"image")
    (folder / "linked.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "by-link").symlink_to(tmp_path)
    text = """\
path,label,split
a/1.jpg,ok,train
a/2.jpg,,train
,ok,train
a/9.jpg,ok,train
b\\3.jpg,ok,train
../outside.jpg,ok,train
linked.jpg,ok,train
by-link/outside.jpg,ok,train
/etc/hostname,ok,train
https://host/1.jpg,ok,train
b,ok,train
b/3.jpg,ok,tset

./a//1.jpg,ill,train
6.png,ok
6.png,ill,
"6.png,ill,test
"""
    assert faults(folder, text) == [
        "line 3: no label",
        "line 4: no path",
        "line 5: no file a/9.jpg",
        "line 6: no file b\\3.jpg; folders are parted by /",
        "line 7: ../outside.jpg leads out of the label file's folder",
        "line 8: linked.jpg leads out of the label file's folder",
        "line 9: by-link/outside.jpg leads out of the label file's folder",
        "line 10: /etc/hostname is absolute, and others are relative",
        "line 11: https://host/1.jpg is an address: images must be on this machine",
        "line 12: b is no regular file",
        "line 13: 'tset' is no split (train, validation, test)",
        "line 15: a/1.jpg is listed again, as 'ill' and not 'ok' (line 2)",
        "line 16: 2 columns, where the header has 3",
        "line 17: no split",
        "line 18: its quotes do not match",
        "no image is in the split test",
    ]


def test_three_labels_are_listed_with_their_counts(folder):
    text = "a/1.jpg,ok\na/2.jpg,ok\nb/3.jpg,Ok\n6.png,ill\n"
    assert faults(folder, text) == ["3 classes, where two are needed: ok (2), Ok (1), ill (1)"]
    assert faults(folder, "a/1.jpg,ok\na/2.jpg,OK\n6.png,OK\n") == [
        "two classes that differ in case alone: OK (2), ok (1)"
    ]
    assert faults(folder, "a/1.jpg,ok\n") == ["1 class, where two are needed: ok (1)"]


def test_a_tie_and_a_label_that_is_not_there_are_refused(folder):
    tie = "a/1.jpg,ok\na/2.jpg,ill\n"
    assert faults(folder, tie) == ["both classes have 1 images, so the rarer is not known: name one by --positive"]
    assert labels(folder, tie, positive="ill") == {"a/1.jpg": 0, "a/2.jpg": 1}
    assert "no class is called 'sick'" in faults(folder, tie, positive="sick")[0]


def test_a_group_in_two_splits_is_refused(folder):
    text = "a/1.jpg,ok,train,7\na/2.jpg,ill,train,7\nb/3.jpg,ok,test,7\n6.png,ill,test,8\n"
    assert faults(folder, text, positive="ill") == ["line 3: group '7' is in test, and in train in line 1"]


def test_absolute_paths_are_taken_where_all_are(folder, tmp_path):
    """Ids are then the paths below what all share: no path of this machine gets into results."""
    text = table([(str(folder / path), label) for path, label in ROWS])
    other = tmp_path / "elsewhere" / "labels.csv"
    other.parent.mkdir()
    other.write_text(text)
    found = CsvFile(path=str(other)).samples(folder)
    assert {one.id: one.label for one in found} == LABELS
    assert all(one.path == folder / one.id for one in found)


def test_fifty_faults_are_shown_and_the_others_counted(folder):
    error = refused(folder, table([*ROWS, *((f"x/{number}.jpg", "ok") for number in range(70))]))
    assert "has 70 faults" in error.message
    assert (len(error.faults), error.faults[-1]) == (51, "and 20 more")


def test_no_file_and_a_folder_are_told_apart(folder):
    with pytest.raises(DatasetNotFound, match="there is no label file"):
        CsvFile(path=str(folder / "nothing.csv")).samples(folder)
    with pytest.raises(DataError, match="is no file") as caught:
        CsvFile(path=str(folder)).samples(folder)
    assert "folder:PATH" in caught.value.fix


def test_odd_paths_are_faults_and_no_crashes(folder):
    long = "x" * 5000 + ".jpg"
    assert faults(folder, table([*ROWS, (long, "ok")])) == [f"line 5: no file {long} (File name too long)"]
    assert "line 5: no file ~root/1.jpg" in faults(folder, table([*ROWS, ("~root/1.jpg", "ok")]))


def test_the_file_in_the_documentation_is_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    text = page.partition("### A label file\n\n```\n")[2].partition("```")[0]
    for row in text.splitlines()[1:]:
        (tmp_path / row.split(",")[0]).parent.mkdir(exist_ok=True)
        (tmp_path / row.split(",")[0]).touch()
    assert [(one.id, one.group) for one in opened(tmp_path, text, positive="ill").samples(tmp_path)] == [
        ("left/0001.png", "patient 1"),
        ("left/0002.png", "patient 2"),
        ("right/0003.png", "patient 3"),
    ]
