"""Who may import whom, read from the source; and no generic name taken from anybody. docs/design.md draws the map."""

import ast
import importlib
import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("harness", "methods", "datasets", "reports")  # on disk; installed, the last three are in harness

# From the ground up: a package imports its own files and those of packages before it. Files at the root are one each.
ORDER = (
    *("outgoing", "errors", "children", "cuda", "environment", "randomness", "progress", "spans"),
    *("field_values", "key_fields", "entry_text", "plugins", "plugin_child", "plugin_process"),
    *(
        "networks",
        "losses",
        "evaluation",
        "power",
        "sparsity",
        "storage",
        "results",
        "images",
        "data",
        "training",
        "downloads",
        "initial",
    ),
    *("portable", "adopted", "pruning", "planning", "running", "forecast", "tuning", "testing", "scaffold"),
    *("integrity", "submissions", "shipping", "gating"),
    *("cli", "__main__"),
)
NEVER = {("tuning", "testing"), ("testing", "tuning")}
REPORTS = {"harness.results", "harness.evaluation", "harness.errors", "harness.outgoing", "harness.storage.disk"}
REPORTS_ORDER = (
    ("formatting",),
    ("analysis",),
    ("words",),
    ("charts",),
    ("page", "export", "terminal", "terminal_groups"),
    ("publishing",),
)

FACES = {
    "harness": "load_network read_network",
    "harness.pruning": """Architecture ChannelGroup ChannelPruner ChannelScope DensityUnreachable IterativePruner Mask
        Network OneShotPruner PrunedNetwork Pruner Replaced Retrain SaliencyPruner Scope Scores Start TrainingDiverged
        Workbench build channel_groups copy_of coupled keep_largest not_a_sum_of_paths not_narrowable output_of_paths
        parameter_count prunable_weights prune_least skeleton state_of without_channels""",
    "harness.data": "DataError Dataset DatasetNotFound FileDataset RemoteFile Sample SimulatedDataset Split Unreadable",
    "harness.testing": """Check CheckFailed CheckSkipped check_named checks dataset_checks narrowed network_checks
        parametrize_with_checks""",
    "harness.networks": """Architecture Network build copy_of initialise parameter_count positive_scores
        skeleton state_of""",
    "harness.losses": "Loss LossSchedule schedule_named",
    "harness.results": "Frames load",
}
"""What others build on: to add or to take away a name here is a decision."""

ONE_MODULE_ONLY = {
    # A client opened, one run logged to, an exported model, and all else: files of one idea.
    "mlflow": {f"harness.results.mlflow_{part}" for part in ("client", "run", "tracker", "model")},
    "optuna": {"harness.tuning.studies"},
    "torch_pruning": {"harness.sparsity.surgery", "harness.methods.structured"},
    "ray": {"harness.running.executors.ray"},
    "fsspec": {"harness.storage.remote"},
    "onnx": {"harness.portable.onnx_file", "harness.portable.quantisation", "harness.portable.onnx_graph"},
}
ANYWHERE = {"optuna.distributions"}


