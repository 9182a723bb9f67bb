"""Where the diagram's lines and names lie."""

import itertools

import pytest

from harness.reports.publishing.rank_diagram import AXIS, AXIS_WIDTH, NAME_STEP, rank_diagram

RANKS = {"a": 1.5, "b": 2.0, "c": 3.25, "d": 4.0, "e": 4.25}


def told(ranks, groups=(), difference=1.0):
    entries = [{"entry": name, "rank": rank, "low": rank, "high": rank} for name, rank in ranks.items()]
    return {"entries": entries, "groups": [list(group) for group in groups], "critical_difference": difference}


def test_every_entry_hangs_from_its_rank_and_the_ruler_has_the_axis_scale():
    found = rank_diagram(told(RANKS, difference=2.0))
    start, unit = found.axis.start, AXIS_WIDTH / 4
    assert (found.axis.end - start, found.axis.y) == (AXIS_WIDTH, AXIS)
    assert {one.name: one.x for one in found.leaders} == {
        name: pytest.approx(start + (rank - 1) * unit, abs=0.1) for name, rank in RANKS.items()
    }
    assert found.ruler.end - found.ruler.start == pytest.approx(2 * unit, abs=0.1)
    assert found.ticks == tuple((rank, pytest.approx(start + (rank - 1) * unit, abs=0.1)) for rank in range(1, 6))


def test_the_better_half_is_named_on_the_left_and_no_leader_crosses_a_name():
    found = rank_diagram(told(RANKS))
    left = [one for one in found.leaders if one.left]
    right = [one for one in found.leaders if not one.left]
    assert [one.name for one in left] == ["a", "b", "c"]
    assert [one.name for one in right] == ["e", "d"]
    # A leader ends above every one that it would cross on its way down.
    assert all(one.y < other.y for one, other in itertools.pairwise(left))
    assert all(one.x <= other.x for one, other in itertools.pairwise(left))
    assert all(one.x >= other.x for one, other in itertools.pairwise(right))
    assert {second.y - first.y for first, second in itertools.pairwise(left)} == {NAME_STEP}
    assert found.height >= max(one.y for one in found.leaders)


def test_a_bar_reaches_over_its_group_and_no_further_than_the_next_entry():
    found = rank_diagram(told(RANKS, groups=[("a", "b"), ("b", "c", "d")]))
    x = {one.name: one.x for one in found.leaders}
    first, second = found.bars
    assert first.start <= x["a"] < x["b"] <= first.end < x["c"]
    assert x["a"] < second.start <= x["b"] < x["d"] <= second.end < x["e"]
    assert AXIS < first.y < second.y < min(one.y for one in found.leaders)


def test_many_entries_have_few_ticks_and_long_names_are_cut():
    found = rank_diagram(told({f"{'n' * 60}{rank:02d}": float(rank) for rank in range(1, 31)}))
    assert len(found.ticks) <= 11
    assert max(len(one.name) for one in found.leaders) == 40
    assert all(one.name.endswith("…") for one in found.leaders)
    assert f"{'n' * 60}30 30.00" in found.words


@pytest.mark.parametrize("longest", [1, 12, 40])
def test_the_picture_is_as_wide_as_its_names_ask(longest):
    """A letter of the size that is drawn takes about 7 pixels."""
    found = rank_diagram(told({f"{rank}{'n' * (longest - 1)}": float(rank) for rank in range(1, 5)}))
    for one in found.leaders:
        end = found.axis.start - 14 - 7 * longest if one.left else found.axis.end + 14 + 7 * longest
        assert 0 < end < found.width
    assert found.ruler.end < found.width - 150
    assert rank_diagram(told(RANKS, difference=4.2)).ruler.end < rank_diagram(told(RANKS, difference=4.2)).width - 150


def test_the_words_say_all_that_is_drawn():
    found = rank_diagram(told({"a": 1.0, "b": 2.25, "c": 2.75}, groups=[("b", "c")], difference=1.5))
    assert found.words == (
        "Average ranks, 1 is best: a 1.00, b 2.25, c 2.75. Critical difference: 1.50. Not told apart: b and c."
    )
    assert rank_diagram(told(RANKS)).words.endswith("Not told apart: none.")
