"""Each name that a result goes by is written once, in `harness.results.names`."""

import ast
from pathlib import Path

import numpy as np
import pytest

from harness.evaluation.figures import evaluate
from harness.evaluation.thresholds import choose
from harness.results import names
from harness.results.names import Field

ROOT = Path(__file__).parents[3]
FOLDERS = ("harness/running", "harness/results", "reports")
SOURCES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
ORDINARY = {"VALIDATION", "TEST", "RESULT", "STUDY", "TRIAL", "PLAIN_LOSS", "AUC", "AP", "POSITIVES", "NEGATIVES"}
ORDINARY |= {"LATENCY", "MEMORY"}
"""Words that stand for other things too."""
PROTOCOL = {
    **{key: {names.DONE} for key in ("job_process.py", "executor.py", "pool.py", "across_sets.py")},
    **{key: {names.PROBE} for key in ("job_lines.py", "job_watcher.py")},
}
"""What a worker says when it has done a job, a key of results.json (how many networks a row has), a kind of stage."""
FRAMES = (
    *("harness/results/reading.py", "reports/analysis/outcomes.py"),
    *("reports/export/csv_export.py", "reports/export/scores_export.py"),
)
"""The only files that know the columns of `Results`."""

NAMES = {value for word, value in vars(names).items() if word.isupper() and word not in ORDINARY}
COLUMNS = {value for word, value in vars(Field).items() if word.isupper()}


def texts(path):
    """Return every literal text in a file, also the fixed parts of one with values in it."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def read_columns(path):
    """Return every literal that a file takes a column by: frame["entry"], row.get("entry")."""
    for node in ast.walk(ast.parse(path.read_text())):
        taken = [node.slice] if isinstance(node, ast.Subscript) else node.args if isinstance(node, ast.Call) else []
        yield from (one.value for one in taken if isinstance(one, ast.Constant))


def test_there_is_something_to_look_for():
    assert {"dense", "diverged", "flag/collapsed", "harness.entry", "cell.json", "fn/sens95"} <= NAMES
    assert {"run_id", "entry", "score"} <= COLUMNS
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_written_again(path):
    if path.name != "names.py":
        assert texts(path) & NAMES - PROTOCOL.get(path.name, set()) == set()
        assert not [text for text in texts(path) if text.startswith((f"{names.TEST}/", f"{names.VALIDATION}/"))]


@pytest.mark.parametrize("name", FRAMES)
def test_no_column_is_written_again(name):
    assert COLUMNS & set(read_columns(ROOT / name)) == set()


def test_the_rest_of_the_reports_knows_no_columns():
    for path in (ROOT / "reports").rglob("*.py"):
        if str(path.relative_to(ROOT)) not in FRAMES:
            assert "results.scores" not in path.read_text()
            assert "results.cells[" not in path.read_text()


def test_what_is_counted_on_a_split_goes_by_the_names_that_count_it():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.5, 2.0])
    cuts = {name: threshold.value for name, threshold in choose(labels, scores).items()}
    counted = {names.AUC, names.AP, names.ACCURACY, names.POSITIVES, names.NEGATIVES}
    counted |= {names.MISSED, names.ALARMS, names.MISSED_ARGMAX, names.ALARMS_ARGMAX}
    assert counted <= set(evaluate(labels, scores, cuts))
    assert names.SENS95 in {names.THRESHOLD + name for name in cuts}
    assert names.on(names.TEST, names.AUC) == "test/auc"
