"""Any file of a store cut, emptied, deleted or with flipped bits: named and made again, or refused; no wrong number."""

import importlib.util
import json
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

STAGES = ["stages/*/*/manifest.json", "stages/*/*/value.json", "stages/*/*/tensors.safetensors"]
LEVELS = ["levels/*/cell.json", "levels/*/scores.csv", "levels/*/mask.npz"]
DOCUMENTS = ["manifest.json", "plan.json", "provenance.json", "study.json", "best.toml"]
OTHERS = ["reports/isic/index.html", "reports/isic/results.json", "reports/isic/cells.csv", "locks/*", "*.lock"]
OTHERS += ["tuning/*.lock", "tuning/leases"]
ALONE = ["mlflow.db", "tuning/studies.db", "tuning/isic-tuning.toml", "FORMAT"]
LONGER = ["--set", "training.max_steps=15"]


def cut(path, draws):
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: draws.randrange(1, max(size, 2))])


def empty(path, draws):
    path.write_bytes(b"")


def delete(path, draws):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def flip(path, draws):
    content = bytearray(path.read_bytes())
    for _ in range(draws.randint(1, 8) if content else 0):
        content[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
    path.write_bytes(content)


DAMAGES = [cut, empty, delete, flip, flip]


@dataclass(frozen=True)
class Damage:
    """What was done to which file of a store."""

    file: str
    how: str
    kind: str


def damaged(store, patterns, draws):
    """Damage one file of one of the patterns, each as likely as the next; return what was done."""
    pattern, paths = draws.choice([(pattern, paths) for pattern in patterns if (paths := sorted(store.glob(pattern)))])
    path = draws.choice(paths)
    how = delete if path.is_dir() else draws.choice(DAMAGES)
    before = None if path.is_dir() else path.read_bytes()
    how(path, draws)
    changed = not path.exists() or path.is_dir() or path.read_bytes() != before
    return Damage(
        str(path.relative_to(store)), how.__name__ if changed else "nothing", re.sub("[0-9a-f]{64}", "*", pattern)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return durable.Place(tmp_path_factory.mktemp("mutations"))


class Whole:
    """A folder in which a run and a study ended, and what they gave."""

    def __init__(self, place):
        self.folder = place.folder("whole")
        place.give(durable.RUN, self.folder)
        self.store = self.folder / "store"
        self.of_run = sorted(durable.commits(self.store))  # those of finished trials are read when they are needed
        place.give(durable.TUNE, self.folder)
        place.give(durable.REPORT, self.folder)
        self.cells = cells(self.folder)
        self.results, self.studies = durable.results(self.store), durable.studies(self.store)
        self.stages = durable.stage_bits(self.store)


@pytest.fixture(scope="module")
def whole(place):
    return Whole(place)


@pytest.fixture(scope="module")
def interrupted(place):
    """A folder in which a training was killed behind a checkpoint, and one in which it ended."""
    folders = place.folder("interrupted"), place.folder("longer")
    code = """
import os
from harness.storage import checkpoint
checkpoint.CHECKPOINT_EVERY_S, real = 0, checkpoint.Checkpoint.save
def save(self, order, value):
    real(self, order, value)
    if order >= 2: os.kill(os.getpid(), 9)
checkpoint.Checkpoint.save = save
"""
    place.give([*durable.RUN, *LONGER], folders[0], check=3, worker_code=code)
    assert list((folders[0] / "store" / "partial").iterdir())
    place.give([*durable.RUN, *LONGER], folders[1])
    return folders


def cells(folder):
    """Return what the report's JSON says of each cell but for costs."""
    document = json.loads((folder / "store" / "reports" / "isic" / "results.json").read_text())
    return {
        (cell["entry"], cell["seed"], cell["density"]): (
            cell["status"],
            {name: value for name, value in cell.get("metrics", {}).items() if durable.lasts(name)},
        )
        for cell in document["cells"]
    }


def three_files(place, whole, folder, draws):
    """Damage a stage, a published file and another; a report names the second, the command the first, and all mend."""
    store = folder / "store"
    stage = damaged(store, [pattern.replace("*/*", f"*/{draws.choice(whole.of_run)}") for pattern in STAGES], draws)
    runs = sorted(store.glob("artifacts/isic/*/artifacts"))
    published = damaged(draws.choice(runs), [*LEVELS, *DOCUMENTS], draws)
    other = damaged(store, OTHERS, draws)
    told = place.give(durable.REPORT, folder, check=None)
    assert told.returncode in (0, 3), told.stderr
    shown = cells(folder)
    assert shown.keys() <= whole.cells.keys()
    assert all(one == whole.cells[key] or one[0] == "failed" for key, one in shown.items())
    if shown != whole.cells:
        assert told.returncode == 3
        assert published.file in told.stderr
    said = place.give(durable.RUN, folder).stderr + place.give(durable.TUNE, folder).stderr
    if stage.how != "nothing":
        assert str(Path(stage.file).parent) in said
    assert durable.stage_bits(store) == whole.stages
    assert durable.results(store) == whole.results
    assert durable.studies(store) == whole.studies
    assert not durable.leftovers(folder)
    place.give(durable.REPORT, folder)
    assert cells(folder) == whole.cells
    return [stage, published, other]


def one_alone(place, whole, folder, draws):
    """Damage what everything goes by: as good as it was, or refused with what helps; then that helps."""
    store = folder / "store"
    damage = damaged(store, ALONE, draws)
    told = place.give(durable.REPORT, folder, check=None)
    assert told.returncode in (0, 2, 3, 5), told.stderr
    if told.returncode == 0:
        shown = cells(folder)
        assert shown == {key: whole.cells[key] for key in shown}
    for command in (durable.RUN, durable.TUNE):
        result = place.give(command, folder, check=None)
        if result.returncode:
            assert result.returncode in (2, 3, 5), result.stderr
            assert str(store) in result.stderr
            assert any(word in result.stderr for word in ("restore", "move it away", "choose another")), result.stderr
            (store / damage.file).unlink()
            place.give(command, folder)
    place.give(durable.REPORT, folder)
    assert cells(folder) == whole.cells
    assert durable.studies(store) == whole.studies
    assert durable.stage_bits(store) == whole.stages
    return [damage]


def a_checkpoint(place, interrupted, folder, draws):
    """Damage a file of the checkpoint that a killed training left: the training starts behind it, or anew."""
    damage = damaged(folder / "store", ["partial/*/*"], draws)
    place.give([*durable.RUN, *LONGER], folder)
    assert durable.results(folder / "store") == durable.results(interrupted[1] / "store")
    assert durable.stage_bits(folder / "store") == durable.stage_bits(interrupted[1] / "store")
    assert not durable.leftovers(folder)
    return [damage]


def campaign(count, seed):
    """Return kinds of cases with ``count`` damages in all, with a seed each."""
    draws = random.Random(seed)
    sizes = {"three": 3, "alone": 1, "checkpoint": 1}
    cases = []
    while count > 0:
        kind = draws.choices(list(sizes), [6, 4, 1])[0]
        cases.append((kind, draws.randrange(2**32)))
        count -= sizes[kind]
    return cases


def named(case):
    return f"{case[0]}-{case[1]:08x}"


@pytest.fixture(scope="module")
def damages(request):
    """Count what was done to which kind of file."""
    yield from durable.tally(request, "damages")


@pytest.fixture
def holds(place, whole, damages, request):
    def check(case):
        kind, seed = case
        draws = random.Random(seed)
        if kind == "checkpoint":
            interrupted = request.getfixturevalue("interrupted")
            folder = place.folder(named(case), copied=interrupted[0])
            done = a_checkpoint(place, interrupted, folder, draws)
        else:
            folder = place.folder(named(case), copied=whole.folder)
            done = {"three": three_files, "alone": one_alone}[kind](place, whole, folder, draws)
        damages.update(f"{one.how} {one.kind}" for one in done)
        shutil.rmtree(folder)

    return check


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", campaign(15, seed=3), ids=named)
def test_a_damaged_file_is_named_and_made_again_or_refused(holds, case):
    holds(case)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", campaign(500, seed=4), ids=named)
def test_five_hundred_damages_give_no_wrong_number(holds, case):
    holds(case)
