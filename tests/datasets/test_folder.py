import os

import pytest

from harness.data import DataError, DatasetNotFound
from harness.datasets.folder import Folder


def put(root, *names):
    """Write files that the set only lists; none is decoded here."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")
    return root


def numbered(folder, count):
    return [f"{folder}/{number}.jpg" for number in range(count)]


def listed(root, **options):
    found = Folder(path=str(root), **options)
    return {sample.id: (sample.label, sample.split) for sample in found.samples(root)}


def faults(root, **options):
    with pytest.raises(DataError) as caught:
        Folder(path=str(root), **options).samples(root)
    assert caught.value.exit_code == 4
    assert str(root) in caught.value.message
    return caught.value.faults


@pytest.fixture
def cells(tmp_path):
    return put(tmp_path / "My cells (2)", *numbered("healthy", 3), *numbered("Ill", 2))


def test_two_class_folders_are_a_set_without_splits(cells):
    assert listed(cells) == {
        "Ill/0.jpg": (1, None),
        "Ill/1.jpg": (1, None),
        "healthy/0.jpg": (0, None),
        "healthy/1.jpg": (0, None),
        "healthy/2.jpg": (0, None),
    }
    found = Folder(path=str(cells))
    assert (found.name, found.classes, found.version) == ("folder-My-cells-2", ("healthy", "Ill"), "1")
    assert (found.licence, found.citation, found.simulated) == ("not stated", "not stated", False)
    assert all(sample.path == cells / sample.id and sample.group is None for sample in found.samples(cells))


def test_the_rarer_class_is_positive_and_that_is_said(cells):
    assert Folder(path=str(cells)).remarks(cells) == [
        "folder-My-cells-2: positive is 'Ill', the rarer class with 2 of 5 images; --positive 'healthy' makes it the"
        " other"
    ]
    assert listed(cells, positive="Healthy")["healthy/0.jpg"] == (1, None)
    assert Folder(path=str(cells), positive="ILL").remarks(cells) == []


def test_a_tie_is_refused_and_decided_by_name(cells):
    put(cells, "Ill/2.jpg")
    assert faults(cells) == ["both classes have 3 images, so the rarer is not known: name one by --positive"]
    assert listed(cells, positive="ill")["Ill/2.jpg"] == (1, None)


def test_a_positive_class_that_is_not_there_is_refused(cells):
    assert faults(cells, positive="sick") == [
        "no class is called 'sick', which --positive names: the classes are Ill and healthy"
    ]


@pytest.mark.parametrize("validation", ["val", "Valid", "VALIDATION", "dev", None])
def test_splits_are_found_in_any_case_and_spelling(tmp_path, validation):
    for split in filter(None, ("Train", validation, "TEST")):
        put(tmp_path, *numbered(f"{split}/a", 2), *numbered(f"{split}/b", 1))
    found = listed(tmp_path)
    assert found["Train/a/1.jpg"] == (0, "train")
    assert found["TEST/b/0.jpg"] == (1, "test")
    assert len(found) == (9 if validation else 6)
    if validation:
        assert found[f"{validation}/b/0.jpg"] == (1, "validation")


def test_a_class_may_be_written_in_another_case_in_another_split(tmp_path):
    put(
        tmp_path, *numbered("train/Ill", 1), *numbered("train/ok", 2), *numbered("test/ill", 2), *numbered("test/OK", 3)
    )
    found = listed(tmp_path)
    assert found["train/Ill/0.jpg"] == (1, "train")
    assert found["test/ill/0.jpg"] == (1, "test")
    assert Folder(path=str(tmp_path)).classes == ("ok", "Ill")


def test_what_is_no_image_is_left_out_and_told(cells):
    put(cells, "Ill/Thumbs.db", "Ill/.DS_Store", ".hidden/1.jpg", "__MACOSX/Ill/1.jpg", "healthy/._1.jpg")
    assert len(listed(cells)) == 5
    assert len(Folder(path=str(cells)).remarks(cells)) == 1
    put(cells, "Ill/README.txt", "healthy/notes.doc", "LICENSE.md", "CITATION.cff", "overview.png")
    found = Folder(path=str(cells))
    assert found.remarks(cells)[1:] == [
        "folder-My-cells-2: files that are no images by their names are not used: 2, such as Ill/README.txt,"
        " healthy/notes.doc",
        "folder-My-cells-2: images in no class folder are not used: 1, such as overview.png",
    ]
    assert (found.licence, found.citation) == ("see LICENSE.md among the images", "see CITATION.cff among the images")


def test_images_in_folders_below_a_class_are_taken_and_told(cells):
    put(cells, "Ill/patient 7/left/1.JPEG", "Ill/patient 7/left/2.tif")
    assert listed(cells, positive="Ill")["Ill/patient 7/left/1.JPEG"] == (1, None)
    (remark,) = Folder(path=str(cells), positive="Ill").remarks(cells)
    assert "such as Ill/patient 7, Ill/patient 7/left" in remark


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (
            ["a/1.jpg", "b/1.jpg", "c/1.jpg"],
            "the folder has 3 class folders, where two are needed: a (1), b (1), c (1)",
        ),
        (["a/1.jpg"], "the folder has 1 class folder, where two are needed: a (1)"),
        (["1.jpg", "2.jpg"], "the folder has 0 class folders, where two are needed"),
        (["a/1.jpg", "b/x.txt"], "b has no images, only other files, such as b/x.txt"),
        (["a/1.jpg", "b/.keep"], "b has no images"),
        (["Ill/1.jpg", "ill/1.jpg"], "the folder has class folders whose names differ in case alone: Ill and ill"),
        (
            ["a/1.jpg", "a/1.png", "b/1.jpg"],
            "a/1.jpg and a/1.png have one name: one image twice, or an image and its mask",
        ),
        (
            ["a/1.jpg", "a/1.JPG", "b/1.jpg"],
            "a/1.JPG and a/1.jpg have one name: one image twice, or an image and its mask",
        ),
        (["train/a/1.jpg", "train/b/1.jpg"], "train: splits by name, but there is no folder test"),
        (["val/a/1.jpg", "test/b/1.jpg"], "test, val: splits by name, but there is no folder train"),
        (
            ["train/a/1.jpg", "test/b/1.jpg", "bus/1.jpg"],
            "test, train: splits by name, beside bus, which are none",
        ),
        (
            ["train/a/1.jpg", "test/b/1.jpg", "val/a/1.jpg", "Valid/a/1.jpg"],
            "Valid and val both name the validation split",
        ),
        (["train/1.jpg", "test/1.jpg"], "train has 0 class folders, where two are needed"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/c/1.jpg"],
            "test has the classes a, c, the split before it a, b",
        ),
        (["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg"], "test has 1 class folder, where two are needed: a (1)"),
        (
            ["a/train/1.jpg", "a/test/1.jpg", "b/train/1.jpg"],
            "a/train is a split by its name, in a class folder: splits hold classes, and not the other way round",
        ),
    ],
)
def test_a_layout_that_is_not_clear_is_refused_with_a_sentence(tmp_path, names, fault):
    assert fault in faults(put(tmp_path, *names))


def test_class_folders_one_deeper_are_pointed_at(tmp_path):
    put(tmp_path, "archive/a/1.jpg", "archive/b/1.jpg")
    assert f"perhaps the folder in it is meant: folder:{tmp_path / 'archive'}" in faults(tmp_path)


def test_links_that_lead_out_or_nowhere_are_refused_all_at_once(tmp_path):
    outside = put(tmp_path, "elsewhere/9.jpg")
    root = put(tmp_path / "set", *numbered("a", 3), *numbered("b", 2))
    (root / "a" / "out.jpg").symlink_to(outside / "elsewhere" / "9.jpg")
    (root / "a" / "lost.jpg").symlink_to(root / "nothing.jpg")
    (root / "b" / "folder").symlink_to(outside / "elsewhere")
    os.mkfifo(root / "b" / "pipe.jpg")
    assert faults(root) == [
        "a/lost.jpg is a link to nothing",
        "a/out.jpg is a link out of the folder",
        "b/pipe.jpg is no regular file",
        "b/folder is a link to a folder",
    ]


def test_a_link_within_the_folder_and_a_link_to_the_folder_are_files_like_others(tmp_path):
    root = put(tmp_path / "set", *numbered("a", 3), *numbered("b", 2))
    (root / "b" / "again.jpg").symlink_to(root / "b" / "0.jpg")
    (tmp_path / "by-another-name").symlink_to(root)
    assert len(listed(tmp_path / "by-another-name", positive="b")) == 6


def test_a_class_folder_that_is_a_link_is_refused(tmp_path):
    put(tmp_path, "set/a/1.jpg", "elsewhere/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    assert "b is a link to a folder" in faults(tmp_path / "set")


def test_a_name_that_is_no_text_is_refused(cells):
    (cells / "Ill" / os.fsdecode(b"\xff.jpg")).write_bytes(b"image")
    assert faults(cells) == ["'Ill/\\udcff.jpg' has a name that is not UTF-8"]


def test_fifty_faults_are_shown_and_the_others_counted(cells):
    for number in range(70):
        (cells / "Ill" / f"x{number}.jpg").symlink_to("/nothing")
    shown = faults(cells)
    assert len(shown) == 51
    assert shown[-1] == "and 20 more"


def test_no_folder_and_a_file_are_told_apart(tmp_path):
    with pytest.raises(DatasetNotFound, match="there is no folder"):
        Folder(path=str(tmp_path / "cells")).samples(tmp_path)
    with pytest.raises(DataError, match="is a file") as caught:
        Folder(path=str(put(tmp_path, "cells.zip") / "cells.zip")).samples(tmp_path)
    assert not isinstance(caught.value, DatasetNotFound)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("a/b", "folder-b"),
        ("...", "folder-images"),
        ("zellen größe", "folder-zellen-gr-e"),
        ("x" * 90, "folder-" + "x" * 60),
    ],
)
def test_a_name_is_safe_wherever_it_goes(tmp_path, folder, name):
    assert Folder(path=str(tmp_path / folder)).name == name
