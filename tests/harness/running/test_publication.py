"""What is published of a run, what makes it another run, and what comes back."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from harness.data import loading
from harness.data.draw import Cutting
from harness.data.image_split import ImageSplit
from harness.datasets.isic_sim import IsicSim
from harness.losses.class_dependent import ClassDependent
from harness.methods.magnitude import Magnitude
from harness.outgoing import secrets
from harness.planning import description
from harness.planning.configuration_file import load_configuration
from harness.planning.entries import entry_of
from harness.planning.plan import comparison
from harness.planning.planner import Flags, build_plan
from harness.results import reading as results
from harness.results.cell_record import CellRecord
from harness.results.published import PublishedRun, ReadLevel
from harness.results.reading import read
from harness.running import publication as module
from harness.running.publication import Splits, publication
from harness.storage.canonical import digest
from harness.storage.sources import without_facts

METHODS = Path(__file__).parents[3] / "methods"


@pytest.mark.parametrize(
    ("method", "files"),
    [
        ("l-obs", ["l_obs.py", "layer_hessians.py"]),
        ("class-dependent-lt", ["class_dependent_lt.py", "lt.py"]),
        ("snip", ["snip.py"]),
    ],
)
def test_a_change_in_any_file_of_a_method_makes_another_run(method, files):
    code = entry_of(method, {}).code()
    own = {path.name for path in METHODS.glob("*.py") if digest(without_facts(path.read_text("utf-8"))) in code}
    assert own == set(files)


@pytest.fixture
def published(monkeypatch):
    """Publish records of one entry of a plan that says nothing else."""
    split = ImageSplit.of(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0]), ("a", "b"))
    train = ImageSplit.of(torch.zeros(3, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0, 0]), ("a", "b", "c"))
    data = SimpleNamespace(size=16, dataset=IsicSim, cutting=Cutting(0.25, 0.25, False, 0))
    plan = SimpleNamespace(network="tiny", data=data, weights="kaiming", preset="quick")
    facts = {"group": "g", "simulated": False, "partial": None, "broken": None}
    monkeypatch.setattr(module, "provenance_of", lambda *_: facts)
    monkeypatch.setattr(module, "_plan", lambda _: {})
    monkeypatch.setattr(module, "run_key", lambda *_: "key")
    return lambda entry, *records: publication(
        plan, entry, 0, records, Splits(train, split, split, "pool", "whole"), "harness run"
    )


@pytest.fixture
def read_back(monkeypatch, tmp_path):
    """Read one publication as if MLflow had kept it, without the tags in ``lost``."""

    def reading(one, *lost):
        tags = {name: value for name, value in one.tags.items() if name not in lost}
        names = ("cell.json", "scores.csv")
        levels = [
            ReadLevel(density, {name: level.files[name].decode() for name in names})
            for density, level in one.levels.items()
        ]
        run = PublishedRun("run", tags, 0, 0, one.documents["provenance.json"].decode(), levels)
        tracker = SimpleNamespace(read=lambda: [run], documents=lambda *_: [])
        monkeypatch.setattr(results, "Tracker", lambda *_: tracker)
        return read("nowhere", tmp_path, "spots").cells

    return reading


def record(density, **changes):
    scores = {"validation_scores": (1.0, 0.0), "test_scores": (1.0, 0.0)}
    return CellRecord(density=density, status="done", metrics={"test/auc": 1.0}, **scores, **changes)


BLACK = entry_of("class-dependent-lt", {"scenario": "black"})


def test_an_entry_is_published_with_its_name_under_the_plain_loss(published, read_back):
    one = published(BLACK, record(1.0))
    assert one.tags["harness.entry"] == BLACK.text
    assert one.tags["harness.plain"] == one.params["plain"] == "lt"
    assert read_back(one)["plain"].tolist() == ["lt"]
    # A run of before the tag is known by its own name alone.
    assert read_back(one, "harness.plain")["plain"].tolist() == [BLACK.text]


@pytest.mark.parametrize(
    ("entry", "changes"),
    [
        (BLACK, True),
        (entry_of("lt", {}, "black-pointwise"), True),
        (entry_of("lt", {"gamma": 1}, "black"), False),
        (entry_of("lt", {}, "mild", {"mild": ClassDependent("mild", 1.0, "effective-number(0.9)")}), True),
        (entry_of("lt", {}, "ldam-drw"), False),  # within each training alike
        (entry_of("lt", {}), False),
        (entry_of("lt", {}, "green"), False),
        (entry_of("lt", {}, "blue"), False),
        (entry_of("lt", {}, "weights-only"), False),
    ],
    ids=lambda value: getattr(value, "text", str(value)),
)
def test_an_entry_is_published_with_whether_its_loss_changes(published, read_back, entry, changes):
    one = published(entry, record(1.0))
    assert one.tags["harness.loss_changes"] == str(changes).lower()
    assert read_back(one)["loss_changes"].tolist() == [changes]
    # A run of before the tag does not say.
    assert read_back(one, "harness.loss_changes")["loss_changes"].tolist() == [False]


def test_an_entry_is_published_with_whether_it_is_a_control(published, read_back):
    for text, control in (("random", True), ("random-layerwise", True), ("scratch", True), ("magnitude", False)):
        one = published(entry_of(text, {}), record(1.0))
        assert one.tags["harness.control"] == str(control).lower()
        assert read_back(one)["control"].tolist() == [control]


@pytest.fixture
def told(published, read_back):
    """Publish an entry, and return its run's tags and what is read of it, without the tags in ``lost``."""

    def publishes(text, *lost):
        one = published(entry_of(text, {}), record(1.0))
        cells = read_back(one, *lost)
        return one.tags, cells, read("nowhere", Path(), "spots").groups["g"]

    return publishes


