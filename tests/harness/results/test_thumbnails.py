import base64
import io
import json

import pytest
from PIL import Image

from harness.results.published import ReadDocument
from harness.results.thumbnails import thumbnails_of


def picture(grey=0, side=8, kind="JPEG"):
    written = io.BytesIO()
    Image.new("RGB", (side, side), (grey, grey, grey)).save(written, kind)
    return base64.b64encode(written.getvalue()).decode()


HUGE = base64.b64encode(b"\xff\xd8\xff" * 9000).decode()


def document(part, **images):
    return ReadDocument("run", json.dumps({"test_part": part, "images": images}))


def test_pictures_are_known_by_test_part_and_image_the_newest_of_each():
    first, second, newest = document("p", a=picture(0), b=picture(1)), document("q", a=picture(2)), picture(9)
    found = thumbnails_of([first, second, document("p", a=newest)])
    assert found == {"p": {"a": picture(9), "b": picture(1)}, "q": {"a": picture(2)}}


@pytest.mark.parametrize(
    "wrong",
    [
        '"><script>alert(1)</script>',
        picture(kind="PNG"),
        picture() + "é",
        7,
        None,
        HUGE,
    ],
)
def test_what_is_no_small_jpeg_is_left_out(wrong):
    assert thumbnails_of([document("p", a=wrong, b=picture())]) == {"p": {"b": picture()}}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"test_part": "p"}', '{"test_part": "p", "images": 3}'])
def test_a_document_that_cannot_be_read_has_none(text):
    assert thumbnails_of([ReadDocument("run", text, "cut")]) == {}