def module_of(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return name if name.startswith("harness") else f"harness.{name}"


MODULES = {
    module_of(path): ast.parse(path.read_text())
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "template" not in path.parts  # what `harness new` writes: another distribution's
}


def imports(module):
    """Return (module, name taken from it or an empty text) of every import anywhere in a file, lazy ones too."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} uses a relative import"
            whole = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {(full, "") if full in MODULES else (node.module, name) for name, full in whole.items()}
    return found


def own(module):
    """Return the project's modules that a file imports."""
    return {target for target, _ in imports(module) if target.split(".")[0] == "harness"}


def package_of(module):
    return module.split(".")[1] if "." in module else ""


CORE = sorted(module for module in MODULES if package_of(module) in ORDER)


def test_every_package_has_its_place_in_the_order():
    assert {package_of(module) for module in MODULES} - {"", "methods", "datasets", "reports"} == set(ORDER)


def test_no_import_runs_upwards():
    for module in CORE:
        package = package_of(module)
        for target in own(module) - {"harness"}:
            other = package_of(target)
            if package == "cli" and other == "reports":
                continue  # the command line alone shows reports; methods and data sets it finds by entry point
            assert other in ORDER, f"{module} imports {target}"
            assert ORDER.index(other) <= ORDER.index(package), f"{module} imports {target}, which stands above it"
            assert (package, other) not in NEVER, f"{module} imports {target}"


@pytest.mark.parametrize(("folder", "face"), [("methods", "harness.pruning"), ("datasets", "harness.data")])
def test_plugins_import_only_their_face_and_each_other(folder, face):
    for module in (name for name in MODULES if package_of(name) == folder):
        for target in own(module):
            assert target == face or package_of(target) == folder, f"{module} imports {target}"


def test_reports_import_only_what_needs_no_torch_and_each_other_in_order():
    place = {name: index for index, names in enumerate(REPORTS_ORDER) for name in names}
    for module in (name for name in MODULES if name.startswith("harness.reports.")):
        room = module.split(".")[2]
        for target in own(module):
            if package_of(target) != "reports":
                assert any(f"{target}.".startswith(f"{one}.") for one in REPORTS), f"{module} imports {target}"
                continue
            other = target.split(".")[2]
            above = place[other] > place[room] or (place[other] == place[room] and other != room)
            assert not above, f"{module} imports {target}"


def test_no_circle():
    waiting = {module: own(module) & set(MODULES) for module in MODULES}
    while free := [module for module, needs in waiting.items() if not needs - {module}]:
        for module in free:
            del waiting[module]
        waiting = {module: needs - set(free) for module, needs in waiting.items()}
    assert not waiting, f"a circle is among {sorted(waiting)}"


def test_no_private_name_of_another_package():
    for module in MODULES:
        home = module if module in FACES else module.rpartition(".")[0]
        for target, name in imports(module):
            private = [part for part in (*target.split("."), name) if part.startswith("_") and part[1:2] != "_"]
            foreign = target.startswith("harness.") and home not in (target, target.rpartition(".")[0])
            assert not (private and foreign), f"{module} imports {name} of {target}"


@pytest.mark.parametrize("face", FACES)
def test_a_face_shows_what_was_decided(face):
    assert sorted(importlib.import_module(face).__all__) == sorted(FACES[face].split())


def test_a_package_that_is_no_face_has_an_empty_front():
    """So that reports take storage.disk without torch, and no front closes a circle."""
    for path in (ROOT / "harness").rglob("__init__.py"):
        name = module_of(path)
        if name not in FACES and name != "harness" and "template" not in path.parts:
            assert len(MODULES[name].body) == 1, f"{name} has more than its docstring"


def test_importing_the_harness_loads_nothing():
    code = "import sys; before = set(sys.modules); import harness; print(*set(sys.modules) - before)"
    ran = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["harness"]


@pytest.mark.parametrize("package", ONE_MODULE_ONLY)
def test_each_library_that_may_go_is_imported_in_its_module_alone(package):
    users = {
        module
        for module in MODULES
        if any(target.split(".")[0] == package for target, _ in imports(module) if target not in ANYWHERE)
    }
    assert users <= ONE_MODULE_ONLY[package]


def test_reports_and_notebooks_load_no_torch():
    modules = "harness.reports.publishing.report, harness.reports.publishing.publish, harness.reports.terminal"
    modules += ", harness.results.notebook"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_torch_pruning_is_loaded_only_where_channels_are_cut():
    """Training and masks run where it is not installed."""
    methods = "harness.methods.lt, harness.methods.snip, harness.methods.cdc"
    code = f"import sys, harness.running.cells, {methods}; sys.exit('torch_pruning' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_every_package_is_in_the_project_file():
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {module_of(path) for folder in (*FOLDERS, "configs") for path in (ROOT / folder).rglob("__init__.py")}
    assert sorted(written) == sorted(found)


def test_every_method_and_data_set_file_is_registered():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    registered = {value.partition(":")[0] for group in points.values() for value in group.values()}
    for folder, base in (("methods", "Pruner"), ("datasets", "Dataset")):
        for module in (name for name in MODULES if package_of(name) == folder):
            kinds = [node for node in MODULES[module].body if isinstance(node, ast.ClassDef)]
            if any(_derives(node, base) for node in kinds):
                assert module in registered, f"{module} is not in pyproject.toml"


def _derives(node, base):
    names = [name.id for name in node.bases if isinstance(name, ast.Name)]
    family = any(name.endswith((base, "LotteryTicket", "LatentSimulator")) for name in names)
    return family and "abstractmethod" not in {getattr(mark, "id", "") for mark in _marks(node)}


def _marks(kind):
    return [mark for node in kind.body if isinstance(node, ast.FunctionDef) for mark in node.decorator_list]


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