FACTS = ("family", "description", "source", "method_version", "author", "code")


def test_an_entry_is_published_with_what_is_told_of_its_method(told):
    tags, cells, facts = told("magnitude")
    assert cells["family"].tolist() == ["trained"] == [tags["harness.family"]]
    assert facts["methods"] == {
        "magnitude": {
            "family": "trained",
            "description": (Magnitude.__doc__ or "").partition("\n")[0],
            "source": Magnitude.source,
            "version": tags["harness.method_version"],
            "author": "The prune-harness contributors",
            "code": "harness.methods.magnitude",
        }
    }
    assert tags["harness.method_version"].startswith("prune-harness ")


def test_a_run_of_before_the_tags_has_the_family_that_its_method_has(told):
    _, cells, facts = told("magnitude", *(f"harness.{name}" for name in FACTS))
    assert cells["family"].tolist() == ["trained"]
    empty = dict.fromkeys(("description", "source", "version", "author", "code"), "")
    assert facts["methods"] == {"magnitude": {"family": "trained", **empty}}


def test_nothing_is_told_of_the_references(told):
    _, cells, facts = told("dense")
    assert (cells["family"].tolist(), facts["methods"]) == (["reference"], {})


def test_what_is_told_of_a_method_makes_no_other_run(monkeypatch):
    """Its source with another family in it is the same code, so that stored results are found."""
    before = entry_of("magnitude", {}).code()
    read_text = description.module_text
    renamed = 'family = "new"'
    monkeypatch.setattr(
        description, "module_text", lambda name: (read_text(name) or "").replace('family = "trained"', renamed)
    )
    assert renamed in description.module_text("harness.methods.magnitude")
    assert entry_of("magnitude", {}).code() == before


def test_every_tag_of_a_result_has_its_words(published):
    page = (METHODS.parent / "docs" / "metrics.md").read_text("utf-8")
    assert [tag for tag in published(BLACK, record(1.0)).tags if f"`{tag}`" not in page] == []


def test_a_reason_is_published_without_secrets_and_paths(published, monkeypatch):
    monkeypatch.setattr(secrets, "_known", {})
    secrets.remember("http://me:S3CRET@host/x")
    cell = record(0.5, reason="OSError: '/home/me/x y.pt' at http://me:S3CRET@host/x: S3CRET")
    level = published(BLACK, cell).levels[0.5]
    assert json.loads(level.files["cell.json"])["reason"] == "OSError: 'x y.pt' at http://host/x: ***"


def test_layers_are_published_where_they_were_counted(published, read_back):
    counted = record(0.5, layers={"conv.weight": (5, 4, 10)})
    one = published(BLACK, record(1.0), counted)
    dense, half = (json.loads(level.files["cell.json"]) for level in one.levels.values())
    assert "layers" not in dense
    assert half["layers"] == {"conv.weight": [5, 4, 10]}
    assert read_back(one)["layers"].tolist() == [None, {"conv.weight": (5, 4, 10)}]


