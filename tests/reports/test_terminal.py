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


def test_it_reads_at_80_columns(usual, scores):
    for power in range(2, 7):
        for seed in (0, 1):
            usual.done("class-dependent-lt[scenario=black]", seed, 0.5**power, scores(seed=seed))
    text = printed(usual.results())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "1.56%" in text


def test_it_shows_auc_misses_failures_and_the_safe_level(usual):
    text = printed(usual.results())
    assert "*0.988" in text
    assert text.count("1/30") >= 3
    assert "1 of 2" in text
    assert "50%" in text
    assert "not measured" in " ".join(text.split())


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


def test_void_results_have_neither_stars_nor_verdicts(usual):
    """As on the page and in results.json."""

    def table(**facts):
        text = printed(usual.results(**facts))
        return text[text.index("entry ") : text.index("diverged snip")]

    assert {"*0.988", "50%", "none"} <= set(table().split()[4:])
    void = table(void=True)
    assert "0.988" in void
    assert "*" not in void
    assert not {"50%", "none", "not"} & set(void.split()[4:])


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
        *(("steps", "0"), ("probe", f"{found.probe:.3f}"), ("steps", "300"), ("dense", f"*{found.dense:.3f}")),
    ]
    assert f"Badly trained dense network: Its test AUC, {found.dense:.3f}, is not above" in " ".join(text.split())
    assert "probe: a logistic regression on the frozen features that training starts from." in text


def test_without_a_probe_nothing_is_said_of_it(usual):
    assert "probe" not in printed(usual.results())
