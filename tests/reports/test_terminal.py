import io
import re
from dataclasses import replace

import numpy as np
from rich.console import Console

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.terminal import summary


def printed(results, width=80):
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(summary(results))
    return stream.getvalue()


def entries_of(text):
    """Return the entries of the table from top to bottom, by the word before their first figure."""
    return re.findall(r"^([a-z][\w-]*) +[*!]*\d\.\d{3}", text, re.MULTILINE)


def test_twenty_entries_at_seven_levels_read_at_80_columns(bench, scores):
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(1, 4, seed=seed))
        for number in range(20):
            entry = f"class-dependent-lt-{number}" if number % 2 else f"lt{number}"
            for power in range(1, 7 if number < 4 else 2):
                bench.done(entry, seed, 0.5**power, scores(number, 20, seed=seed + power))
    text = printed(bench.results())
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "…" not in text
    heads = next(line.split() for line in lines if line.startswith("entry"))
    assert heads == ["entry", "100%", "50%", "25%", "12.5%", "6.25%", "3.12%", "1.56%", "answer"]
    joined = " ".join(text.split())
    for told in ("AUC, sensitivity at equal false alarms, false alarms deployed", "* nobody is shown to be better"):
        assert told in joined


def test_it_shows_auc_sensitivity_alarms_failures_and_the_answer(usual):
    """Of lt at 50%: the mean AUC; all positives found at 30% false alarms; 4 of 40 false alarms in two of three."""
    text = printed(usual.results())
    (board,) = leaderboard(usual.results())
    row = next(row for row in board.levels[1].rows if row.entry == "lt")
    lines = text.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("lt "))
    shown = [lines[place + below].split()[1 if below == 0 else -1 :] for below in range(3)]
    assert shown[0] == [f"{usual_auc(usual):.3f}", f"*{row.auc.value:.3f}", "safe", "to", "50%"]
    assert shown[1] == ["100%"]
    assert shown[2] == [f"{100 * row.figures['alarms'].share:.3g}%"]
    assert re.search(r"^random +0\.\d+ loses positives", text, re.MULTILINE)
    assert re.search(r"^snip +0\.\d+ +no verdict", text, re.MULTILINE)
    assert "2 of 3" in text
    assert "“lt” down to 50%" in text
    assert "diverged snip: loss became NaN" in text


def usual_auc(usual):
    """Return the mean AUC of the dense networks, counted pair by pair."""
    found = []
    images = usual.results().scores
    own = images[(images["entry"] == "dense") & (images["split"] == "test")]
    for _, rows in own.groupby("seed"):
        positives, negatives = (rows[rows["label"] == label]["score"].to_numpy() for label in (1, 0))
        found.append(np.mean(positives[:, None] > negatives))
    return np.mean(found)


def test_entries_stand_by_merit(bench, scores):
    """What is safe furthest down leads, then the higher AUC; the alphabet is the other way round."""
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(1, 4, seed=seed))
        for entry, half, quarter in (("d", 1, 1), ("c", 1, 25), ("b", 18, 18), ("a", 22, 22)):
            for density, missed in ((0.5, half), (0.25, quarter)):
                alarms = 4 if missed == 1 else 20
                bench.done(entry, seed, density, scores(missed, alarms, seed=seed + 50))
    text = printed(bench.results())
    assert entries_of(text) == ["dense", "d", "c", "b", "a"]
    answers = [line.split()[-3:] for line in text.splitlines() if line[:2] in ("d ", "c ", "b ", "a ")]
    assert answers[:2] == [["safe", "to", "25%"], ["safe", "to", "50%"]]
    assert [words[1:] for words in answers[2:]] == [["loses", "positives"]] * 2


def test_answers_have_at_most_three_words(bench, scores):
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(14, 20, seed=seed))
        bench.done("weak", seed, 0.5, scores(14, 20, seed=seed + 50))
    line = next(line for line in printed(bench.results()).splitlines() if line.startswith("weak "))
    assert line.split()[2:] == ["dense", "not", "strong"]


