import pytest

from harness.data import Sample
from harness.datasets.isic import Isic, read_labels
from harness.errors import DataError, DatasetNotFound

LABELS = {"train": "ISBI2016_ISIC_Part3_Training_GroundTruth.csv", "test": "ISBI2016_ISIC_Part3_Test_GroundTruth.csv"}
IMAGES = {"train": "ISBI2016_ISIC_Part3_Training_Data", "test": "ISBI2016_ISIC_Part3_Test_Data"}


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


def faults(tmp_path, text):
    with pytest.raises(DataError) as caught:
        read_labels(written(tmp_path, text))
    assert caught.value.exit_code == 4
    assert str(tmp_path / "labels.csv") in caught.value.message
    return caught.value.faults


@pytest.mark.parametrize(
    ("benign", "malignant"),
    [("benign", "malignant"), ("0", "1"), ("0.0", "1.0"), ("Benign", "MALIGNANT"), (" benign ", "\tmalignant")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_spelling_line_end_and_byte_order_mark_gives_the_same_labels(tmp_path, benign, malignant, end, encoding):
    lines = [f"ISIC_0000001,{malignant}", f"ISIC_0000000,{benign}", "", f" ISIC_0010000 ,{benign}"]
    expected = {"ISIC_0000001": 1, "ISIC_0000000": 0, "ISIC_0010000": 0}
    for text in (end.join(lines), end.join([*lines, ""])):
        assert read_labels(written(tmp_path, text, encoding)) == expected


def test_every_fault_is_listed_with_its_line(tmp_path):
    text = """\
image_id,label
ISIC_0000001,benign
ISIC_0000002;benign

ISIC_0000003
ISIC_0000004,
ISIC_0000005,melanoma
ISIC_0000006,2
ISIC_0000001,benign
ISIC_0000001,malignant
isic_0000007,benign
ISIC_00000008,benign
ISIC_0000009.jpg,benign
ISIC_0000010,benign,extra
../ISIC_0000011,benign
ISIC_0000012,malignant
"""
    found = faults(tmp_path, text)
    expected = [
        (1, "'image_id' is not an image id"),
        (3, "'ISIC_0000002;benign' is not an image id"),
        (5, "ISIC_0000003 has no label"),
        (6, "ISIC_0000004 has no label"),
        (7, "ISIC_0000005 has the unknown label 'melanoma'"),
        (8, "ISIC_0000006 has the unknown label '2'"),
        (9, "ISIC_0000001 is listed again"),
        (10, "ISIC_0000001 is listed with another label"),
        (11, "'isic_0000007' is not an image id"),
        (12, "'ISIC_00000008' is not an image id"),
        (13, "'ISIC_0000009.jpg' is not an image id"),
        (14, "ISIC_0000010 has the unknown label 'benign,extra'"),
        (15, "'../ISIC_0000011' is not an image id"),
    ]
    assert len(found) == len(expected)
    for fault, (line, text) in zip(found, expected, strict=True):
        assert fault.startswith(f"line {line}: {text}")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "  \r\n"])
def test_an_empty_file_is_a_fault(tmp_path, text):
    assert faults(tmp_path, text) == ["the file is empty"]


def test_bytes_that_are_no_text_are_a_fault_with_its_line(tmp_path):
    found = faults(tmp_path, b"ISIC_0000001,benign\nISIC_0000002,b\xff\xfenign\n\x00\x01\x02")
    assert [fault.partition(":")[0] for fault in found] == ["line 2", "line 3"]


def test_a_file_full_of_faults_says_how_many_more(tmp_path):
    found = faults(tmp_path, "".join(f"{number}\n" for number in range(73)))
    assert found[:-1] == [f"line {number + 1}: '{number}' is not an image id like ISIC_0000000" for number in range(50)]
    assert found[-1] == "and 23 more"


@pytest.fixture
def folder(tmp_path):
    for split, offset in (("train", 0), ("test", 100)):
        lines = [f"ISIC_{offset + number:07d},{'malignant' if number % 3 == 0 else 'benign'}" for number in (3, 1, 2)]
        (tmp_path / LABELS[split]).write_text("\n".join(lines))
    return tmp_path


def test_samples_are_sorted_by_id_with_the_publishers_paths_and_splits(folder):
    samples = Isic().samples(folder)
    numbers = [(number, "train") for number in (1, 2, 3)] + [(100 + number, "test") for number in (1, 2, 3)]
    assert samples == [
        Sample(
            id=f"ISIC_{number:07d}",
            label=int(number % 100 == 3),
            path=folder / IMAGES[split] / f"ISIC_{number:07d}.jpg",
            split=split,
        )
        for number, split in numbers
    ]


def test_samples_are_sorted_whichever_split_has_the_lower_ids(folder):
    (folder / LABELS["train"]).write_text("ISIC_0000900,benign\nISIC_0000005,malignant")
    assert [sample.id[-3:] for sample in Isic().samples(folder)] == ["005", "101", "102", "103", "900"]


def test_nothing_there_is_not_found_and_says_where_to_put_it(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetNotFound) as caught:
            Isic().samples(folder)
        assert str(folder / LABELS["train"]) in caught.value.message
        assert all(IMAGES[split] in caught.value.fix for split in IMAGES)
        assert "HARNESS_DATA" in caught.value.fix
        assert caught.value.exit_code == 4


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_label_file_of_two_is_a_lost_file_not_a_missing_data_set(folder, split):
    (folder / LABELS[split]).unlink()
    with pytest.raises(DataError) as caught:
        Isic().samples(folder)
    assert not isinstance(caught.value, DatasetNotFound)
    assert str(folder / LABELS[split]) in caught.value.message


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_faulty_label_file_is_not_a_missing_data_set(folder, split):
    # A missing set may be replaced by the simulated one; a faulty one never.
    (folder / LABELS[split]).write_text("ISIC_0000001,perhaps")
    with pytest.raises(DataError) as caught:
        Isic().samples(folder)
    assert not isinstance(caught.value, DatasetNotFound)
    assert str(folder / LABELS[split]) in caught.value.message
    assert len(caught.value.faults) == 1


def test_the_faults_of_both_label_files_are_told_at_once(folder):
    for split in LABELS:
        (folder / LABELS[split]).write_text("ISIC_0000001,perhaps\nISIC_0000002,benign\nISIC_0000002,benign")
    with pytest.raises(DataError) as caught:
        Isic().samples(folder)
    assert [(LABELS["train"] in fault, LABELS["test"] in fault) for fault in caught.value.faults] == [
        *([(True, False)] * 2),
        *([(False, True)] * 2),
    ]
    assert caught.value.fix


def test_the_positive_class_is_the_melanoma():
    assert Isic.classes == ("benign", "malignant")
    assert Isic.substitute == "isic-sim"
    assert not Isic.simulated
