"""A picture of a data set: some images of each class side by side, as squares, as a network gets them."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from harness.data.dataset import Dataset, Sample
from harness.data.pictures import pictures
from harness.images.decoding import Conversion, bit_depth
from harness.images.unreadable import Unreadable
from harness.outgoing.visible import visible

COLUMNS, ROWS = 8, 3
SIDE = 128
_GAP, _CAPTION, _HEADING, _TITLE, _EDGE = 12, 30, 46, 52, 28
_PAPER, _INK, _PALE, _LINE, _EMPTY = "#ffffff", "#1b1f24", "#667080", "#d8dde3", "#f1f3f5"


class Tile(NamedTuple):
    """One image, uint8 (3, S, S), or why there is none, and the two lines below it."""

    image: npt.NDArray[np.uint8] | Unreadable
    name: str
    split: str


class Section(NamedTuple):
    """The images of one class below a heading."""

    heading: str
    remark: str
    tiles: Sequence[Tile]


def contact_sheet(dataset: Dataset, samples: Sequence[Sample], conversion: Conversion) -> Image.Image:
    """Return the sheet of a set: of each class, positives first, up to 24 images, evenly spread over their ids."""
    here = [sample for sample in samples if sample.is_here]
    depth = bit_depth([path for sample in here if (path := sample.path) is not None], conversion)
    sections = []
    for label, role in ((1, "positive"), (0, "negative")):
        own = [sample for sample in here if sample.label == label]
        shown = _spread(own, COLUMNS * ROWS)
        found = pictures(dataset, shown, SIDE, conversion, [], depth)
        tiles = [Tile(image, sample.id, sample.split or "") for sample, image in found]
        remark = f"{role}, {len(own):,} images" + (f", {len(shown)} shown" if len(shown) < len(own) else "")
        sections.append(Section(dataset.classes[label], remark, tiles))
    kind = "simulated images" if dataset.simulated else "images"
    remark = f"{len(here):,} {kind}, here as squares of {SIDE} px"
    return drawn(f"{dataset.name} {dataset.version}", remark, sections)


def drawn(title: str, remark: str, sections: Sequence[Section]) -> Image.Image:
    """Return a title and sections drawn on paper."""
    rows = [-(-len(section.tiles) // COLUMNS) for section in sections]
    width = 2 * _EDGE + COLUMNS * (SIDE + _GAP) - _GAP
    height = 2 * _EDGE + _TITLE + sum(_HEADING + count * (SIDE + _CAPTION + _GAP) for count in rows)
    paper = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(paper)
    _words(pen, (_EDGE, _EDGE), title, 24, remark)
    top = _EDGE + _TITLE
    for section, count in zip(sections, rows, strict=True):
        pen.line((_EDGE, top, width - _EDGE, top), fill=_LINE)
        _words(pen, (_EDGE, top + 12), section.heading, 17, section.remark)
        for place, tile in enumerate(section.tiles):
            column, row = place % COLUMNS, place // COLUMNS
            corner = (_EDGE + column * (SIDE + _GAP), top + _HEADING + row * (SIDE + _CAPTION + _GAP))
            _paste(paper, pen, corner, tile)
        top += _HEADING + count * (SIDE + _CAPTION + _GAP)
    return paper


def _spread(samples: Sequence[Sample], most: int) -> list[Sample]:
    """Return up to ``most`` samples at even distances, the first among them."""
    count = min(most, len(samples))
    return [samples[place * len(samples) // count] for place in range(count)]


def _paste(paper: Image.Image, pen: ImageDraw.ImageDraw, corner: tuple[int, int], tile: Tile) -> None:
    left, top = corner
    if isinstance(tile.image, Unreadable):
        pen.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), fill=_EMPTY, outline=_LINE)
        pen.text((left + 8, top + 8), _broken_into_lines(tile.image.reason), font=_font(11), fill=_PALE)
    else:
        paper.paste(Image.fromarray(np.ascontiguousarray(tile.image.transpose(1, 2, 0))), corner)
    pen.text((left, top + SIDE + 3), _short(tile.name, 11), font=_font(11), fill=_INK)
    pen.text((left, top + SIDE + 16), tile.split, font=_font(10), fill=_PALE)


def _words(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, remark: str) -> None:
    """Write a heading, and a remark in pale beside it, on one base line."""
    base = (place[0], place[1] + size)
    text = visible(text)
    pen.text(base, text, font=_font(size), fill=_INK, anchor="ls")
    after = base[0] + _font(size).getlength(text) + 12
    pen.text((after, base[1]), remark, font=_font(13), fill=_PALE, anchor="ls")


def _short(text: str, size: int) -> str:
    """Return a text that fits below an image: what is in its middle goes."""
    text = visible(text)
    kept = len(text)
    while kept > 1 and _font(size).getlength(_without_middle(text, kept)) > SIDE:
        kept -= 1
    return _without_middle(text, kept)


def _without_middle(text: str, kept: int) -> str:
    return text if kept >= len(text) else f"{text[: kept // 3]}...{text[len(text) - (kept - kept // 3) :]}"


def _broken_into_lines(text: str) -> str:
    lines = [""]
    for word in visible(text).split():
        if lines[-1] and _font(11).getlength(f"{lines[-1]} {word}") > SIDE - 16:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines[:8])


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
