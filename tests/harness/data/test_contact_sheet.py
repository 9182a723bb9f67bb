import numpy as np
import pytest
from PIL import Image

from harness.data import Dataset, Sample, Unreadable
from harness.data.contact_sheet import COLUMNS, ROWS, SIDE, Section, Tile, contact_sheet, drawn
from harness.images.decoding import Conversion

EDGE, GAP, FIRST = 28, 12, 28 + 52 + 46  # of the paper, between images, where the first row begins
WHITE = (255, 255, 255)


class Plain(Dataset):
    """Each image has one colour, by its number."""

    name, version, classes, licence, citation = "plain", "2", ("fine", "ill"), "none", "none"

    def samples(self, folder):
        return [Sample(id=f"{number:03d}", label=int(number % 5 == 0)) for number in range(200)]

    def images(self, samples, size):
        for sample in samples:
            yield np.full((3, size, size), int(sample.id), dtype=np.uint8)


def test_positives_stand_first_each_image_in_its_place_spread_over_all():
    sheet = contact_sheet(Plain(), Plain().samples(None), Conversion())
    assert sheet.size == (2 * EDGE + COLUMNS * (SIDE + GAP) - GAP, 2 * EDGE + 52 + 2 * (46 + ROWS * (SIDE + 30 + GAP)))
    positives = [5 * (place * 40 // 24) for place in range(24)]
    for place, number in enumerate(positives):
        left, top = EDGE + place % COLUMNS * (SIDE + GAP), FIRST + place // COLUMNS * (SIDE + 30 + GAP)
        tile = np.asarray(sheet.crop((left, top, left + SIDE, top + SIDE)))
        assert (tile == number).all()
    below = FIRST + ROWS * (SIDE + 30 + GAP) + 46
    assert sheet.getpixel((EDGE + 1, below + 1)) == (1, 1, 1)  # the first negative is number 1


@pytest.mark.parametrize("name", ["x" * 300, "train/malignant/" + "i" * 80 + "/ISIC_0000001.jpg", "ä\x1b[31mß.png", ""])
def test_a_long_name_stays_below_its_image(name):
    tiles = [Tile(np.zeros((3, SIDE, SIDE), dtype=np.uint8), name, "train")] * 2
    sheet = np.asarray(drawn("set", "", [Section("ill", "positive", tiles)]))
    captions = sheet[FIRST + SIDE : FIRST + SIDE + 30]
    assert (captions[:, EDGE + SIDE + 1 : EDGE + SIDE + GAP] == 255).all()
    assert not name or (captions[:, EDGE : EDGE + SIDE] != 255).any()


def test_an_image_that_cannot_be_read_says_why_within_its_square():
    tiles = [Tile(Unreadable("no reason that fits into a short line " * 9), "a.png", "")]
    sheet = drawn("set", "", [Section("ill", "positive", tiles)])
    square = np.asarray(sheet.crop((EDGE, FIRST, EDGE + SIDE, FIRST + SIDE)).convert("L"))
    assert (square < 160).any()
    assert sheet.getpixel((EDGE + SIDE + 3, FIRST + 10)) == WHITE


def test_a_class_without_images_has_a_heading_alone():
    assert drawn("set", "", [Section("ill", "positive, 0 images", [])]).height == 2 * EDGE + 52 + 46


def test_the_scale_of_deep_images_is_that_of_the_whole_set(tmp_path):
    """The positives alone would be read as 10 bits, four times as bright as a run has them."""

    class Deep(Plain):
        def samples(self, folder):
            return [Sample(id=f"{number}", label=number % 2, path=folder / f"{number}.png") for number in range(4)]

    for number in range(4):
        values = np.full((SIDE, SIDE), 1000 if number % 2 else 4000, dtype=np.uint16)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
    sheet = contact_sheet(Deep(), Deep().samples(tmp_path), Conversion())
    assert sheet.getpixel((EDGE + 5, FIRST + 5))[0] == round(1000 * 255 / 4095)
