"""The examples of the documentation are distributions that install, register and import like any third party's."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXAMPLES = {
    "example_plugin": ("plugins.md", ("pyproject.toml", "example_magnitude.py")),
    "example_dataset": ("datasets.md", ("pyproject.toml", "example_cells.py")),
}
TINY = ["--network", "small-cnn", "--weights", "kaiming", "--methods", "magnitude", "--seeds", "1", "--jobs", "1"]
TINY += ["--densities", "0.25", "--set", "training.max_steps=3", "--set", "training.batch_size=8"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    target, sources = folder / "target", [folder / example for example in EXAMPLES]
    for source in sources:  # a copy: building leaves files beside the source
        source.mkdir()
        for name in EXAMPLES[source.name][1]:
            shutil.copy(ROOT / "tests" / source.name / name, source)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, *sources], check=True)
    return target


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 40 images of ten plates in the layout of the example."""
    folder = tmp_path_factory.mktemp("data") / "example-cells"
    folder.mkdir()
    for index in range(40):
        pixels = np.random.default_rng(index).integers(0, 256, (72, 64, 3), dtype=np.uint8)
        kind = "abnormal" if index % 4 == 0 else "normal"
        Image.fromarray(pixels).save(folder / f"plate{index // 4}-{kind}-{index:04d}.png")
    return folder.parent


@pytest.mark.parametrize(
    ("kind", "name", "ours"), [("methods", "example-magnitude", "lt"), ("datasets", "example-cells", "isic")]
)
def test_the_example_is_listed_with_its_distribution_and_imports(commands, installed, kind, name, ours) -> None:
    listed = commands.harness("list", kind, "--check", "--json", cwd=installed, path=installed, check=0).stdout
    rows = {row["name"]: row for row in json.loads(listed)}
    family = {"family": "other"} if kind == "methods" else {}
    assert rows[name] == {"kind": kind, "name": name, "source": f"{name} 0.1.0", "check": "ok", **family}
    assert rows[ours]["source"].startswith("prune-harness ")


def test_the_example_data_set_keeps_every_rule(commands, installed, cells) -> None:
    words = ["check", "example-cells", "--data-dir", cells, "--json"]
    rows = json.loads(commands.harness(*words, cwd=cells, path=installed, check=0).stdout)
    of_drawn_images = {"images_have_the_size_asked", "each_image_is_its_samples_own"}
    assert {row["check"] for row in rows if row["status"] != "ok"} == of_drawn_images


def test_the_example_data_set_is_run_on(commands, installed, cells) -> None:
    words = ["run", "--dataset", "example-cells", "--data-dir", cells, "--store", "store", *TINY]
    commands.harness(*words, cwd=cells, path=installed, check=0)
    report = json.loads((cells / "store" / "reports" / "example-cells" / "results.json").read_text())
    assert {cell["status"] for cell in report["cells"]} == {"done"}
    assert (
        "an example of docs/datasets.md" in (cells / "store" / "reports" / "example-cells" / "index.html").read_text()
    )


@pytest.mark.parametrize(
    ("example", "name"), [(example, name) for example, (_, names) in EXAMPLES.items() for name in names]
)
def test_the_documentation_shows_the_example_verbatim(example: str, name: str) -> None:
    page = ROOT / "docs" / EXAMPLES[example][0]
    assert (ROOT / "tests" / example / name).read_text() in page.read_text()
