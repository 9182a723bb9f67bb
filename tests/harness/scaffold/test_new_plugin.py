"""`harness new`: names and folders that are refused, and a distribution that works as it is written."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from harness.cli import new as cli_new
from harness.errors import MachineError, UsageError
from harness.planning.entries import entry_of
from harness.plugins import PRUNERS, available
from harness.results.names import DENSE
from harness.scaffold.new_plugin import write_plugin
from harness.scaffold.plugin_files import DATASET, METHOD, NETWORK, plugin_files
from harness.sparsity.mask import prunable_weights
from harness.storage import disk
from harness.storage.canonical import digest
from harness.tuning.candidate import Candidate
from harness.tuning.spaces import space_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LONGEST = "a" * 63
WRONG = ["Lt", "my_method", "-a", "a-", "a--b", "1st", "été", "a b", "a.b", "a\n", "a\x00b", "lt[rate=1]", "*", "$name"]
PATHS = ["../x", "a/b", "/x", "..\\x", "%2e%2e", "..", "\x1b]0;x"]


def refused(name, parent):
    with pytest.raises(UsageError) as caught:
        write_plugin(name, parent)
    assert caught.value.exit_code == 2
    return caught.value.faults


@pytest.mark.parametrize("name", ["my-method", "x", "l1-norm-2", "match", "mask", LONGEST, "a-" + "b" * 61])
def test_a_good_name_gives_files_that_compile_and_register_it(name, tmp_path):
    folder = write_plugin(name, tmp_path)
    module = name.replace("-", "_")
    assert folder == tmp_path / name
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "pyproject.toml",
        f"{module}.py",
        f"test_{module}.py",
    }
    for path in folder.glob("*.py"):
        compile(path.read_text(), path, "exec")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    (registered, value), *others = project["project"]["entry-points"][PRUNERS].items()
    assert (registered, others, project["project"]["name"]) == (name, [], name)
    assert value.partition(":")[0] == module
    assert f"\nclass {value.partition(':')[2]}(" in (folder / f"{module}.py").read_text()
    assert folder.stat().st_mode == tmp_path_mode(tmp_path)


def tmp_path_mode(tmp_path):
    """Return the mode of a folder made here: the user's umask, not a temporary folder's 0700."""
    made = tmp_path / "made"
    made.mkdir()
    return made.stat().st_mode


@pytest.mark.parametrize("name", ["", "a" * 64, "a" * 300, *WRONG, *PATHS])
def test_only_plain_names_are_taken(name, tmp_path):
    (fault,) = refused(name, tmp_path)
    assert "63 or fewer of a-z" in fault
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lt", ["a method of prune-harness"]),
        ("resnet18", ["a network of prune-harness"]),
        ("isic-sim", ["a data set of prune-harness"]),
        ("all", ["every method"]),
        (DENSE, ["the reference"]),
        ("lambda", ["cannot import: 'lambda' is a keyword"]),
        ("none", ["class would be None"]),
        ("exception", ["class would be Exception"]),
        ("saliency-pruner", ["class would be SaliencyPruner"]),
        ("class-var", ["class would be ClassVar"]),
        ("json", ["hides Python's own module json"]),
        ("random", ["a method of prune-harness", "hides Python's own module random"]),
        ("harness", ["a module harness is installed"]),
        ("prune-harness", ["a distribution prune-harness is installed"]),
        ("torch", ["a distribution torch is installed", "a module torch is installed"]),
        ("setup", ["setuptools runs setup.py"]),
        ("conftest", ["pytest runs conftest.py"]),
        ("testable", ["pytest takes for tests"]),
        ("nul", ["a device on Windows"]),
        ("com1", ["a device on Windows"]),
    ],
)
def test_names_that_mean_something_else_are_refused(name, words, tmp_path):
    faults = refused(name, tmp_path)
    assert len(faults) == len(words)
    for fault, word in zip(faults, words, strict=True):
        assert word in fault
    assert not list(tmp_path.iterdir())


def test_a_third_party_s_name_is_refused(tmp_path, monkeypatch):
    info = tmp_path / "site" / "theirs-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[{PRUNERS}]\nfine-cut = no_such_module:FineCut\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert refused("fine-cut", tmp_path) == ["'fine-cut' is a method of theirs 1.2 already"]


def test_all_faults_of_name_and_folder_are_told_at_once(tmp_path):
    (tmp_path / "random").mkdir()
    (tmp_path / "random" / "mine.txt").write_text("mine")
    assert len(refused("random", tmp_path)) == 3
    assert len(refused("No!", tmp_path / "absent")) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["random", "mine.txt"]


def test_nothing_that_is_there_is_touched(tmp_path):
    for name in ("full", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    for name in ("full", "file", "link", "dangling"):
        (fault,) = refused(name, tmp_path)
        assert fault.endswith(f"{name} exists and is not an empty folder")
    assert refused("new", tmp_path / "file") == [f"there is no folder {tmp_path / 'file'}"]
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "my-method").mkdir()
    assert len(list(write_plugin("my-method", tmp_path).iterdir())) == 4


@pytest.mark.parametrize("call", ["mkdir", "fsync", "replace"])
def test_a_disk_that_refuses_leaves_nothing(call, tmp_path, monkeypatch):
    def forbidden(path, *_, **__):  # permissions do not stop root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(disk.os, call, forbidden)
    with pytest.raises(MachineError, match="Permission denied") as caught:
        write_plugin("my-method", tmp_path)
    monkeypatch.undo()
    assert caught.value.exit_code == 5
    assert not list(tmp_path.iterdir())


def test_a_path_that_is_too_long_is_the_machine_s_fault(tmp_path):
    with pytest.raises(MachineError, match="too long"):
        write_plugin("my-method", tmp_path / ("a" * 300))


def test_the_command_tells_the_files_and_what_to_try(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my plugins").mkdir()
    cli_new.method_("my-method", Path("my plugins"))
    lines = capsys.readouterr().out.splitlines()
    assert {f"  {file}" for file in plugin_files("my-method")} <= set(lines)
    assert lines[-3:] == [
        "  pip install -e 'my plugins/my-method'",
        "  harness check my-method",
        "  harness run --methods my-method,lt",
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("name", "kind"), [("my-method", METHOD), (LONGEST, METHOD), ("my-network", NETWORK), ("my-dataset", DATASET)]
)
def test_what_is_written_is_linted_and_formatted(name, kind, tmp_path):
    pytest.importorskip("ruff", reason="a tool of `make dev`")
    folder = write_plugin(name, tmp_path, kind)
    rules = ["--config", ROOT / "pyproject.toml"]
    ruff = [sys.executable, "-m", "ruff"]
    own = ["--config", f"lint.isort.known-first-party=['{name.replace('-', '_')}']"]  # as its author's linter sees it
    for command in ([*ruff, "check", "--no-cache", *rules, *own, "."], [*ruff, "format", "--check", *rules, "."]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of a written method, and the folder that it is installed into."""
    folder = tmp_path_factory.mktemp("new-method")
    source, target = write_plugin("my-method", folder), folder / "target"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return source, target


