from dataclasses import replace

from harness.data import Sample
from harness.data.inspection import Inspection
from harness.integrity.data_findings import findings_of

CLASSES = ("fine", "ill")
SAMPLES = [
    Sample(id=f"{number}.png", label=int(number in (2, 3)), split="train" if number < 4 else "test", group=group)
    for number, group in enumerate(["g", None, "h", None, "g", None])
]
SOUND = Inspection(samples=SAMPLES, missing=[], broken=[], same_bytes=[], same_pixels=[], alike=[], torn=[])


def told(**changes):
    return [(one.verdict, one.subject, one.text) for one in findings_of(replace(SOUND, **changes), CLASSES)]


def test_a_sound_set_is_told_to_be_so():
    samples = [replace(one, split=None) for one in SAMPLES]
    assert told(samples=samples) == [
        ("ok", "files", "all 6 images can be read"),
        ("ok", "classes", "both classes"),
        ("ok", "copies", "no image is there twice, as a file or by its pixels at 128 px"),
        ("ok", "looks", "no two images look alike"),
        ("ok", "groups", "none of 2 groups is in two splits"),
    ]


def test_each_file_that_cannot_be_read_is_named_with_its_reason():
    assert told(broken=[("x.png", "the file is empty"), ("y.png", "cut")], missing=["z.png"])[:4] == [
        ("bad", "files", "1 images are labelled and their files not here, such as z.png"),
        ("bad", "files", "x.png: the file is empty"),
        ("bad", "files", "y.png: cut"),
        ("bad", "files", "2 of 8 files cannot be read"),
    ]


def test_copies_that_a_run_refuses_are_bad_and_others_noted():
    copies = [one for one in told(same_bytes=[(0, 4), (2, 3)], same_pixels=[(1, 2, 5)]) if one[1] == "copies"]
    assert copies == [
        ("bad", "copies", "the same file, in two splits: 0.png (train, fine), 4.png (test, fine)"),
        ("note", "copies", "the same file: 2.png (train, ill), 3.png (train, ill)"),
        (
            "bad",
            "copies",
            "the same at 128 px, in two splits, under both labels: 1.png (train, fine), 2.png (train, ill), 5.png"
            " (test, fine)",
        ),
        ("bad", "copies", "a run refuses copies in two splits or under both labels"),
    ]


def test_what_looks_alike_is_noted_with_what_matters_first():
    looks = [one[2] for one in told(alike=[(0, 1), (2, 4)]) if one[1] == "looks"]
    assert looks == [
        "alike, in two splits, under both labels: 2.png (train, ill), 4.png (test, fine)",
        "alike: 0.png (train, fine), 1.png (train, fine)",
        "4 images look like another one, 2 of them in two splits or under both labels: perhaps one picture saved twice",
    ]


def test_of_many_groups_twenty_are_shown_and_of_many_members_four():
    samples = [Sample(id=f"{number}", label=number % 2) for number in range(200)]
    looks = [one[2] for one in told(samples=samples, alike=[(n, n + 2) for n in range(0, 100, 4)]) if one[1] == "looks"]
    assert (len(looks), looks[20]) == (22, "5 more groups look alike, all in --json")
    (first, _) = [one[2] for one in told(samples=samples, alike=[(0, 2, 4, 6, 8, 10)]) if one[1] == "looks"]
    assert first == "alike: 0 (fine), 2 (fine), 4 (fine), 6 (fine), and 2 more"


def test_torn_groups_and_a_split_of_one_class_are_bad():
    assert ("bad", "groups", "g is in two splits") in told(torn=["g"])
    assert ("bad", "classes", "the test split has one class alone") in told()


def test_what_was_told_while_decoding_is_noted():
    assert ("note", "files", "read as 12 bits") in told(notes=["read as 12 bits"])
