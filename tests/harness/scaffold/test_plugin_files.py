"""The template is a distribution called my-method; another name is put in the place of its own."""

import fnmatch
import pkgutil
import tomllib
from pathlib import Path

import pytest

from harness import scaffold
from harness.scaffold.plugin_files import DATASET, METHOD, NETWORK, plugin_files

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "harness" / "scaffold" / "template"
KINDS = {"my-method": METHOD, "my-network": NETWORK, "my-dataset": DATASET}


def template_files():
    return [path for path in TEMPLATE.iterdir() if path.name != "__pycache__"]


@pytest.mark.parametrize("name", KINDS)
def test_under_its_own_name_the_template_is_written_as_it_is(name):
    kind = KINDS[name]
    written = {file.format(module=name.replace("-", "_")): TEMPLATE / own for own, file in kind.written_as.items()}
    assert plugin_files(name, kind) == {file: path.read_text() for file, path in written.items()}


def test_every_file_of_the_template_is_of_one_kind():
    own = [file for kind in KINDS.values() for file in kind.written_as]
    assert sorted(own) == sorted(path.name for path in template_files())


def test_the_name_its_module_and_its_class_stand_wherever_the_templates_own_stood():
    own, other = plugin_files("my-method"), plugin_files("l1-my-method")
    assert set(other) == {"README.md", "l1_my_method.py", "pyproject.toml", "test_l1_my_method.py"}
    for file, text in own.items():
        renamed = other[file.replace("my_method", "l1_my_method")]
        assert renamed.replace("l1-", "").replace("l1_", "").replace("L1", "") == text
        for word in ("my-method", "my_method", "MyMethod"):
            assert renamed.count(word) == text.count(word)
    assert 'l1-my-method = "l1_my_method:L1MyMethod"' in other["pyproject.toml"].splitlines()
    assert "class L1MyMethod(SaliencyPruner):" in other["l1_my_method.py"].splitlines()


def test_an_import_that_grows_too_long_is_folded():
    name = "a" * 63
    lines = plugin_files(name)[f"test_{name}.py"].splitlines()
    start = lines.index(f"from {name} import (")
    assert lines[start + 1 : start + 4] == [f"    A{'a' * 62},", "    scaled_magnitude,", ")"]


def test_the_template_is_no_module_of_the_harness():
    """A walk through the harness would import tests, and a module that is not there."""
    walked = {module.name for module in pkgutil.walk_packages(scaffold.__path__, "harness.scaffold.")}
    assert walked == {f"harness.scaffold.{name}" for name in ("plugin_files", "new_plugin", "new_leaderboard")}


@pytest.mark.parametrize("pattern", ["test_*.py", "*_test.py", "conftest.py"])
def test_pytest_takes_no_template_for_tests_of_the_harness(pattern):
    assert not fnmatch.filter([path.name for path in template_files()], pattern)


def test_an_installed_harness_has_the_template():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setuptools["package-data"]["harness.scaffold"]
    packed = {path for pattern in patterns for path in TEMPLATE.parent.glob(pattern)}
    assert packed >= set(template_files())
    assert "harness.scaffold.template" not in setuptools["packages"]
