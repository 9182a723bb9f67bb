import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reports.publishing.slugs import slug

HOSTILE = ["<script>", "../../x", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "con", "CON", "lpt1", ".git", "-rf"]
HOSTILE += [
    "index.html",
    "results.json",
    "a\0b",
    "\udc80",
    "\u202egpj",
    "\N{LATIN SMALL LETTER SHARP S}",
    "x" * 300,
    "a--b",
    "a b",
]


@pytest.mark.parametrize("name", ["isic", "isic-sim", "alexnet-bn", "wide_resnet50-2", "0"])
def test_plain_names_stay(name):
    assert slug(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_names_become_safe(name):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*--[0-9a-f]{12}", slug(name))
    assert len(slug(name)) <= 64


def test_no_two_names_share_a_folder():
    names = [*HOSTILE, "isic", "ISIC", "Isic", "isic ", " isic", "isic.", "isic!", "a-b", "a_b", "x" * 299]
    names += [slug(name) for name in names if slug(name) != name]  # the folder of one as the name of another
    found = {name: slug(name).casefold() for name in dict.fromkeys(names)}
    assert len(set(found.values())) == len(found)


@given(st.text(alphabet=string.printable + "\u00e9\u212a", max_size=80), st.text(alphabet="aA-_.1 ", max_size=8))
def test_any_name_is_safe_and_its_own(first, second):
    for name in (first, second):
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", slug(name))
        assert slug(name) == slug(name)
    assert (slug(first) == slug(second)) == (first == second)
