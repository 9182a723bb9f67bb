import unicodedata

import pytest

from harness.outgoing.visible import visible, visible_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a \x1b[2J\u202e\n“é”", r"a \x1b[2J\u202e\n“é”"),
        ("\0\a\b\x7f\x9b", r"\x00\x07\x08\x7f\x9b"),
        ("\u200b\u200d\u2060\ufeff\u00ad", r"\u200b\u200d\u2060\ufeff\xad"),
        ("\u2066\u2069\u061c\u200f", r"\u2066\u2069\u061c\u200f"),
        ("\u3164\u115f\uffa0\u2800\u034f\ufe0f", r"\u3164\u115f\uffa0\u2800\u034f\ufe0f"),
        ("\u00a0\u2028\u3000", r"\xa0\u2028\u3000"),
        ("\udc80\U000e0041\U000e0100", r"\udc80\U000e0041\U000e0100"),
        ("lt[rate=0.5] Müller 概念 \uff1d 👍", "lt[rate=0.5] Müller 概念 \uff1d 👍"),
    ],
)
def test_every_character_shows(hostile, shown):
    assert visible(hostile) == shown
    assert visible(shown) == shown


def test_no_control_and_no_format_character_of_unicode_is_left():
    everything = "".join(map(chr, range(0x110000)))
    assert not {unicodedata.category(char) for char in visible(everything)} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_lines_stay_lines():
    assert visible_lines("a\x1b\n\tb\r\n") == "a\\x1b\n\\tb\\r\n"
