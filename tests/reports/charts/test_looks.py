from itertools import pairwise

import pytest

from harness.reports.charts.looks import COLOURS, DASHES, SHAPES, brief, entry_colour, entry_dash, levels_axis, spread
from harness.reports.charts.still import svg


def test_twenty_entries_differ_in_colour_or_dash_and_neighbours_in_both():
    entries = [f"entry{number}" for number in range(56)]
    colours, dashes = (look(entries, set())["scale"]["range"] for look in (entry_colour, entry_dash))
    assert len({(colour, dash) for colour, dash in zip(colours, dashes, strict=True)}) == len(entries)
    assert all(one != other for looks in (colours, dashes) for one, other in pairwise(looks))
    # In grey the dash alone is left: no two of seven in a row have the same.
    assert len(set(dashes[:7])) == 7
    assert (len(COLOURS), len(DASHES), len(SHAPES)) == (8, 7, 7)


def test_controls_share_one_grey_and_one_dash():
    entries, controls = ["lt", "random", "snip", "scratch"], {"random", "scratch"}
    for look in (entry_colour, entry_dash):
        lt, random, snip, scratch = look(entries, controls)["scale"]["range"]
        assert random == scratch
        assert len({lt, random, snip}) == 3


def ticks(levels):
    axis = levels_axis(levels, "room")
    return svg(
        {
            "width": 900,
            "data": {"values": [{"x": level} for level in levels]},
            "params": [{"name": "room", "value": 100}],
            "mark": "point",
            "encoding": {"x": {**axis, "field": "x"}},
        }
    )


@pytest.mark.parametrize(
    ("levels", "names"),
    [
        ([0.5, 0.25, 0.03125], ["50%", "25%", "3.12%"]),
        ([1.0, 0.1234, 0.12341], ["100%", "12.34%", "12.341%"]),
        ([0.0625], ["6.25%"]),
    ],
)
def test_ticks_are_named_as_the_tables_name_levels(levels, names):
    drawn = ticks(levels)
    assert [name for name in names if f">{name}<" in drawn] == names
    assert drawn.count("%</text>") == len(names)


@pytest.mark.parametrize(
    ("text", "letters", "said"),
    [
        ("lt", 5, "lt"),
        ("class-dependent-lt[scenario=green]", 13, "class-…green]"),
        ("abcdef", 5, "ab…ef"),
        ("abcde", 5, "abcde"),
    ],
)
def test_a_brief_text_keeps_its_beginning_and_its_end(text, letters, said):
    assert brief(text, letters) == said
    assert len(said) <= letters


def test_labels_are_spread_in_order_and_within_the_axis():
    heights = [5.0, 0.1, 0.0, 9.9, 9.95, 10.0, 5.2]
    found = spread(heights, 1.0, 0.0, 10.0)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = [found[one] for one in order]
    assert all(after - before >= 1 - 1e-9 for before, after in pairwise(placed))
    assert min(placed) >= 0
    assert max(placed) <= 10
    assert spread([3.0, 7.0], 1.0, 0.0, 10.0) == [3.0, 7.0]


def test_more_labels_than_there_is_room_for_lie_as_far_apart_as_they_can():
    assert spread([1.0, 1.0, 1.0], 9.0, 0.0, 10.0) == [0.0, 5.0, 10.0]
    assert spread([4.0], 9.0, 0.0, 10.0) == [4.0]
    assert spread([], 1.0, 0.0, 1.0) == []
