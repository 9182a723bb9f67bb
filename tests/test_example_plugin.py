"""The example of docs/plugins.md is a distribution that installs, registers and imports like any third party's."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "tests" / "example_plugin"
FILES = ("pyproject.toml", "example_magnitude.py")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    source, target = folder / "source", folder / "target"
    source.mkdir()
    for name in FILES:  # a copy: building leaves files beside the source
        shutil.copy(EXAMPLE / name, source)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return target


def test_the_example_is_listed_with_its_distribution_and_imports(installed: Path) -> None:
    command = [shutil.which("harness", path=str(Path(sys.executable).parent)), "list", "methods", "--check", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    rows = {row["name"]: row for row in json.loads(listed)}
    assert rows["example-magnitude"] == {
        "kind": "methods",
        "name": "example-magnitude",
        "source": "example-magnitude 0.1.0",
        "check": "ok",
    }
    assert rows["lt"]["source"].startswith("prune-harness ")


@pytest.mark.parametrize("name", FILES)
def test_the_documentation_shows_the_example_verbatim(name: str) -> None:
    assert (EXAMPLE / name).read_text() in (ROOT / "docs" / "plugins.md").read_text()