@pytest.fixture
def installed(written, monkeypatch):
    _, target = written
    monkeypatch.syspath_prepend(target)
    yield
    sys.modules.pop("my_method", None)


def test_the_installed_method_prunes_by_its_definition(installed, make_bench):
    assert available(PRUNERS)["my-method"].source == "my-method 0.1.0"
    pruner = entry_of("my-method", {"balance": "0.25", "retrain": "none"}).pruner()
    bench = make_bench()
    dense, pruned = pruner.prune(bench, [1.0, 0.4])
    weights = prunable_weights(dense.network)
    ranked = []
    for name, weight in weights.items():
        values = [abs(value) for value in weight.flatten().tolist()]
        scale = (sum(values) / len(values)) ** 0.25
        ranked += [(value / scale, name, index) for index, value in enumerate(values)]
    count = round(0.4 * pruned.mask.total) - (pruned.mask.total - len(ranked))
    kept = {(name, index) for _, name, index in sorted(ranked, reverse=True)[:count]}
    for name, mask in pruned.mask.items():
        assert mask.flatten().tolist() == [(name, index) in kept for index in range(mask.numel())]
        torch.testing.assert_close(dict(pruned.network.named_parameters())[name], weights[name] * mask)


def test_the_installed_method_is_trained_on_bounded_and_tuned(installed, make_bench, schedule):
    entry = entry_of("my-method", {})
    (pruned,) = entry.pruner().prune(make_bench(), [0.4])
    cut, _ = entry_of("my-method", {"retrain": "none"}).pruner().prune(make_bench(), [0.4, 0.2])
    assert digest(dict(pruned.mask)) == digest(dict(cut.mask))
    assert not torch.equal(pruned.network.features.conv1.weight, cut.network.features.conv1.weight)
    with pytest.raises(UsageError, match="balance"):
        entry_of("my-method", {"balance": "1.5"})
    assert list(space_of(Candidate(entry, schedule, {}), {})) == ["balance"]


