"""What a data set lists, held to the contract: every fault is a sentence, and all are told at once."""

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.data import Dataset, Sample
from harness.data.labelled import labelled, require_both_classes
from harness.errors import DataError, DatasetNotFound, MachineError


class Listing(Dataset):
    """Lists what a test gives, or raises it."""

    name = "listing"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"

    def __init__(self, given):
        self.given = given

    def samples(self, folder):
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


GOOD = [Sample(id=f"{number}", label=number % 2, split="train") for number in range(4)]


def faults(*samples):
    with pytest.raises(DataError) as caught:
        labelled(Listing(samples), Path("folder"))
    assert "data set 'listing'" in caught.value.message
    assert __name__ in caught.value.message  # whose code it is
    assert "harness check listing" in caught.value.fix
    assert caught.value.exit_code == 4
    return list(caught.value.faults)


def test_samples_come_sorted_by_id_whatever_they_are_listed_in():
    assert labelled(Listing(GOOD[::-1]), Path()) == GOOD
    assert labelled(Listing(iter(GOOD[::-1])), Path()) == GOOD
    assert labelled(Listing([]), Path()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"id": ""}, "number 2 has the id '', not a text"),
        ({"id": None}, "number 2 has the id None, not a text"),
        ({"id": 7}, "number 2 has the id 7, not a text"),
        ({"id": "1"}, "the id '1' is there again"),
        ({"label": 2}, "'2' has the label 2, not 0 or 1"),
        ({"label": -1}, "'2' has the label -1, not 0 or 1"),
        ({"label": True}, "'2' has the label True, not 0 or 1"),
        ({"label": 1.0}, "'2' has the label 1.0, not 0 or 1"),
        ({"label": "1"}, "'2' has the label '1', not 0 or 1"),
        ({"label": None}, "'2' has the label None, not 0 or 1"),
        ({"label": float("nan")}, "'2' has the label nan, not 0 or 1"),
        ({"label": np.uint8(1)}, f"'2' has the label {np.uint8(1)!r}, not 0 or 1"),
        ({"label": [1]}, "'2' has the label [1], not 0 or 1"),
        ({"split": "val"}, "'2' is in the split 'val', not one of train, validation, test"),
        ({"split": ""}, "'2' is in the split '', not one of train, validation, test"),
        ({"split": ["train"]}, "'2' is in the split ['train'], not one of train, validation, test"),
        ({"split": None}, "1 of 4 images are in no split: either all are, or none is"),
        ({"path": "2.png"}, "'2' has a path that is a str, not a pathlib.Path"),
        ({"path": 2}, "'2' has a path that is a int, not a pathlib.Path"),
        ({"group": 5}, "'2' has the group 5, not a text"),
        ({"group": ("a", 1)}, "'2' has the group ('a', 1), not a text"),
        ({"group": np.int64(5)}, f"'2' has the group {np.int64(5)!r}, not a text"),
    ],
)
def test_each_fault_is_a_sentence(changes, fault):
    assert faults(*GOOD[:2], replace(GOOD[2], **changes), GOOD[3]) == [fault]


@pytest.mark.parametrize("other", [("2", 0), {"id": "2"}, None, "2"])
def test_what_is_no_sample_is_told(other):
    assert faults(*GOOD[:2], other, GOOD[3]) == [f"number 2 is a {type(other).__name__}, not a Sample"]


def test_all_faults_are_told_at_once_with_all_of_one_image():
    assert faults(GOOD[0], replace(GOOD[0], label=3, split="dev"), None, replace(GOOD[1], path="1.png")) == [
        "the id '0' is there again",
        "'0' has the label 3, not 0 or 1",
        "'0' is in the split 'dev', not one of train, validation, test",
        "number 2 is a NoneType, not a Sample",
        "'1' has a path that is a str, not a pathlib.Path",
    ]


def test_of_many_faults_ten_are_shown_and_the_rest_counted():
    found = faults(*(replace(GOOD[0], id=str(number), label=7) for number in range(1000)))
    assert len(found) == 11
    assert found[-1] == "and 990 more"


@pytest.mark.parametrize(
    "error", [DataError("line 3 is odd", faults=["one", "two"]), DatasetNotFound("nothing here"), MachineError("no")]
)
def test_what_a_set_says_itself_is_said(error):
    with pytest.raises(type(error)) as caught:
        labelled(Listing(error), Path())
    assert caught.value.message == f"data set 'listing': {error.message}"
    assert (caught.value.faults, caught.value.fix) == (error.faults, error.fix)


@pytest.mark.parametrize(
    "error", [KeyError("label"), ValueError("bad"), RecursionError("deep"), ImportError("no pandas"), TypeError("x")]
)
def test_what_a_sets_code_raises_is_a_sentence_that_names_it(error):
    with pytest.raises(DataError, match=r"data set 'listing' \(of .*\) cannot list its images") as caught:
        labelled(Listing(error), Path())
    assert str(error.args[0]) in caught.value.message
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("given", [None, 5, Sample(id="1", label=0)])
def test_what_is_no_list_is_a_sentence_too(given):
    with pytest.raises(DataError, match="data set 'listing'"):
        labelled(Listing(given), Path())


def test_a_disk_that_cannot_be_read_is_no_fault_of_the_sets_code():
    with pytest.raises(MachineError, match="cannot use /images: "):
        labelled(Listing(OSError(errno.EIO, "Input/output error", "/images")), Path())


def test_an_interrupt_is_one():
    with pytest.raises(KeyboardInterrupt):
        labelled(Listing(KeyboardInterrupt()), Path())


# --- both classes


def test_each_split_without_a_class_is_named():
    samples = [
        *(Sample(id=f"a{number}", label=0, split="train") for number in range(3)),
        *(Sample(id=f"b{number}", label=number % 2, split="validation") for number in range(3)),
        *(Sample(id=f"c{number}", label=1, split="test") for number in range(2)),
    ]
    with pytest.raises(DataError, match="FNR and FPR are undefined on the set") as caught:
        require_both_classes("the set", samples)
    assert caught.value.faults == [
        "the train split has 0 positives in 3 images",
        "the test split has 2 positives in 2 images",
    ]


def test_a_set_without_a_split_needs_both_as_a_whole():
    require_both_classes("the set", [replace(sample, split=None) for sample in GOOD])
    with pytest.raises(DataError) as caught:
        require_both_classes("the set", [replace(sample, split=None, label=1) for sample in GOOD])
    assert caught.value.faults == ["the whole set has 4 positives in 4 images"]
