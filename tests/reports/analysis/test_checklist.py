"""Each item of the checklist, met, met in part and not."""

import inspect
from dataclasses import replace

import pytest

from harness.methods.layerwise import MagnitudeLayerwise, RandomLayerwise
from harness.reports.analysis.checklist import (
    DEFAULT_OF,
    MAGNITUDE_LAYERWISE,
    RANDOM_LAYERWISE,
    Answer,
    Item,
    checklist,
)
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words import checklist as words
from harness.reports.words.checklist import checked

pytestmark = pytest.mark.usefixtures("uncounted")

YES, PARTLY, NO = Answer.YES, Answer.PARTLY, Answer.NO
FIVE = (0.5, 0.25, 0.125, 0.0625, 0.03125)
WHOLE = {"weights": "kaiming", "dataset_version": "1", "citation": "A 2016", "split_seed": 0, "split": "seed"}


def told(source="A 2019", code="a.module", **others):
    return {"family": "trained", "source": source, "code": code, "version": "a 1"} | others


@pytest.fixture
def ran(trial):
    """``ran(entries, ...)`` returns the board of entries at levels; of each method what is ``told``."""

    def run(entries=("lt", "snip"), levels=(0.5,), seeds=(0, 1, 2), flops=100.0, missed=6, methods=None, **facts):
        made = trial(positives=20, negatives=20).entry("dense", 1.0, 6, seeds=seeds)
        for entry in entries:
            control = entry.startswith("random")
            for level in levels:
                own = {"control": control, "size/flops": flops, "cost/steps": facts.get("steps", {}).get(entry, 10.0)}
                made.entry(entry, level, missed, seeds=seeds, **own)
        names = {entry.partition("[")[0] for entry in entries}
        methods = {name: told() for name in names} | (methods or {})
        facts.pop("steps", None)
        (board,) = leaderboard(made.results(**WHOLE | {"methods": methods} | facts))
        return board

    return run


CASES = [
    (Item.CONTEXT, {"entries": ("lt", "snip", "magnitude"), "methods": {"lt": told("Reed 1993")}}, YES),
    (Item.CONTEXT, {"entries": ("lt", "snip", "magnitude")}, PARTLY),
    (Item.CONTEXT, {"entries": ("lt",)}, NO),
    (Item.DETAIL, {}, YES),
    (Item.DETAIL, {"methods": {"lt": told(source="")}}, PARTLY),
    (Item.DETAIL, {"entries": ("lt",), "methods": {"lt": told(code="")}}, NO),
    (Item.DETAIL, {"entries": ()}, NO),
    (Item.CLAIMS, {}, YES),
    (Item.CODE, {}, YES),
    (Item.CODE, {"methods": {"snip": told(code="")}}, PARTLY),
    (Item.CODE, {"entries": ("lt",), "methods": {"lt": {}}}, NO),
    (Item.NETWORK, {}, YES),
    (Item.NETWORK, {"schedule": None}, PARTLY),
    (Item.NETWORK, dict.fromkeys(("network", "size", "weights", "schedule")), NO),
    (Item.ARCHITECTURE, {}, PARTLY),
    (Item.ARCHITECTURE, {"network": ""}, NO),
    (Item.DATA, {}, YES),
    (Item.DATA, {"citation": None}, PARTLY),
    (Item.MACHINE, {}, YES),
    (Item.MACHINE, {"versions": None}, PARTLY),
    (Item.MACHINE, {"versions": None, "environment": None}, NO),
    (Item.LEVELS, {"missed": 15, "levels": FIVE}, YES),
    (Item.LEVELS, {"levels": FIVE}, PARTLY),
    (Item.LEVELS, {"missed": 15, "levels": FIVE[:4]}, PARTLY),
    (Item.LEVELS, {"entries": ()}, NO),
    (
        Item.LEVELS,
        {"entries": ("random",), "missed": 15, "levels": FIVE},
        PARTLY,
    ),  # no method's fall
    (Item.RAW, {}, YES),
    (Item.SEEDS, {}, YES),
    (Item.SEEDS, {"weights": "simulated"}, PARTLY),
    (Item.SEEDS, {"seeds": (0, 1)}, PARTLY),
    (Item.SEEDS, {"seeds": (0,)}, NO),
    (Item.ERROR_BARS, {}, YES),
    (Item.ERROR_BARS, {"seeds": (0,)}, PARTLY),
    (Item.FLOPS, {}, YES),
    (Item.FLOPS, {"flops": float("nan")}, NO),
    (Item.RANDOM, {"entries": ("random[scope=global]",)}, YES),
    (Item.RANDOM, {"entries": ("random",)}, PARTLY),
    (Item.RANDOM, {}, NO),
    (Item.RANDOM_LAYERWISE, {"entries": ("snip", "random-layerwise")}, YES),
    (Item.RANDOM_LAYERWISE, {"entries": ("lt[rate=0.5]", "random-layerwise[of=lt[rate=0.5],seed=1]")}, YES),
    (Item.RANDOM_LAYERWISE, {"entries": ("lt[rate=0.5]", "snip", "random-layerwise[of=lt[rate=0.5]]")}, PARTLY),
    (Item.RANDOM_LAYERWISE, {"entries": ("lt[rate=0.5]", "random-layerwise[of=lt]")}, NO),
    (Item.RANDOM_LAYERWISE, {}, NO),
    (Item.MAGNITUDE, {"entries": ("magnitude[scope=layer]",)}, YES),
    (Item.MAGNITUDE, {}, NO),
    (Item.MAGNITUDE_LAYERWISE, {"entries": ("snip", "magnitude-layerwise", "magnitude")}, YES),
    (Item.MAGNITUDE_LAYERWISE, {"entries": ("snip", "lt", "magnitude-layerwise[of=snip]")}, PARTLY),
    (Item.MAGNITUDE_LAYERWISE, {}, NO),
    (Item.OTHERS, {}, YES),
    (Item.OTHERS, {"entries": ("lt", "magnitude", "random")}, PARTLY),
    (Item.OTHERS, {"entries": ("magnitude", "mine"), "methods": {"mine": told(source="")}}, NO),
    (Item.ALIKE, {}, YES),
    (Item.ALIKE, {"steps": {"snip": 20.0}}, PARTLY),
]