FOUND_AND_TESTED = """
import json, pytest, sys
from harness.cli.list import listing
print(json.dumps([row for row in listing("methods", check=True) if row["name"] == "my-method"]), flush=True)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *{options}]))
"""


def ran(commands, code, source, target):
    """Run code beside a written plugin, installed in ``target``; return the first line that it prints and the rest."""
    path = f"import os, sys; sys.path.insert(0, {str(target)!r}); os.environ['PYTHONPATH'] = {str(target)!r}\n"
    done = commands.python(path + code, source).result()
    assert done.returncode == 0, done.stdout + done.stderr
    row, _, told = done.stdout.partition("\n")
    return json.loads(row), told


def found_and_tested(commands, written, *options):
    """Run the written tests in a process with the installed method on its path; return what they print."""
    rows, told = ran(commands, FOUND_AND_TESTED.format(options=options), *written)
    assert rows == [
        {"kind": "methods", "name": "my-method", "source": "my-method 0.1.0", "check": "ok", "family": "trained"}
    ]
    return told


def test_another_process_finds_it_and_its_tests_hold_every_check(commands, written):
    from harness.testing import checks

    told = found_and_tested(commands, written, "-k", "its_definition or source_is_given")
    assert f"2 passed, {len(checks('core')) - 1} deselected" in told, told


@pytest.mark.long
def test_its_own_tests_pass(commands, written):
    from harness.testing import checks

    told = found_and_tested(commands, written)
    assert f"{len(checks('core')) + 1} passed" in told, told


# --- a network and a data set

LISTED_AND_TESTED = """
import json, pytest, sys
from harness.cli.list import listing
print(json.dumps([row for row in listing("{kind}", check=True) if row["name"] == "{name}"]), flush=True)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k", "not fresh_process"]))  # whose imports take seconds
"""


def registered(folder):
    """Let a written plugin be found in its own folder, as an installation would write it."""
    name = folder.name
    info = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ((group, points),) = project["entry-points"].items()
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *(f"{n} = {v}" for n, v in points.items())]))
    return folder


def test_a_written_network_is_found_and_its_own_tests_pass(commands, tmp_path):
    from harness.testing import network_checks

    folder = registered(write_plugin("my-network", tmp_path, NETWORK))
    rows, told = ran(commands, LISTED_AND_TESTED.format(kind="networks", name="my-network"), folder, folder)
    assert rows == [{"kind": "networks", "name": "my-network", "source": "my-network 0.1.0", "check": "ok"}]
    assert f"{len(network_checks()) + 1} passed" in told, told


def test_a_written_data_set_is_found_and_its_own_tests_pass(commands, tmp_path):
    from harness.testing import dataset_checks

    folder = registered(write_plugin("my-dataset", tmp_path, DATASET))
    rows, told = ran(commands, LISTED_AND_TESTED.format(kind="datasets", name="my-dataset"), folder, folder)
    assert rows == [{"kind": "datasets", "name": "my-dataset", "source": "my-dataset 0.1.0", "check": "ok"}]
    assert f"{len(dataset_checks()) - 1} passed, 2 skipped" in told, told  # two rules are about images without files


def test_the_command_tells_what_to_try_with_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli_new.network_("my-net", Path())
    lines = capsys.readouterr().out.splitlines()
    assert {f"  {file}" for file in plugin_files("my-net", NETWORK)} <= set(lines)
    assert lines[-2:] == ["  harness check my-net", "  harness run --preset smoke --network my-net"]


def test_the_command_tells_what_to_try_with_a_data_set(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli_new.dataset_("my-set", Path())
    lines = capsys.readouterr().out.splitlines()
    assert {f"  {file}" for file in plugin_files("my-set", DATASET)} <= set(lines)
    assert lines[-3:-1] == ["  harness check my-set", "  harness run --preset smoke --dataset my-set"]
    assert "put yours into the folder my-set" in lines[-1]
