import io

import pytest
from rich.console import Console

from harness.progress import Reporter
from harness.running.job_lines import JobLines
from harness.running.job_watcher import StageEnd
from harness.running.stage_lines import StageLines, in_words
from harness.storage.store import Store


def end(kind="train", what="", steps=0, replayed=False):
    return StageEnd(kind, what, "0123456789abcdef", steps, 12.34, 12.0, replayed)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (end(steps=1500), "train 01234567: computed in 12.3 s and 1,500 steps"),
        (end(replayed=True, steps=1500), "train 01234567: from the store"),
        (end("compute", "harness.methods.snip._saliency"), "compute saliency 01234567: computed in 12.3 s"),
        (end("pretrain", "alexnet-bn"), "pretrain alexnet-bn 01234567: computed in 12.3 s"),
        (end("train", "mobilenet-v1[width=0.5]"), "train mobilenet-v1[width=0.5] 01234567: computed in 12.3 s"),
    ],
)
def test_a_stage_is_said_in_words(stage, words):
    assert in_words(stage) == words


def reporter(*, verbose):
    return Reporter(Console(file=io.StringIO(), width=200), verbose=verbose)


def test_every_stage_of_a_store_is_told_as_it_is_computed_and_found_again(tmp_path):
    telling = reporter(verbose=True)
    store = Store(tmp_path, watcher=StageLines(telling))
    keys = [store.run("images", {"name": "x"}, lambda _: 7).key[:8] for _ in range(2)]
    first, second = telling.console.file.getvalue().splitlines()
    assert first.startswith(f"images {keys[0]}: computed in 0.0 s")
    assert second == f"images {keys[0]}: from the store"


@pytest.mark.parametrize("verbose", [False, True])
def test_a_jobs_stages_are_told_with_the_job_where_details_are_wanted(verbose):
    telling = reporter(verbose=verbose)
    with telling.task("Training and scoring", 3, "cells") as task:
        lines = JobLines(task, lambda job: f"{job} seed 0", lambda _: [1.0, 0.25])
        lines.began("lt")
        lines.told("lt", "stage", end(replayed=True))
    told = telling.console.file.getvalue().splitlines()
    assert told == (["lt seed 0 at 100 %: train 01234567: from the store"] if verbose else [])
