"""`harness gate` as a user meets it: exit codes, the sentence, the lost positives, a cell beside a file of scores."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import HarnessError
from harness.gating import sides
from harness.gating.scores_file import read_scores

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text().split("\n## JSON\n")[1]
POSITIVES, NEGATIVES = 300, 900


def scores_of(missed, seed=0):
    """Scores of a network that misses the last ``missed`` positives at any false alarms below one half."""
    generator = np.random.default_rng(seed)
    found = np.arange(POSITIVES) < POSITIVES - missed
    own = np.where(found, 2.0, -2.0) + generator.uniform(0, 0.5, POSITIVES)
    return [*own, *generator.uniform(0, 1, NEGATIVES)]


@pytest.fixture
def file(tmp_path):
    def written(name, scores, ids=None):
        ids = ids or [f"image-{number:04d}" for number in range(POSITIVES + NEGATIVES)]
        rows = [f"{ids[place]},{int(place < POSITIVES)},{float(score)}" for place, score in enumerate(scores)]
        (tmp_path / name).write_text("\n".join(["id,label,score", *rows]))
        return tmp_path / name

    return written


@pytest.fixture
def baseline(file):
    return file("old.csv", scores_of(15))


def gated(*words):
    return CliRunner().invoke(app, ["gate", *map(str, words)], env={"COLUMNS": "80"})


def test_what_loses_nothing_passes(file, baseline):
    done = gated(file("new.csv", scores_of(12, seed=1)), "--against", baseline)
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert told.startswith("PASS: the candidate finds 1 point more, or loses at most")
    assert "Every positive that the baseline finds the candidate finds, too." in told
    assert "300 positives and 900 negatives; a loss of 10 points is too large." in told
    assert "Said of these two networks on these images, and of no method." in told
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_planted_lossy_candidate_is_caught_and_what_it_loses_is_named(file, baseline):
    done = gated(file("new.csv", scores_of(60, seed=1)), "--against", baseline)
    assert done.exit_code == 6, done.output
    told = " ".join(done.stdout.split())
    assert "FAIL: the candidate loses 15 points of the positives, at least 11." in told
    assert "The baseline finds and the candidate misses 45 positives: image-0240, image-0241," in told
    assert told.count("image-") == 20
    assert "and 25 more" in told


def test_what_cannot_be_said_is_not_said(file, baseline):
    tied = [*scores_of(15)[:POSITIVES], *[0.25] * 500, *scores_of(15)[POSITIVES + 500 :]]
    for new, old, delta, why in (
        (scores_of(16), scores_of(15), 0.01, "positives, with as many negatives each, would decide"),
        (scores_of(200), scores_of(198), 0.10, "A smaller --max-loss asks for less of it."),
        (tied, scores_of(15), 0.10, "gives 41.7% of the images one and the same score"),
    ):
        done = gated(file("new.csv", new), "--against", file("old.csv", old), "--max-loss", delta)
        assert done.exit_code == 7, done.output
        assert done.stdout.startswith("UNDECIDED: ")
        assert why in " ".join(done.stdout.split())


def test_every_key_is_documented_and_the_values_are_those_of_the_text(file, baseline):
    new = file("new.csv", scores_of(60, seed=1))
    asked = ["--threshold", "0.6", "--baseline-threshold", "0.5", "--json"]
    done = gated(new, "--against", baseline, "--fpr", "0.2", "--max-loss", "0.05", *asked)
    assert done.exit_code == 6
    found = json.loads(done.stdout)
    (row,) = [line for line in DOCUMENTED.splitlines() if line.startswith("| `gate` |")]
    known = {*re.findall(r"`([a-z_0-9]+)`", row)}
    assert {*found, *found["candidate"], *found["loss"], *found["deployed"], *found["lift"]} <= known
    assert (found["answer"], found["fpr"], found["max_loss"]) == ("loses positives", 0.2, 0.05)
    assert (found["positives"], found["negatives"]) == (POSITIVES, NEGATIVES)
    assert found["loss"]["value"] == pytest.approx(0.15)
    assert found["lost"] == [f"image-{number:04d}" for number in range(240, 285)]
    assert found["candidate"]["threshold"] == 0.6
    assert found["deployed"]["missed"]["value"] == pytest.approx(0.15)
    assert found["deployed"]["within"] is False


def test_what_takes_the_answer_its_meaning_is_said_first(monkeypatch, file, baseline):
    spoiled = replace(read_scores(file("new.csv", scores_of(12, seed=1))), limits=("SIMULATED IMAGES.",))
    monkeypatch.setattr(sides, "read_sides", lambda *_: (spoiled, read_scores(baseline)))
    assert gated("new.csv", "--against", baseline).stdout.startswith("The candidate: SIMULATED IMAGES.\n\nPASS: ")
    found = json.loads(gated("new.csv", "--against", baseline, "--json").stdout)
    assert next(iter(found)) == "limits"
    assert found["limits"] == ["The candidate: SIMULATED IMAGES."]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--max-loss", "0.5"], 2, ["--max-loss 0.5 is not above 0 and below 0.5"]),
        (["--fpr", "1", "--max-loss", "0"], 2, ["--fpr 1 is", "--max-loss 0 is"]),
        (["--threshold", "nan"], 2, ["a threshold of nan cuts nothing"]),
        (["--baseline-scores", "x.csv"], 2, ["has scores of its own"]),
        (["--scores", "x.csv"], 2, ["has scores of its own"]),
    ],
)
def test_bad_options_are_refused_together(file, baseline, words, code, said):
    done = gated(file("new.csv", scores_of(0)), "--against", baseline, *words)
    assert isinstance(done.exception, HarnessError)
    assert done.exception.exit_code == code
    for one in said:
        assert one in str(done.exception)


def test_other_images_are_refused(file, baseline):
    other = [f"other-{number}" for number in range(POSITIVES + NEGATIVES)]
    done = gated(file("new.csv", scores_of(0), other), "--against", baseline)
    assert done.exception.exit_code == 4
    assert "new.csv lacks 1200 of 1200 images of old.csv: image-0000" in str(done.exception)
