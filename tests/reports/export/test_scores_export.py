"""Every figure can be counted again from the published scores."""

import csv
import gzip
import io
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.reports.export.scores_export import to_scores


def read(data):
    return list(csv.DictReader(io.StringIO(gzip.decompress(data).decode(), newline="")))


def counted(rows):
    """The AUC of each network by pairs: a positive above a negative is 1, beside it a half."""
    of = defaultdict(list)
    for row in rows:
        if row["split"] == "test":
            key = (row["group"], row["entry"], int(row["fold"] or 0), int(row["seed"]), float(row["density"]))
            of[key].append((int(row["label"]), float(row["score"])))
    return {
        key: np.mean([(p > n) + (p == n) / 2 for one, p in own for other, n in own if (one, other) == (1, 0)])
        for key, own in of.items()
    }


@pytest.mark.parametrize("folds", [None, 3])
def test_auc_of_every_cell_is_counted_again(drawn_results, folds):
    drawn = drawn_results.Drawn(seed=1, folds=folds).design(["lt", "snip"], seeds=(0, 1), failed=[("lt", 0.25)])
    results = results_of(drawn)
    found = counted(read(to_scores(results)))
    done = results.cells[results.cells["status"] == "done"]
    told = {
        (
            cell["group"],
            cell["entry"],
            0 if pd.isna(cell["fold"]) else int(cell["fold"]),
            cell["seed"],
            cell["density"],
        ): cell["test/auc"]
        for cell in done.to_dict("records")
    }
    assert found == pytest.approx(told, abs=1e-12)


def results_of(drawn):
    from harness.results import reading

    return reading.results_of("spots", [run.read(whole=False) for run in drawn.recorded()], [])


def test_a_score_is_the_very_float32_and_no_digit_longer(drawn_results):
    results = results_of(drawn_results.Drawn().design(["lt"]))
    rows = read(to_scores(results))
    written = {(row["entry"], float(row["density"]), row["split"], row["id"]): row["score"] for row in rows}
    assert len(written) == len(results.scores)
    for row in results.scores.to_dict("records"):
        text = written[row["entry"], row["density"], row["split"], row["id"]]
        assert np.float32(text) == np.float32(row["score"]) == row["score"]
        assert len(text.lstrip("-").replace(".", "").lstrip("0").partition("e")[0]) <= 9


def test_a_score_that_is_no_float32_keeps_all_its_digits(usual):
    results = usual.results()
    scores = results.scores.assign(score=0.1)
    assert {row["score"] for row in read(to_scores(replace(results, scores=scores)))} == {"0.1"}


def test_the_bytes_do_not_depend_on_the_order_or_the_clock(usual, monkeypatch):
    results = usual.results()
    before = to_scores(results)
    turned = replace(results, scores=results.scores[::-1].reset_index(drop=True), cells=results.cells[::-1])
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert to_scores(turned) == before


def test_nothing_in_a_name_or_an_id_is_run_or_hides(usual):
    results = usual.results()
    scores = results.scores.assign(id=[f'=1+1\u202e,"{index}' for index in range(len(results.scores))])
    (first, *_) = read(to_scores(replace(results, scores=scores)))
    assert first["id"].startswith("'=1+1\\u202e,\"")


def test_without_scores_there_is_the_header(usual):
    empty = replace(usual.results(), scores=pd.DataFrame())
    assert gzip.decompress(to_scores(empty)) == b"group,entry,fold,seed,density,split,id,label,score\n"
