"""What a notebook gets: frames that hold what was published, and an example that runs as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import harness.results
from harness.errors import UsageError
from harness.results import notebook, reading
from harness.results.mlflow_tracker import Tracker, default_uri
from harness.results.reading import Results

DOCS = Path(__file__).parents[3] / "docs"


def two_folds(drawn_results):
    """Two folds: dense and two methods at two levels, one of which failed at the smaller."""
    return drawn_results.Drawn(folds=2).design(["lt", "snip"], failed=[("lt", 0.25)])


@pytest.fixture
def found(monkeypatch, tmp_path, drawn_results):
    """What is loaded, as if MLflow had kept it."""
    recorded = [run.read(whole=False) for run in two_folds(drawn_results).recorded()]
    monkeypatch.setattr(notebook, "read", lambda _, __, name: reading.results_of(name, recorded, []))
    monkeypatch.setattr(notebook, "experiments", lambda *_: ["spots"])
    (tmp_path / "mlflow.db").touch()
    return harness.results.load("spots", store=tmp_path)


@pytest.fixture
def store(tmp_path, drawn_results):
    """A store that holds the same in MLflow."""
    tracker = Tracker(default_uri(tmp_path), tmp_path, "spots")
    for run in two_folds(drawn_results).runs.values():
        assert tracker.publish(run)
    return tmp_path


def test_a_row_of_cells_is_a_cell_and_of_scores_an_image(found):
    cells = found.cells
    assert found.dataset == "spots"
    assert len(cells) == 2 * (1 + 2 + 2)
    assert sorted(found.groups) == sorted(set(cells["group"]))
    assert "layers" not in cells
    done = cells[cells["status"] == "done"]
    assert len(found.scores) == 56 * len(done)  # 24 images of validation and 32 of test
    assert set(found.scores["split"]) == {"validation", "test"}
    assert found.damage == ()
    kinds = {column: str(found.scores[column].dtype) for column in ("seed", "fold", "density", "label", "score")}
    assert kinds == {"seed": "int64", "fold": "Int64", "density": "float64", "label": "int64", "score": "float64"}
    (failed,) = set(cells[cells["status"] == "failed"]["entry"])
    assert failed == "lt"
    keys = ["group", "entry", "seed", "fold", "density"]
    whose = found.scores[keys].drop_duplicates().merge(done[keys], how="outer", indicator=True)
    assert set(whose["_merge"]) == {"both"}


def test_a_row_of_layers_is_one_layer_of_one_cell(found):
    layers = found.layers
    assert list(layers.columns) == ["group", "entry", "seed", "fold", "density", "layer", "left", "alive", "total"]
    assert len(layers) == (found.cells["status"] == "done").sum()
    one = layers[(layers["entry"] == "snip") & (layers["density"] == 0.25)].iloc[0]
    assert (one["layer"], one["left"], one["alive"], one["total"]) == ("conv.weight", 250, 900, 1000)
    merged = layers.merge(found.cells, on=["group", "entry", "seed", "fold", "density"], validate="many_to_one")
    assert len(merged) == len(layers)


def test_every_column_is_documented(found):
    text = (DOCS / "metrics.md").read_text().partition("## Frames")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([^`]+)`", text))
    plain = {column for frame in (found.cells, found.scores, found.layers) for column in frame if "/" not in column}
    assert plain <= told


def test_frames_cannot_be_exchanged(found):
    with pytest.raises(AttributeError):
        found.cells = pd.DataFrame()


def test_what_is_not_there_is_said_with_what_is(monkeypatch, found, tmp_path):
    monkeypatch.setattr(notebook, "read", lambda *_: Results("other", pd.DataFrame(), pd.DataFrame(), {}))
    with pytest.raises(UsageError, match=r"no results of 'other' .*it holds spots"):
        harness.results.load("other", store=tmp_path)
    with pytest.raises(UsageError, match="there are no results in"):
        harness.results.load("spots", store=tmp_path / "nowhere")
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        harness.results.lode  # noqa: B018


def run(code):
    """Run code in a fresh process."""
    ran = subprocess.run([sys.executable, "-P", "-c", code], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_importing_needs_nothing():
    """That loading needs no torch, tests/test_architecture.py has."""
    run("import sys, harness.results; sys.exit(bool({'torch', 'mlflow', 'pandas'} & set(sys.modules)))")


@pytest.mark.long
def test_loading_from_mlflow_itself_needs_no_torch(store):
    run(
        "import sys, harness.results\n"
        f"found = harness.results.load('spots', store={str(store)!r})\n"
        "assert (len(found.cells), len(found.layers), found.damage) == (10, 8, ())\n"
        "sys.exit('torch' in sys.modules)"
    )


def test_the_documented_example_runs_as_it_is_written(found, tmp_path, monkeypatch):
    text = (DOCS / "notebook.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    code = "".join(blocks).replace('load("isic", store="harness-store")', 'load("spots", store=".")')
    assert "spots" in code
    space = {}
    exec(compile(code, "notebook.md", "exec"), space)
    assert 0.5 < space["auc"] <= 1
    assert (tmp_path / "auc.svg").read_text().startswith("<svg")
