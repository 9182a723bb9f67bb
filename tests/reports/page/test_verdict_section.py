"""The page's answers: all five with their reasons, silence where nothing can be said, and no false winner or "safe"."""

import re
from html import unescape

import numpy as np
import pytest

from harness.reports.page import figures, page
from harness.reports.publishing.page_header import report_place

SEEDS = (0, 1, 2)
MARGIN = {"delta": 0.15}
"""A loss that 30 positives can be shown to lie below, with little to spare."""
NOT_RUN = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])


def sections(results):
    """Return the HTML of each section."""
    return re.findall(r'<section class="group".*?</section>', page.render(results, report_place()), re.DOTALL)


def shown(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def table(html, heading):
    """Return each row below a table's heading that holds these words, as (class, text) of its cells."""
    found = next(one for one in re.findall(r"<table.*?</table>", html, re.DOTALL) if heading in one.partition("/tr")[0])
    return cells(re.findall(r"<tr.*?</tr>", found, re.DOTALL)[1:])


def ranked(html, level):
    """Return each entry's row of the leaderboard at a level, as (class, text) of its cells."""
    bodies = re.findall(rf'<tbody data-level="{level}">.*?</tbody>', html, re.DOTALL)
    return cells(
        row for body in bodies for row in re.findall(r"<tr class.*?</tr>", body, re.DOTALL) if "data-entry" in row
    )


def cells(rows):
    """Return (class, text) of each cell of some rows."""
    cells = [
        re.findall(r'<t[hd](?: scope="row")?(?: class="([^"]*)")?[^>]*>(.*?)</t[hd]>', row, re.DOTALL) for row in rows
    ]
    return [[(kind, shown(text)) for kind, text in row] for row in cells]


def verdicts(html):
    """Return the cells of each entry in the table of answers: answer, levels, deployed cut."""
    return {row[0][1].split()[0]: row[1:] for row in table(html, ">At the deployed cut<") if "loss:" in row[0][1]}


def reasons(html):
    """Return what each entry's level is told with, of the table of reasons."""
    return {(row[0][1], row[1][1]): (row[2][1], row[3][1]) for row in table(html, ">Why<")}


def strong(bench, scores, seeds=SEEDS, group="g"):
    """A dense network that finds every positive at 30% false alarms, and an entry for each answer that it allows.

    With 20 alarms, `missed` positives lie below every cut: `lose` loses 20 of 30, `unsure` 1, 2 and 3 of them.
    """
    for seed in seeds:
        bench.done("dense", seed, 1.0, scores(1, 4, seed=seed), group=group)
        bench.done("hold", seed, 0.5, scores(1, 4, seed=seed + 50), group=group)
        bench.done("lose", seed, 0.5, scores(20, 20, seed=seed), group=group)
        bench.done("unsure", seed, 0.5, scores(1 + seed, 20, seed=seed), group=group)
    return bench


def weak(bench, scores, missed, group):
    """A dense network that finds 30 less `missed` positives at 30% false alarms, and an entry as good."""
    for seed in SEEDS:
        bench.done("dense", seed, 1.0, scores(missed, 20, seed=seed), group=group)
        bench.done("same", seed, 0.5, scores(missed, 20, seed=seed + 50), group=group)


def test_all_answers_stand_on_a_page_each_with_its_reason(bench, scores):
    strong(bench, scores)
    weak(bench, scores, 20, "guessing")
    weak(bench, scores, 14, "middling")
    strong(bench, scores, seeds=(0,), group="once")
    sure, guessing, middling, once = sections(bench.results(verdict=MARGIN))
    answers = {entry: cells[0][1].partition(" by itself")[0] for entry, cells in verdicts(sure).items()}
    assert answers == {"hold": "safe to 50%", "lose": "loses positives", "unsure": "undecided"}
    assert [cells[0][1] for cells in verdicts(guessing).values()] == ["dense too weak"]
    assert [cells[0][1] for cells in verdicts(middling).values()] == ["dense not strong"]
    assert {cells[0][1] for cells in verdicts(once).values()} == {"anecdote"}
    # 20 of 30 and 2 of 30 positives lie below each of these entries' cuts, none below dense's.
    told = reasons(sure)
    assert told["hold", "50%"][0] == "safe"
    assert told["hold", "50%"][1].startswith("loses nothing, at most ")
    assert told["lose", "50%"][1].startswith("loses 66.7 points, at least ")
    assert told["unsure", "50%"][1].startswith("loses 6.7 points, at most ")
    assert "would decide" in told["unsure", "50%"][1]
    assert "finds 3.3 points more than guessing" in reasons(guessing)["same", "50%"][1]
    assert "finds 23.3 points more than guessing" in reasons(middling)["same", "50%"][1]
    assert "fewer than 3 networks" in reasons(once)["hold", "50%"][1]


def test_the_table_has_the_loss_with_the_bound_that_decides(bench, scores):
    (html,) = sections(strong(bench, scores).results(verdict=MARGIN))
    found = verdicts(html)
    assert found["hold"][1][0] == "safe"
    assert re.fullmatch(r"✓ safe none lost, at most [\d.]+", found["hold"][1][1])
    assert re.fullmatch(r"✗ loses positives 66\.7 points lost, at least [\d.]+", found["lose"][1][1])
    assert re.fullmatch(r"\? undecided 6\.7 points lost, at most [\d.]+", found["unsure"][1][1])
    assert [cells[1][0] for cells in found.values()].count("safe") == 1
    assert found["hold"][2][1].startswith("50%: within the margin: missed 0, at most ")
    for words in ("Judged where every network calls 30% of the negatives", "3 seeds, 30 tested positives"):
        assert words in shown(html)


def test_below_a_stop_nothing_reads_as_safe(bench, scores):
    strong(bench, scores)
    for seed in SEEDS:
        bench.done("hold", seed, 0.25, scores(20, 20, seed=seed))
        bench.done("hold", seed, 0.125, scores(1, 4, seed=seed + 70))
    (html,) = sections(bench.results(verdict=MARGIN))
    answer, *levels, _ = verdicts(html)["hold"]
    assert answer[1].startswith("safe to 50%")
    assert [kind for kind, _ in levels] == ["safe", "loses", "below beyond"]
    assert re.fullmatch(r"↓ below a stop .+, at most [\d.]+", levels[2][1])
    assert reasons(html)["hold", "12.5%"][0] == "below a stop"


def test_a_network_that_calls_everything_positive_is_never_safe(bench, scores):
    """It ranks as well as dense does, but its cut lies below every test image; or all its scores are the same."""
    for seed in SEEDS:
        own = scores(1, 4, seed=seed)
        bench.done("dense", seed, 1.0, own)
        bench.done("caller", seed, 0.5, own + 0.001, validated=own - 9)
        bench.done("flat", seed, 0.5, np.full(70, 0.5))
    (html,) = sections(bench.results())
    assert 'class="safe' not in html
    assert {entry: cells[0][1] for entry, cells in verdicts(html).items()} == dict.fromkeys(
        ("caller", "flat"), "no verdict"
    )
    assert "every image is called positive at the deployed cut" in verdicts(html)["caller"][1][1]
    assert "100% of the images have one and the same score" in verdicts(html)["flat"][1][1]


def test_twenty_equal_methods_are_twenty_ties(bench):
    """Each method has a bent of its own, each network noise of its own, and all of them find the same images hard."""
    labels, draw = np.arange(70) < 30, np.random.default_rng(5).normal
    images = 1.2 * labels + 0.8 * draw(size=70)
    for name in ("dense", *(f"equal{number:02}" for number in range(20))):
        bent = images + 0.3 * draw(size=70)
        for seed in SEEDS:
            bench.done(name, seed, 1.0 if name == "dense" else 0.5, bent + 0.5 * draw(size=70))
    (html,) = sections(bench.results())
    rows = ranked(html, 0.5)
    assert len(rows) == 20
    assert {row[0] for row in rows} == {("rank", "1 a")}
    assert 'class="safe' not in html
    assert "safe to" not in shown(html)


@pytest.mark.parametrize(("fold", "said"), [(None, "diverged in seed 1"), (2, "diverged in seed 1 of fold 2")])
def test_a_missing_network_leaves_no_verdict_and_is_named(bench, scores, fold, said):
    for part in (None,) if fold is None else (1, 2, 3):
        for seed in SEEDS:
            bench.done("dense", seed, 1.0, scores(1, 4, seed=seed), fold=part)
            if (part, seed) == (fold, 1):
                bench.missing("lt", 1, 0.5, "diverged", "loss became NaN", fold=part)
            else:
                bench.done("lt", seed, 0.5, scores(1, 4, seed=seed + 50), fold=part)
    (html,) = sections(bench.results())
    assert verdicts(html)["lt"][0][1] == "no verdict"
    assert verdicts(html)["lt"][1] == ("none", f"{NOT_RUN} no verdict {said}")
    (row,) = ranked(html, 0.5)
    assert (row[0][1], row[-1][1]) == (NOT_RUN, f"{2 if fold is None else 8}/{3 if fold is None else 9}")


@pytest.mark.parametrize(("seeds", "title"), [((0,), "One run is an anecdote"), ((0, 1), "Two runs are anecdotes")])
def test_below_three_networks_there_is_no_rank_and_no_verdict_but_a_banner(bench, scores, seeds, title):
    (html,) = sections(strong(bench, scores, seeds).results())
    text = shown(html)
    assert text.index(title) < text.index("No verdict:")
    assert 'class="safe' not in html
    assert set(re.findall(r'<td class="rank"[^>]*>(.*?)</td>', html)) == {NOT_RUN}
    assert "safe to" not in text
    assert "at most" not in verdicts(html)["hold"][1][1]
    assert "no ranks below three networks" in text
    assert "method 0." not in text
    assert "networks 0." in text


def test_both_intervals_are_labelled_from_three_networks_on(bench, scores):
    (html,) = sections(strong(bench, scores).results())
    row = ranked(html, 0.5)[0]
    assert re.fullmatch(r"[\d.]+ method [\d.]+ to [\d.]+ networks [\d.]+ to [\d.]+", row[3][1])
    assert re.fullmatch(r"[\d.]+% method [\d.]+% to [\d.]+% networks [\d.]+% to [\d.]+%", row[4][1])


def test_a_control_is_marked_and_told_first_where_it_passes(bench, scores):
    for seed in SEEDS:
        bench.done("dense", seed, 1.0, scores(1, 4, seed=seed))
        bench.done("lt", seed, 0.5, scores(1, 4, seed=seed + 50))
        bench.done("random", seed, 0.5, scores(1, 4, seed=seed + 90))
    (html,) = sections(bench.results())
    assert shown(re.search(r'<p class="answer">.*?</p>', html).group()).startswith("A control passes: “random”")
    assert [row[0][1] for row in table(html, ">At the deployed cut<")] == [
        "lt loss: plain",
        "random control loss: plain",
    ]
    assert html.count('<span class="badge quiet">control</span>') == 2  # leaderboard and answers


def test_folds_are_one_section_and_the_official_split_is_another(bench, scores):
    for part in (1, 2, 3, 4, 5):
        bench.done("dense", 0, 1.0, scores(1, 4, seed=part), fold=part)
        bench.done("lt", 0, 0.5, scores(1, 4, seed=part + 50), fold=part)
    bench.done("dense", 0, 1.0, scores(1, 4), group="official")
    bench.done("lt", 0, 0.5, scores(1, 4, seed=50), group="official")
    folds, official = map(shown, sections(bench.results()))
    assert "Group 1 of 2, not to be compared with the others" in folds
    assert "5 folds of 1 seed, 150 tested positives" in folds
    assert "5/5" in folds
    assert "One run is an anecdote" in official
    assert "One run is an anecdote" not in folds
    assert "1 seed, 30 tested positives" in official


def test_what_is_safe_alone_and_not_among_all_says_so(bench, scores):
    """One of 30 positives lost: below 15 points at 5%, not so at the half of it that two entries leave for each."""
    lost = np.where(np.arange(70) == 0, -4.0, 0)
    for seed in SEEDS:
        bench.done("dense", seed, 1.0, scores(0, 0, seed=seed))
        bench.done("edge", seed, 0.5, scores(0, 0, seed=seed + 50) + lost)
        bench.done("hold", seed, 0.5, scores(0, 0, seed=seed + 90))
    (html,) = sections(bench.results(verdict=MARGIN))
    found = verdicts(html)
    assert found["edge"][0][1] == "safe to 50% by itself; among all 2: not shown"
    assert "a loss of 15 points of the positives is too large" in shown(html)
    assert found["hold"][0][1] == "safe to 50%"
