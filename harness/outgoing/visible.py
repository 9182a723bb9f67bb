"""Text in which every character shows: nothing commands a terminal, turns a line round or hides in a name."""

import re

# Printable by Unicode's categories, and drawn as nothing at all: joiners, fillers, variation selectors, a blank.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    r"""Return text in which every character shows: escapes, line ends, direction marks as \x1b, \n, \u202e."""
    if text.isascii() and text.isprintable():  # nearly all there is, and charts hold thousands
        return text
    return "".join(char if char.isprintable() and not _UNSEEN.match(char) else _escaped(char) for char in text)


def visible_lines(text: str) -> str:
    """Return text of several lines with every character but the line ends made `visible`."""
    return "\n".join(map(visible, text.split("\n")))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
