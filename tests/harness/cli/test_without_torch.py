"""Results are read, shown, published and chosen from where torch cannot be imported."""

import subprocess
import sys

import pytest

from harness.results.mlflow_tracker import Tracker, default_uri

HIDDEN = ("torch", "torchvision", "torch_pruning")
BLOCK = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HIDDEN}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def published(drawn_results, tmp_path):
    """A store with the results of two entries in its MLflow."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "FORMAT").write_text("1")
    for one in drawn_results.Drawn().design(["lt", "snip"], seeds=(0, 1)).runs.values():
        Tracker(default_uri(store), store, "spots").publish(one)
    return store


def without_torch(code, cwd):
    return subprocess.run([sys.executable, "-c", BLOCK + code], cwd=cwd, capture_output=True, text=True, check=False)


def verb(*words):
    return f"sys.argv = {['harness', *words]!r}\nfrom harness.cli.main import main\nmain()"


def test_torch_is_hidden(tmp_path):
    assert "No module named 'torch'" in without_torch("import torch", tmp_path).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report"], "Report: "),
        (["publish", "site"], "Published: "),
        (["choose", "--max-loss", "0.05"], "of the positives"),
        (["store"], "MLflow, reports, locks"),
        (["list", "methods"], "magnitude"),
    ],
)
def test_a_verb_that_only_reads_needs_no_torch(published, words, said):
    more = ["--store", str(published)] if words[0] != "list" else []
    ended = without_torch(verb(*words, *more), published.parent)
    assert "torch" not in ended.stderr, ended.stderr
    assert said in ended.stdout, ended.stderr
    assert ended.returncode in (0, 6, 7)  # 6: nothing fits, 7: undecided


def test_a_notebook_needs_no_torch(published):
    code = f"import harness.results\nprint(len(harness.results.load('spots', store={str(published)!r}).cells))"
    ended = without_torch(code, published.parent)
    assert ended.stdout.strip() == "10", ended.stderr
