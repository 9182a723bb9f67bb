import importlib
import sys

import pytest

from harness.methods import beta_rank, exact_obs, synflow
from harness.storage import code_behind as source
from harness.storage.code_behind import modules_behind, neighbours, source_of


@pytest.mark.parametrize(
    ("module", "behind"),
    [
        (
            exact_obs,
            {
                "harness.methods.l_obs",
                "harness.methods.layer_hessians",
                "harness.sparsity.mask",
                "harness.networks.factories",
            },
        ),
        (synflow, {"harness.sparsity.mask", "harness.networks.factories"}),
        (beta_rank, {"harness.sparsity.surgery", "harness.networks.factories"}),
    ],
)
def test_what_a_result_is_computed_with_is_behind_it(module, behind):
    found = set(modules_behind(module.__name__))
    assert found >= {module.__name__, *behind}
    assert not found & {
        "harness.pruning.workbench",
        "harness.pruning.templates",
        "harness.pruning.pruner",
        "harness.storage.store",
    }
    assert all(name.startswith("harness.") for name in found)


def test_neighbours_are_of_the_same_package_alone():
    assert neighbours("harness.methods.exact_obs") >= {"harness.methods.l_obs"}
    assert neighbours("harness.sparsity.mask") == set()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes a package of two modules, one of which takes a name from the other."""

    def write(body):
        folder = tmp_path / "borrowing"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        (folder / "helper.py").write_text(f"def half(x):\n    return {body}\n")
        (folder / "method.py").write_text("from borrowing.helper import half\n\n\ndef score(x):\n    return half(x)\n")
        for name in [name for name in sys.modules if name.startswith("borrowing")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return importlib.import_module("borrowing.method").score

    return write


def test_a_helper_in_another_module_is_part_of_a_functions_source(package):
    first = source_of(package("x / 2"))
    assert source_of(package("x / 2")) == first
    assert source_of(package("x / 3")) != first


def test_a_result_is_computed_anew_where_a_helper_changed(package, make_bench):
    bench = make_bench()
    assert bench.compute(package("x / 2"), 6) == 3
    assert bench.compute(package("x / 3"), 6) == 2


def test_a_module_without_a_file_is_passed_over():
    assert source.texts(["builtins"]) == []
