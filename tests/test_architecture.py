"""Who may import whom, read from the source; and no generic name taken from anybody."""

import ast
import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "harness": "harness",
    "methods": "harness.methods",
    "datasets": "harness.datasets",
    "reports": "harness.reports",
}

# What a folder may import of the project, besides modules of its own folder where that is listed.
ALLOWED = {
    "methods": {"pruner", "workbench", "templates", "mask", "networks", "surgery", "methods"},
    "datasets": {"dataset", "datasets"},
    "reports": {"results", "metrics", "statistics", "reports"},
}
ONE_MODULE_ONLY = {
    "mlflow": {"harness/results/mlflow_tracker.py"},
    "optuna": {"harness/tuning/studies.py"},
    "ray": set(),
}
ANYWHERE = {"optuna.distributions"}


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path):
    """Return every module that a file imports, anywhere in it, and not only for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found.add(node.module)
            if node.module == "harness":
                found |= {f"harness.{alias.name}" for alias in node.names}
    return found


def project_parts(path):
    return {name.split(".")[1] for name in imports(path) if name.startswith("harness.")}


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_it_may(folder):
    for path in modules(folder):
        assert project_parts(path) <= ALLOWED[folder], path


def test_the_core_never_imports_methods_data_sets_or_reports_but_for_the_command_line():
    for path in modules("harness"):
        known = project_parts(path) & {"methods", "datasets", "reports"}
        assert not known or path.name.startswith("cli"), path


def test_the_command_line_reaches_methods_and_data_sets_by_entry_point_alone():
    for path in (ROOT / "harness").glob("cli*.py"):
        assert not project_parts(path) & {"methods", "datasets"}, path


@pytest.mark.parametrize("package", ONE_MODULE_ONLY)
def test_each_tracking_library_is_imported_in_one_module(package):
    users = {
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in modules(folder)
        if any(name.split(".")[0] == package for name in imports(path) - ANYWHERE)
    }
    assert users <= ONE_MODULE_ONLY[package]


def test_reports_import_no_torch():
    modules = "harness.reports.page.page, harness.reports.publishing.publish, harness.reports.terminal"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_every_method_and_data_set_file_is_registered():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    registered = {value.partition(":")[0] for group in points.values() for value in group.values()}
    for folder, base in (("methods", "Pruner"), ("datasets", "Dataset")):
        for path in modules(folder):
            defines = any(
                isinstance(node, ast.ClassDef) and _derives(node, base) for node in ast.parse(path.read_text()).body
            )
            if defines:
                assert f"harness.{folder}.{path.stem}" in registered, f"{path} is not in pyproject.toml"


def _derives(node, base):
    names = [name.id for name in node.bases if isinstance(name, ast.Name)]
    return any(name.endswith((base, "LotteryTicket")) for name in names)


def test_installed_entry_points_are_those_of_the_project_file():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, wanted in points.items():
        installed = {
            p.name: p.value for p in importlib.metadata.distribution("prune-harness").entry_points if p.group == group
        }
        assert installed == wanted


@pytest.mark.parametrize("name", ["methods", "datasets", "reports", "configs"])
def test_no_generic_name_is_importable_at_top_level(name):
    """Another distribution may own these names; ours must not be what `import datasets` finds."""
    found = importlib.util.find_spec(name)
    assert found is None or not str(found.origin).startswith(str(ROOT))


def test_no_tests_folder_is_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_torch_pruning_is_imported_only_where_channels_are_cut():
    """Training and masks run where it is not installed."""
    methods = "harness.methods.lt, harness.methods.snip, harness.methods.cdc"
    code = f"import sys, harness.running.cells, {methods}; sys.exit('torch_pruning' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
