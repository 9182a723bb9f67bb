from dataclasses import replace

import numpy as np

from harness.evaluation.proportions import paired_upper_bound
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.headline import answer


def answered(results):
    (board,) = leaderboard(results)
    return answer(board)


def test_the_smallest_safe_network_is_named_with_all_that_reach_it(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    for entry, density in (("a", 0.25), ("b", 0.25), ("c", 0.5)):
        bench.done(entry, 0, density, scores())
    assert answered(bench.results()) == [
        "The smallest network shown to be safe keeps 25% of the weights: “a” and “b”.",
        "Every entry has a safe level below dense.",
    ]


def test_those_without_a_safe_level_are_counted(usual):
    assert answered(usual.results())[1] == ("Of 3 entries, 1 had a safe level, 1 had none and 1 could not be judged.")


def test_where_none_is_safe_it_says_so_and_how_many_could_not_be_judged(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("flat", 0, 0.5, np.full(70, 0.25), collapsed=1.0)
    bench.missing("snip", 0, 0.5, "failed", "no reason")
    assert answered(bench.results()) == [
        "No entry is shown to be safe at any level below dense.",
        "1 of 2 could not be judged.",
    ]


def test_too_few_positives_say_how_many_are_needed(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    few = [f"image{index:03d}" for index in (*range(10), *range(30, 70))]
    results = bench.results()
    first, second = answered(replace(results, scores=results.scores[results.scores["id"].isin(few)]))
    assert first == "No answer: 10 positives in the test split are too few."
    needed = next(n for n in range(1, 100) if paired_upper_bound(0, 0, n) < 0.1)
    assert f"within 10 points of it; at least {needed} positives are needed" in second


def test_without_anything_to_compare_there_is_no_answer(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    assert answered(bench.results()) == ["Nothing was pruned yet."]
    bench.missing("lt", 0, 0.5, "failed", "no reason")
    assert answered(bench.results()) == [
        "No answer: no entry has a level that could be compared with the dense network."
    ]
    assert answered(bench.results(void=True)) == ["No answer: the dense network itself has not learnt the task."]
