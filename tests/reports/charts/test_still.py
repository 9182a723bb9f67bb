import base64

from harness.reports.charts.still import picture


def test_a_still_picture_shows_every_character():
    title = "a\u202e\x1b\u200b"
    drawn = picture({"title": title, "data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {}})
    text = base64.b64decode(drawn.partition(",")[2]).decode()
    assert r"a\u202e\x1b\u200b" in text
    assert not set(title[1:]) & set(text)
