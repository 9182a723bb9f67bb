import base64
import re

from harness.reports.charts.still import picture, svg


def test_a_still_picture_shows_every_character():
    title = "a\u202e\x1b\u200b"
    drawn = picture({"title": title, "data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {}})
    text = base64.b64decode(drawn.partition(",")[2]).decode()
    assert r"a\u202e\x1b\u200b" in text
    assert not set(title[1:]) & set(text)


def test_circles_are_written_as_such_and_stand_where_they_stood():
    values = [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    marks = {"mark": "circle", "encoding": {axis: {"field": axis, "type": "quantitative"} for axis in "xy"}}
    drawn = svg({"data": {"values": values}, "width": 100, "height": 100, "config": {"aria": False}, **marks})
    places = re.findall(r'<circle cx="([^"]+)" cy="([^"]+)" r="2.7"', drawn)
    assert [tuple(map(float, place)) for place in places] == [(0.0, 100.0), (100.0, 0.0)]
    assert "<path transform" not in drawn
