"""A small store of real results, made by one command, from which networks are taken."""

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli.main import app
from harness.integrity.recorded_plan import Machine
from harness.progress import Reporter
from harness.results.mlflow_tracker import default_uri
from harness.shipping.held_cell import CellName, find_cell

SMALL = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--densities", "1,0.25"]
SMALL += ["--seeds", "1", "--set", "training.max_steps=5", "--set", "data.size=63", "--jobs", "1"]


@pytest.fixture(scope="session")
def small():
    """The options of a run that takes seconds."""
    return SMALL


@pytest.fixture(scope="session")
def filled(tmp_path_factory, commands):
    """A store that one run filled: dense, probe, magnitude and structured-magnitude at two levels."""
    place = tmp_path_factory.mktemp("filled")
    methods = ["--methods", "magnitude,structured-magnitude"]
    commands.harness("run", *SMALL, *methods, "--store", "store", cwd=place, check=0)
    return place / "store"


@pytest.fixture(scope="session")
def exported(filled, tmp_path_factory):
    """A file that `harness export` wrote of it, its cards beside it, to be read alone."""
    path = tmp_path_factory.mktemp("exported") / "magnitude.safetensors"
    words = ["--store", filled, "--entry", "magnitude", "--density", "0.25", "-o", path]
    result = CliRunner().invoke(app, ["export", *map(str, words)])
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def copied(filled, tmp_path):
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(filled, tmp_path / "store"))


@pytest.fixture
def held():
    """Finds a cell of a store."""

    def find(store, **asked):
        name = {"dataset": "isic-sim", "entry": "magnitude", "density": 0.25, **asked}
        return find_cell(CellName(**name), default_uri(store), store)

    return find


@pytest.fixture
def machine():
    """This machine, with a store."""
    return lambda store: Machine(None, store, 1, lambda *_: None)


@pytest.fixture
def telling():
    """A reporter, and what it said."""
    said = io.StringIO()
    return Reporter(Console(file=said, width=200)), said


@pytest.fixture(scope="session")
def channels(tmp_path_factory, commands):
    """A store with every method that cuts channels, and a twin in int8."""
    place = tmp_path_factory.mktemp("channels")
    methods = "structured-magnitude,structured-taylor,structured-group-norm,beta-rank,cdc,magnitude+int8"
    commands.harness("run", *SMALL, "--methods", methods, "--store", "store", cwd=place, check=0)
    return place / "store"
