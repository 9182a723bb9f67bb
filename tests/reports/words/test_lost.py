import pytest

from harness.reports.analysis.lost_by_image import LostImage, LostLevel
from harness.reports.words.lost import what_is_lost, whose


def level(entries, *images):
    return LostLevel(0.5, entries, images, 10, ())


FIVE = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("entries", "missing", "text"),
    [
        (FIVE, ("b",), "missed by b"),
        (FIVE, ("a", "c", "d"), "found by b, e"),
        (FIVE, FIVE, "all miss it"),
        (("a",), ("a",), ""),
        ((*FIVE, "f", "g", "h"), ("a", "b", "c", "d"), "missed by a, b, c and 1 more"),
    ],
)
def test_the_fewer_are_named(entries, missing, text):
    image = LostImage("i", missing, 0, 3)
    assert whose(image, level(entries, image)) == text


def test_a_level_in_a_sentence():
    images = (LostImage("i", ("a", "b"), 0, 3), LostImage("j", ("a",), 1, 3), LostImage("k", ("a", "b"), 2, 3))
    wanted = (
        "3 of 10 positives are missed by an entry or more, 2 by all 2 entries; most dense networks find 2 of these."
    )
    assert what_is_lost(level(("a", "b"), *images)) == wanted
