"""Figures as files: each format is what it says, as wide as a column or a page, and names the entries."""

import re
import struct
import xml.etree.ElementTree as ElementTree

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.differences import differences
from harness.reports.export.figure_files import figure_files
from harness.reports.export.formats import FigureFormat


@pytest.fixture
def chart(usual):
    (board,) = leaderboard(usual.results())
    return differences(board)[1]


def files(chart, kind):
    return dict(figure_files(chart, FigureFormat(kind)))


def test_an_svg_holds_the_entries_on_white(chart):
    found = files(chart, "svg")
    assert list(found) == ["difference-auc.svg", "difference-auc-column.svg"]
    for content, inches in zip(found.values(), (7.0, 3.4), strict=True):
        root = ElementTree.fromstring(content)
        assert float(root.get("width")) / 96 == pytest.approx(inches, abs=0.01)
        texts = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
        assert {"lt", "random", "dense"} <= texts
        assert 'fill="white"' in content.decode()[:400]
        points = [float(size) * 72 / 96 for size in re.findall(r'font-size="([\d.]+)px"', content.decode())]
        assert min(points) >= 8


def test_a_pdf_is_as_wide_as_the_page_of_a_paper(chart):
    for content, inches in zip(files(chart, "pdf").values(), (7.0, 3.4), strict=True):
        assert content.startswith(b"%PDF-")
        width = float(re.search(rb"MediaBox\s*\[\s*0 0 ([\d.]+)", content).group(1))
        assert width / 72 == pytest.approx(inches, abs=0.02)


def test_a_png_has_300_dots_an_inch_and_says_so(chart):
    for content, inches in zip(files(chart, "png").values(), (7.0, 3.4), strict=True):
        assert content.startswith(b"\x89PNG")
        (width,) = struct.unpack(">I", content[16:20])
        assert width / 300 == pytest.approx(inches, abs=0.02)
        place = content.find(b"pHYs") + 4
        assert struct.unpack(">IIB", content[place : place + 9]) == (11811, 11811, 1)  # dots a metre
