"""A small store of real results, made by one command, and what a forger does to a copy of it."""

import dataclasses
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from harness.results.cell_record import step_of
from harness.results.manifest import Manifest, hashes
from harness.running.publication import lasting_digest

TINY = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--densities", "1,0.25"]
TINY += ["--seeds", "1", "--set", "training.max_steps=5", "--set", "data.size=63", "--set", "training.sampler=balanced"]
TINY += ["--set", "losses.mine.kind=ldam-drw", "--set", "losses.mine.beta=0.9"]
YOUNGER = ("deployed", "sensitivity", "net_benefit", "calibration/", "ap/base")
METHODS = "magnitude,snip[images=16,loss=mine,margin=2,scoring_loss=training]"


@pytest.fixture(scope="session")
def honest(tmp_path_factory, commands):
    """A store that one run filled: dense, probe, magnitude, and snip under a loss of the user's own, at two levels."""
    place = tmp_path_factory.mktemp("honest")
    commands.harness("run", *TINY, "--methods", METHODS, "--store", "store", cwd=place, check=0)
    return place / "store"


@pytest.fixture
def copied(honest, tmp_path):
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(honest, tmp_path / "store"))


@pytest.fixture(scope="session")
def harness(commands):
    """Runs a command as a user does."""
    return commands.harness


class Forger:
    """Changes a run's files so that every hash fits afterwards."""

    def __init__(self, store, entry="magnitude"):
        for path in store.glob("artifacts/*/*/artifacts/manifest.json"):
            manifest = Manifest.from_bytes(path.read_bytes())
            if manifest.tags.get("harness.entry") == entry:
                self.manifest, self.place = manifest, path.parent
        self.run_id = self.place.parent.name

    def level(self, density=0.25):
        return self.place / self.manifest.levels[density].folder

    def cell(self, density=0.25):
        return json.loads((self.level(density) / "cell.json").read_text())

    def rewrite(self, name, content, density=0.25):
        """Write a level's file, and a manifest that knows it."""
        (self.level(density) / name).write_bytes(content)
        files = {path.name: path.read_bytes() for path in self.level(density).iterdir()}
        level = dataclasses.replace(
            self.manifest.levels[density],
            sha256=hashes(files),
            digest=lasting_digest(json.loads(files["cell.json"])),
        )
        self._keep(levels={**self.manifest.levels, density: level})

    def age(self, store, density=0.25):
        """Make a level one from before the cut `deployed`, in the files and in MLflow."""
        cell = self.cell(density)
        gone = [name for name in cell["metrics"] if any(part in name for part in YOUNGER)]
        for name in gone:
            del cell["metrics"][name]
        self.rewrite("cell.json", json.dumps(cell).encode(), density)
        with sqlite3.connect(store / "mlflow.db") as database:
            for name in gone:
                place = [name, step_of(density), self.run_id]
                database.execute("delete from metrics where key = ? and step = ? and run_uuid = ?", place)

    def rewrite_document(self, name, content):
        (self.place / name).write_bytes(content)
        self._keep(documents={**self.manifest.documents, **hashes({name: content})})

    def retag(self, **tags):
        self._keep(tags={**self.manifest.tags, **tags})

    def _keep(self, **changes):
        self.manifest = dataclasses.replace(self.manifest, **changes)
        (self.place / "manifest.json").write_bytes(self.manifest.to_bytes())


@pytest.fixture
def forger(copied):
    return Forger(copied)