def test_each_item_is_tried_in_more_ways_than_one():
    tried = {item: {answer for one, _, answer in CASES if one == item} for item in Item}
    always, below = {Item.CLAIMS}, {Item.RAW}
    assert {item for item in Item if len(tried[item]) < 2} == always | below


@pytest.mark.parametrize(("item", "about", "answer"), CASES)
def test_an_item_is_answered_from_the_results(ran, item, about, answer):
    board = ran(**about)
    (found,) = (one for one in checklist(board) if one.item == item)
    assert found.answer == answer, found
    line = checked(board)[[*Item].index(item)]
    assert line.answer == answer.value
    assert line.why.endswith(".")
    assert "{" not in line.why


def test_missing_networks_are_named(trial):
    made = trial(positives=40, negatives=40).entry("dense", 1.0, 12).entry("lt", 0.5, 12).entry("snip", 0.5, 12)
    (board,) = leaderboard(made.lose("snip", seed=1).results())
    (raw,) = (one for one in checklist(board) if one.item == Item.RAW)
    assert (raw.answer, raw.lacks) == (PARTLY, ("snip",))
    (empty,) = (one for one in checklist(replace(board, levels=(), cells=())) if one.item == Item.RAW)
    assert empty.answer == NO


def test_flops_that_some_entries_lack_are_met_in_part(ran):
    board = ran()
    cells = [replace(one, metrics={}) if one.entry == "snip" else one for one in board.cells]
    (found,) = (one for one in checklist(replace(board, cells=tuple(cells))) if one.item == Item.FLOPS)
    assert (found.answer, found.has, found.lacks) == (PARTLY, ("lt",), ("snip",))


def test_an_entry_that_lacks_a_level_is_no_comparison(trial):
    made = trial(positives=40, negatives=40).entry("dense", 1.0, 12).entry("magnitude", 0.5, 12).entry("lt", 0.5, 12)
    (board,) = leaderboard(made.entry("lt", 0.25, 12).results())
    (found,) = (one for one in checklist(board) if one.item == Item.MAGNITUDE)
    assert found.answer == NO


def test_the_layerwise_controls_keep_the_layers_of_this_method_by_themselves():
    for kind, name in ((RandomLayerwise, RANDOM_LAYERWISE), (MagnitudeLayerwise, MAGNITUDE_LAYERWISE)):
        assert inspect.signature(kind).parameters["of"].default == DEFAULT_OF, name


def test_every_line_has_words_of_its_own(ran):
    lines = checked(ran(entries=("lt", "snip", "magnitude", "random"), levels=(0.5,)))
    assert len({line.asked for line in lines}) == len(lines) == len(Item)
    assert [line.group for line in lines] == sorted((one.group for one in lines), key=GROUPS.index)
    assert not [word for line in lines for word in Answer if line.why.lower() == word.value]


GROUPS = [words.METHODS, words.RUN, words.RESULTS, words.BESIDE]


def test_long_lists_are_counted(ran):
    entries = tuple(f"lt[rate=0.{rate}]" for rate in range(11, 23))
    lines = checked(ran(entries=entries, levels=(0.5,), seeds=(0,)))
    (line,) = (one for one in lines if one.asked.startswith("Random pruning that keeps"))
    assert "and 5 more: add random-layerwise" in line.why
