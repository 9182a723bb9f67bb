"""A tiny command for the suites that kill, mutate and crowd: how to give it, and what its store holds but for costs."""

import importlib.util
import json
import os
import re
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent


def load(name):
    """Return another file of these tests as a module, the same for all that ask; the folder is no package."""
    known = f"shared_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, HERE / f"{name}.py")
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


COMMANDS = load("commands")

SHARED = ["--network", "small-cnn", "--weights", "kaiming", "--data-dir", "data", "--allow-missing", "--store", "store"]
SHARED += ["--set", "training.max_steps=5", "--set", "training.batch_size=8", "--densities", "1,0.25", "--jobs", "1"]
RUN = ["run", "--methods", "magnitude", "--seeds", "1", *SHARED]
TUNE = ["tune", "--methods", "magnitude", "--trials", "2", *SHARED]
REPORT = ["report", "--store", "store"]
PUBLISH = ["publish", "site", "--store", "store"]

# What costs seconds and is not the matter here: MLflow's tables, made once for all stores, and the page's charts.
QUICK = """
import os
import shutil
from pathlib import Path
from harness.reports.publishing import report
from harness.results import mlflow_client
from harness.storage.databases import sqlite_file

template, created = Path({template!r}), mlflow_client.create_database

def copied(uri, create):
    def make(part):
        if template.exists():
            shutil.copy(template, sqlite_file(part))
        else:
            create(part)
            shutil.copy(sqlite_file(part), whole := template.with_suffix(f".{{os.getpid()}}"))
            whole.replace(template)  # a command that is killed here leaves the others no half of it
    created(uri, make)

mlflow_client.create_database = copied
report.render = lambda results, place: "<html>no charts</html>"
"""


class Place:
    """Folders in which the tiny command can be given; those with the same images share them."""

    def __init__(self, root):
        self.root = root
        load("conftest").write_isic(root / "data" / "isic", size=72)
        self.quick = QUICK.format(template=f"{COMMANDS.folder()}/template.db")

    def folder(self, name, copied=None):
        """Return a new folder, with a copy of the store of another folder."""
        folder = self.root / name
        folder.mkdir()
        if copied is not None:
            shutil.copytree(copied / "store", folder / "store")
        return folder

    def start(self, arguments, folder, code="", worker_code=""):
        """Start a command. The images are at one address for all, which is part of what they are known by."""
        arguments = [str(self.root / word) if word == "data" else word for word in arguments]
        return COMMANDS.start(*arguments, cwd=folder, code=self.quick + code, worker_code=worker_code)

    def give(self, arguments, folder, check=0, code="", worker_code=""):
        """Run a command to its end; nothing that it says is a traceback."""
        result = self.start(arguments, folder, code, worker_code).result()
        told = f"{arguments[0]} in {folder}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr, told
        assert check is None or result.returncode == check, told
        return result


def stage_bits(store):
    """Return the hashes that every stage was committed with; seconds are not among them."""
    manifests = (json.loads(path.read_text()) for path in store.glob("stages/*/*/manifest.json"))
    return {(m["kind"], *sorted(m["sha256"].items())) for m in manifests}


def commits(store):
    """Return when each stage was committed."""
    return {path.parent.name: path.stat().st_mtime_ns for path in store.glob("stages/*/*/value.json")}


def results(store):
    """Return all that is published of each (entry, seed), but for costs; each thing is there once."""
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        status = dict(database.execute("select run_uuid, status from runs"))
        tags = {run: {} for run in status}
        for run, name, value in database.execute("select run_uuid, key, value from tags"):
            tags[run][name] = value
        points = database.execute("select run_uuid, key, step, value from metrics").fetchall()
    assert _once(point[:3] for point in points)
    assert _once(one["harness.key"] for one in tags.values())
    found = {}
    for run, its in tags.items():
        if its["harness.kind"] == "result":
            figures = {(key, step): value for owner, key, step, value in points if owner == run and lasts(key)}
            files = store / "artifacts" / "isic" / run / "artifacts"
            content = {str(path.relative_to(files)): _content(path) for path in files.rglob("*") if path.is_file()}
            identity = its["harness.entry"], its["harness.seed"]
            assert identity not in found
            found[identity] = status[run], figures, content
    return found


def lasts(metric):
    return not metric.startswith("cost/")


def _content(path):
    """Return a file's bytes, or what a record says but for costs and what they change; the names of a manifest."""
    if path.name == "manifest.json":
        value = json.loads(path.read_bytes())
        return [(level["density"], level["digest"], sorted(level["sha256"])) for level in value["levels"]]
    if path.name == "cell.json":
        value = json.loads(path.read_bytes())
        return {**value, "metrics": {key: number for key, number in value["metrics"].items() if lasts(key)}}
    return path.read_bytes()


def _once(values):
    return max(Counter(values).values(), default=1) == 1


def studies(store):
    """Return what each study tried and got, what was chosen, and the file of it; no trial is left running."""
    with closing(sqlite3.connect(store / "tuning" / "studies.db")) as database:
        assert "RUNNING" not in {state for (state,) in database.execute("select state from trials")}
    found = {}
    for path in store.glob("artifacts/isic/*/artifacts/study.json"):
        record = json.loads(path.read_bytes())
        tried = [(one["parameters"], one["value"], one["levels"]) for one in record["trials"] if one["counted"]]
        found[record["entry"]] = tried, record["best"]["parameters"], record["tuned"], record["budget"]["finished"]
    return found, (store / "tuning" / "isic-tuning.toml").read_text()


def pages(folder):
    """Return what reports say in numbers, by file; their pages end as they should."""
    found = {}
    for root in (folder / "store" / "reports", folder / "site"):
        for path in root.rglob("*"):
            if path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>"), path
            elif path.name in ("cells.csv", "results.json"):
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def leftovers(folder):
    """Return the temporary files and folders that are left."""
    names = re.compile(r"\.part|\.tmp|\.harness-publishing-|-journal$|-wal$")
    found = [path for path in folder.rglob("*") if names.search(path.name)]
    return [*found, *(folder / "store" / "temporary").iterdir(), *(folder / "store" / "partial").iterdir()]


def holders(store):
    """Return the names of the lock files of a store that somebody holds."""
    lines = Path("/proc/locks").read_text().splitlines()
    held = {line.split()[5].rpartition(":")[2] for line in lines if "->" not in line}
    paths = [*store.glob("*.lock"), *store.glob("tuning/*.lock"), *store.glob("locks/*")]
    return {path.name for path in paths if str(os.stat(path).st_ino) in held}


def tally(request, what):
    """Lend a count to a module's tests, and print it at their end."""
    counted = Counter()
    yield counted
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{what}: {', '.join(f'{name}: {number}' for name, number in sorted(counted.items()))}")
