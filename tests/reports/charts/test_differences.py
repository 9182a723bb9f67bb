"""The difference charts beside contrasts counted by hand, and what of them is seen where."""

import re
from itertools import pairwise

import numpy as np
import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.differences import differences
from harness.reports.charts.main_entries import MOST, main_entries
from harness.reports.charts.still import svg


def board_of(made):
    (board,) = leaderboard(made.results())
    return board


@pytest.fixture(scope="module")
def kept():
    """Keep what takes long to compute for all tests that look at it."""
    return []


@pytest.fixture
def walked(trial, kept):
    """Two methods, one of them safe to a quarter; a control; one without a seed."""
    if not kept:
        made = trial().entry("dense", 1.0, 12)
        for density, missed in ((0.5, 12), (0.25, 13), (0.125, 60)):
            made.entry("lt", density, missed).entry("snip", density, missed + 20)
            made.entry("random", density, missed + 2, control=True)
        board = board_of(made.entry("gone", 0.5, 12, seeds=(0, 1)))
        kept.append((board, differences(board)))
    return kept[0]


def rows(chart):
    return {row["entry"]: row for row in chart.specification["data"]["values"]}


def test_the_charts_hold_the_contrasts_of_the_board(walked):
    board, (sensitivity, auc) = walked
    assert (sensitivity.name, auc.name) == ("difference-sensitivity", "difference-auc")
    for one in board.verdicts:
        if one.entry == "gone":
            assert "gone" not in rows(auc)
            continue
        found, aucs = rows(sensitivity)[one.entry], rows(auc)[one.entry]
        assert found["density"] == aucs["density"] == [0.5, 0.25, 0.125]
        for place, step in enumerate(one.steps):
            low, high = step.judgement.loss.interval()
            told = [found[name][place] for name in ("value", "low", "high")]
            assert told == pytest.approx([-100 * step.judgement.loss.value, -100 * high, -100 * low], abs=0.01)
            told = [aucs[name][place] for name in ("value", "low", "high")]
            assert told == pytest.approx([step.auc.value, *step.auc.interval()], abs=1e-4)


def test_below_three_networks_the_bands_are_of_these_networks_and_the_caption_says_so(walked, trial):
    few = trial().entry("dense", 1.0, 12, seeds=(0, 1)).entry("lt", 0.5, 30, seeds=(0, 1))
    board = board_of(few)
    (step,) = board.verdicts[0].steps
    sensitivity, auc = differences(board)
    low, high = step.auc.of_these_networks.interval()
    assert [rows(auc)["lt"][name][0] for name in ("low", "high")] == pytest.approx([low, high], abs=1e-4)
    assert "these networks only" in sensitivity.caption
    assert "these networks only" not in walked[1][0].caption


def test_the_margin_is_a_dashed_line_of_sensitivity_alone(walked):
    sensitivity, auc = (svg(one.specification, 640) for one in walked[1])
    assert ">margin \N{MINUS SIGN}10<" in sensitivity
    assert "margin" not in auc
    assert sensitivity.count('stroke-dasharray="6,4"') == 1
    for drawn in (sensitivity, auc):
        assert ">dense<" in drawn


def test_every_line_has_its_name_beside_it_and_controls_are_grey_and_dashed(walked):
    drawn = svg(walked[1][1].specification, 640)
    colours = dict(re.findall(r'<text[^>]* fill="(#\w+)"[^>]*>(lt|snip|random)<', drawn))
    assert sorted(colours.values()) == ["lt", "random", "snip"]
    assert "#5a6672" in colours
    assert drawn.count('stroke-dasharray="3,3"') == 1


def test_sixty_entries_have_six_bands_and_the_others_are_thin(trial):
    made = trial(positives=20, negatives=30).entry("dense", 1.0, 2)
    for number in range(20):
        made.entry(f"entry{number:02d}", 0.5, 3 + number // 2).entry(f"entry{number:02d}", 0.25, 4 + number // 2)
    board = board_of(made)
    drawn = svg(differences(board)[1].specification, 640)
    assert len(re.findall(r'<path d="[^"]*Z" fill="#\w+" opacity="0.07"/>', drawn)) == MOST
    assert len(re.findall(r'stroke-width="1.2"[^>]*opacity="0.55"', drawn)) == 20
    named = set(re.findall(r">(entry\d\d)<", drawn))
    assert named == set(main_entries(board))
    aucs = {}
    for row in (row for level in board.levels if level.density < 1 for row in level.rows):
        aucs.setdefault(row.entry, []).append(row.auc.value)
    assert named == set(sorted(aucs, key=lambda entry: np.mean(aucs[entry]))[-MOST:])


def test_safe_entries_come_before_better_ones(trial):
    """`best` has the better AUC on the whole, and loses positives at the first level."""
    made = trial().entry("dense", 1.0, 12)
    for level, safe, best in ((0.5, 13, 60), (0.25, 90, 2)):
        made.entry("safe", level, safe).entry("best", level, best)
    board = board_of(made)
    assert [one.entry for one in board.verdicts if one.density] == ["safe"]
    assert main_entries(board)[0] == "safe"


def test_letters_are_never_smaller_than_eleven_pixels(walked):
    for chart in walked[1]:
        for width in (340, 640):
            sizes = re.findall(r'font-size="(\d+)px"', svg(chart.specification, width))
            assert min(map(int, sizes)) >= 11


def test_labels_do_not_overlap(walked):
    drawn = svg(walked[1][0].specification, 340)
    found = re.findall(r'<text text-anchor="start" transform="translate\([\d.]+,([\d.-]+)\)"', drawn)
    heights = sorted(map(float, found))
    assert len(heights) == 4
    assert all(after - before > 11 for before, after in pairwise(heights))


def test_without_anything_to_compare_there_is_no_chart(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    assert differences(board_of(bench)) == ()


def test_a_missing_level_breaks_the_line_and_a_hostile_name_stays_inert(trial):
    name = '</script><b x="1">\u202e'
    made = (
        trial().entry("dense", 1.0, 12).entry(name, 0.5, 13).entry(name, 0.25, 13, seeds=(0, 1)).entry(name, 0.125, 20)
    )
    chart = differences(board_of(made))[1]
    assert rows(chart)[name]["value"][1] is None
    drawn = svg(chart.specification, 640)
    assert "<b" not in drawn
    assert "\u202e" not in drawn
    assert "</script><b" in chart.words


def test_a_line_begins_at_dense_where_its_network_before_pruning_is_the_dense_one(bench, scores):
    for seed in (0, 1, 2):
        dense, other = scores(2, 4, seed=seed), scores(3, 4, seed=seed + 9)
        bench.done("dense", seed, 1.0, dense)
        for entry, unpruned in (("lt", dense), ("green", other)):
            bench.done(entry, seed, 1.0, unpruned)
            bench.done(entry, seed, 0.5, scores(5, 4, seed=seed + 20 + (entry == "lt")))
    (board,) = leaderboard(bench.results())
    for chart in differences(board):
        rows = {row["entry"]: row for row in chart.specification["data"]["values"]}
        assert [row["density"] for row in rows.values()] == [[1.0, 0.5]] * 2
        assert [rows["lt"][name][0] for name in ("value", "low", "high")] == [0, 0, 0]
        step = next(one.steps[0] for one in board.verdicts if one.entry == "green")
        found = -100 * step.judgement.loss.value if chart.name == "difference-sensitivity" else step.auc.value
        assert step.density == 1
        assert rows["green"]["value"][0] == pytest.approx(found, abs=0.01)