def test_a_star_is_where_nobody_is_shown_to_be_better(bench, scores):
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(1, 4, seed=seed))
        for entry, missed in (("good", 1), ("alike", 1), ("poor", 25)):
            bench.done(entry, seed, 0.5, scores(missed, 4 if missed == 1 else 20, seed=seed + len(entry)))
    text = printed(bench.results())
    stars = dict(re.findall(r"^(good|alike|poor) +(\*?)\d", text, re.MULTILINE))
    assert stars == {"good": "*", "alike": "*", "poor": ""}


def test_collapsed_and_failed_cells_are_marked(usual):
    for seed in (0, 1):
        usual.done("flat", seed, 0.5, np.full(70, 0.25), collapsed=1.0)
        usual.missing("mobilenet", seed, 0.5, "skipped", "too narrow")
    text = printed(usual.results())
    assert "!0.500" in text
    assert "skipped" in text


def test_names_cannot_command_the_terminal(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("\x1b]0;owned\x07[red]\n", 0, 0.5, scores())
    text = printed(bench.results("\x1b[2J"), width=200)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"\x1b]0;owned\x07[red]\n" in text


def test_the_banner_stands_above_the_table(usual):
    text = printed(usual.results(simulated=True))
    assert text.index("Simulated images") < text.index("random")


def test_one_run_has_neither_stars_nor_verdicts(make):
    text = printed(make())
    assert "One run is an anecdote" in text
    assert not re.search(r"\*\d", text)
    assert "safe to" not in text
    answers = [line.split()[-1] for line in text.splitlines() if line.startswith(("lt ", "snip "))]
    assert answers == ["anecdote", "anecdote"]


def test_studies_follow_the_table_a_line_each(tuned, record, written):
    results = tuned.results(setting="s")
    plain = printed(results)
    assert "trials" not in plain
    kept = record("random", "random", best=written()["best"] | {"parameters": record().default, "value": 0.7})
    nothing = record("snip", "snip", best=None, trials=[])
    lines = printed(replace(results, studies=(record(), kept, nothing))).splitlines()
    found = [line.rstrip() for line in lines if line.startswith("tuned ")]
    assert found == [
        "tuned lt: rate 0.75 -> 0.612, validation AUC 0.700 -> 0.710 (7 trials)",
        "tuned random: default kept, validation AUC 0.700 (7 trials)",
        "tuned snip: no trial gave a network (7 trials)",
    ]
    assert printed(replace(results, studies=(record(setting="another"),))) == plain


def test_long_studies_are_folded_below_their_own_column(tuned, record, written):
    names = [f"parameter_{number}" for number in range(6)]
    best = written()["best"] | {"parameters": dict.fromkeys(names, 2.0)}
    wide = record("x" * 100 + "\x1b", "y", best=best, default=dict.fromkeys(names, 1.0), objective="fnr")
    text = printed(replace(tuned.results(setting="s"), studies=(wide,)))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    joined = text[text.index("tuned xxx") :].splitlines()
    assert all(line.startswith("      ") for line in joined[1:4])
    assert "parameter_5 1 -> 2" in " ".join(text.split())
    assert "validation FNR 70.0% -> 71.0% (7 trials)" in " ".join(text.split())


def test_the_sentence_of_a_skipped_entry_is_printed_once_for_all_its_cells(usual):
    why = "it needs images of 224 pixels, and these have 32"
    for entry in ("l-obs", "l-obs[images=64]"):
        for seed in (0, 1):
            for level in (0.5, 0.25):
                usual.missing(entry, seed, level, "skipped", why)
    text = " ".join(printed(usual.results()).split())
    assert text.count(f"skipped l-obs, l-obs[images=64]: {why}") == 1
    assert "diverged snip: loss became NaN" in text


def test_a_disconnected_network_is_told_with_its_layer(usual):
    flags = {"flag/disconnected": 1.0, "size/emptied": 1.0}
    usual.done("synflow", 0, 0.5, np.full(70, 0.25), collapsed=1.0, reason="conv4.weight\x1b has none\nmore", **flags)
    text = printed(usual.results())
    assert r"disconnected synflow: conv4.weight\x1b has none" in text
    assert "more" not in text


def test_what_a_loss_alone_did_is_a_line(crossed):
    lines = printed(crossed.results()).splitlines()
    (line,) = [line for line in lines if line.startswith("loss green")]
    cells = crossed.results().cells
    dense = cells[cells["density"] == 1].groupby("loss")["test/auc"].mean()
    assert line.startswith(f"loss green: {dense['green'] - dense['plain']:+.3f}, ")
    assert "(lt)" in line
    assert "alone did to the dense network" in " ".join(lines)


def test_a_loss_that_changes_is_told_as_its_first_rounds(changed, crossed):
    text = printed(changed.results())
    (line,) = [line for line in text.splitlines() if line.startswith("loss black")]
    assert line.startswith("loss black, first round's loss: ")
    assert line.rstrip().endswith("(lt)")
    assert "first round's loss: it changes later" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "first round" not in printed(crossed.results())


def test_without_pairs_nothing_is_said_of_losses(usual):
    assert "loss:" not in printed(usual.results())


def test_entries_stand_below_the_steps_that_they_took_at_each_level(budgeted, scores):
    for density, steps in ((0.25, 900.0), (0.125, 12000.0)):
        budgeted.done("lt", 0, density, scores(), **{"cost/steps": steps, "cost/processor_seconds": steps})
    text = printed(budgeted.results())
    told = ("steps", "dense", "random", "magnitude", "lt", "not")
    lines = [line.split() for line in text.splitlines() if line.split()[:1] and line.split()[0] in told]
    unknown = "\N{EN DASH}"
    assert [line if line[0] == "steps" else line[0] for line in lines] == [
        ["steps", "300", unknown, unknown, unknown],
        "dense",
        ["steps", unknown, "300", unknown, unknown],
        "random",
        ["steps", unknown, "600", unknown, unknown],
        "magnitude",
        ["steps", unknown, "600", "900", "12,000"],
        "lt",
        "not",
    ]
    assert max(len(line) for line in text.splitlines()) <= 80


def test_an_entry_has_the_processor_time_up_to_its_costliest_level(budgeted, scores):
    budgeted.done("lt", 0, 0.25, scores(), **{"cost/processor_seconds": 7200.0})
    text = printed(budgeted.results())
    assert re.findall(r"^(\w+) .*\nCPU (\S+ \w+)", text, re.MULTILINE) == [
        ("dense", "45 s"),
        ("random", "45 s"),
        ("lt", "2 h"),
        ("magnitude", "45 s"),
    ]
    assert text.count("CPU ") == 4  # of what was skipped there is none


def test_older_results_have_unknown_steps_and_times(usual):
    text = printed(usual.results())
    assert re.findall(r"^steps +(.*\S)", text, re.MULTILINE) == ["\N{EN DASH}      \N{EN DASH}"]
    assert text.count("CPU \N{EN DASH}") == 4


def test_the_probe_stands_above_dense_with_what_it_is(bench, scores):
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(missed=3, alarms=9, seed=seed), **{"cost/steps": 300.0})
        bench.done("probe", seed, 1.0, scores(seed=seed), **{"cost/steps": 0.0})
    found, text = leaderboard(bench.results())[0].probe, printed(bench.results())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert re.findall(r"^(probe|dense|steps) +(\S+)", text, re.MULTILINE) == [
        *(("steps", "0"), ("probe", f"{found.probe:.3f}"), ("steps", "300"), ("dense", f"{found.dense:.3f}")),
    ]
    assert f"Badly trained dense network: Its test AUC, {found.dense:.3f}, is not above" in " ".join(text.split())
    assert "probe: a logistic regression on the frozen features that training starts from." in text


def test_without_a_probe_nothing_is_said_of_it(usual):
    assert "probe" not in printed(usual.results())