def test_counting_layers_makes_a_level_new_and_not_counting_them_does_not(published):
    before, after = record(0.5), record(0.5, layers={"conv.weight": (5, 4, 10)})
    digests = {published(BLACK, one).levels[0.5].digest for one in (before, after)}
    assert len(digests) == 2
    # The digest that levels had before layers were counted.
    old = {"density": 0.5, "status": "done", "reason": "", "metrics": {"test/auc": 1.0}}
    assert published(BLACK, before).levels[0.5].digest == digest(old)


def test_the_splits_that_a_run_read_are_published_with_it(published):
    used = published(BLACK, record(1.0)).data
    assert [(one.name, one.split) for one in used] == [
        ("isic-sim", "train"),
        ("isic-sim", "validation"),
        ("isic-sim", "test"),
    ]


@pytest.mark.parametrize(
    ("weights", "source", "saw"),
    [
        ("simulated", "auto", False),
        ("simulated", "isic-sim", True),
        ("simulated", "isic-sim[seed=7]", True),
        ("kaiming", "isic-sim", False),
    ],
)
def test_whether_w0_saw_the_classes_is_published(tmp_path, weights, source, saw):
    options = load_configuration("smoke", None, [], {"weights": weights, "pretraining": {"dataset": source}})
    plan, _ = build_plan(options, Flags("smoke", None, tmp_path / "never"))
    split = ImageSplit.of(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0]), ("a", "b"))
    facts = module.provenance_of(plan, loading.Splits(split, split, split, "pool", "whole"), "harness run")
    assert facts["w0_saw_classes"] == saw
    named = {"auto": "crack-sim"}.get(source, source)
    assert facts["pretraining"] is None if weights == "kaiming" else facts["pretraining"]["dataset"] == named


def test_other_terms_are_another_group_and_family_of_the_same_tuning(tmp_path):
    split = ImageSplit.of(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0]), ("a", "b"))
    splits = loading.Splits(split, split, split, "pool", "whole")

    def told(**terms):
        plan, _ = build_plan(load_configuration("smoke", None, [], {"verdict": terms}), flags)
        facts = module.provenance_of(plan, splits, "harness run")
        before = digest(comparison(plan, {"pool": "pool", "test": split.fingerprint}))[:12]
        return facts["group"], facts["family"], facts["setting"], facts["verdict"], before

    flags = Flags("smoke", None, tmp_path / "never")
    usual, strict = told(), told(delta=0.05)
    assert usual[3] == {"fpr": 0.3, "delta": 0.1, "sensitivity": 0.9, "cost_ratio": 10.0}
    assert strict[3] == {**usual[3], "delta": 0.05}
    assert [one == other for one, other in zip(usual, strict, strict=True)] == [False, False, True, False, True]
    assert usual[0] == usual[4]  # what was published before there were terms is found


def test_only_the_kind_of_machine_and_the_fold_do_not_change_the_kin(tmp_path):
    split = ImageSplit.of(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0]), ("a", "b"))
    splits = loading.Splits(split, split, split, "pool", "whole")
    plan, _ = build_plan(load_configuration("smoke", None, [], {}), Flags("smoke", None, tmp_path / "never"))

    def told(**changes):
        facts = module.provenance_of(dataclasses.replace(plan, **changes), splits, "harness run")
        return facts["kin"], facts["family"]

    schedule = plan.training
    (kin, family), (same, other) = told(), told(environment="another")
    assert (same, other == family) == (kin, False)
    assert told(training=dataclasses.replace(schedule, device="cuda"))[0] == kin
    assert told(training=dataclasses.replace(schedule, epochs=schedule.epochs + 1))[0] != kin
    assert told(network="resnet18")[0] != kin


def test_the_test_part_is_the_same_images_at_any_size(tmp_path):
    def told(size, ids):
        images = torch.zeros(2, 3, size, size, dtype=torch.uint8)
        split = ImageSplit.of(images, torch.tensor([1, 0]), ids)
        facts = module.provenance_of(plan, loading.Splits(split, split, split, "pool", "whole"), "harness run")
        return facts["test_part"], facts["fingerprint"]

    plan, _ = build_plan(load_configuration("smoke", None, [], {}), Flags("smoke", None, tmp_path / "never"))
    (small, first), (large, second), (other, _) = told(16, "ab"), told(32, "ab"), told(16, "ac")
    assert small == large != other
    assert first != second
