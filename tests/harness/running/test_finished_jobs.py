from dataclasses import replace

import numpy as np
import pytest

from harness import plugins
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import levels_of
from harness.planning.planner import Flags, build_plan
from harness.running import finished_jobs
from harness.running.cells import cells, score_test
from harness.running.finished_jobs import FinishedJobs
from harness.running.job_watcher import JobWatcher
from harness.storage.store import Store
from harness.storage.usage import evict

pytestmark = pytest.mark.slow


class Line:
    free = False

    def send(self, *_):
        pass


def done(plan, entry, seed=0):
    """The records of a job that is run here, and the stages that it asked for."""
    watcher = JobWatcher(Line())
    store = Store(plan.store, watcher=watcher)
    found = cells(plan, entry, seed, levels_of(entry, plan.densities), store)
    return [score_test(plan, cell, store) for cell in found], watcher.stages


@pytest.fixture
def make_plan(isic_folder, tmp_path):
    def make(*methods, **changes):
        training = {"epochs": 1, "max_steps": 2, "batch_size": 12, "precision": "float32", "device": "cpu"}
        flags = {"methods": list(methods), "weights": "kaiming", "densities": [1.0, 0.25], "training": training}
        options = replace(load_configuration("quick", None, [], flags | changes), network="tiny")
        return build_plan(options, Flags("quick", isic_folder, tmp_path / "store"))[0]

    return make


@pytest.fixture
def kept(make_plan):
    """A plan, its entry, and what its job gave, which is kept."""
    plan = make_plan("lt")
    entry = plan.entries[-1]
    records, stages = done(plan, entry)
    FinishedJobs(plan).keep(entry, 0, records, stages)
    return plan, entry, records, stages


def same(record, other):
    """Whether two records are one, bit for bit; the types of their parts, too."""
    masks = zip(record.mask.items(), other.mask.items(), strict=True)
    equal = all(a == b and x.dtype == y.dtype and np.array_equal(x, y) for (a, x), (b, y) in masks)
    return equal and repr(replace(record, mask={})) == repr(replace(other, mask={}))


def test_what_is_kept_is_what_a_replay_gives_bit_for_bit(kept):
    plan, entry, records, _ = kept
    assert any(record.mask for record in records)
    for given in (records, done(plan, entry)[0]):
        assert all(map(same, FinishedJobs(plan).find(entry, 0), given))


def test_every_stage_that_a_job_asks_for_is_known(kept):
    plan, _, _, stages = kept
    asked = {folder.name for folder, kind in Store(plan.store).folders() if kind in ("train", "score", "thresholds")}
    assert asked <= stages


def test_another_seed_entry_level_verdict_or_training_is_another_job(kept, make_plan):
    plan, entry, _, _ = kept
    assert FinishedJobs(plan).find(entry, 1) is None
    assert FinishedJobs(plan).find(plan.entries[0], 0) is None
    others = (
        make_plan("lt", densities=[1.0, 0.5]),
        make_plan("lt", verdict={"fpr": 0.2}),
        make_plan("lt", training={"epochs": 1, "max_steps": 3, "batch_size": 12, "precision": "float32"}),
    )
    assert [FinishedJobs(other).find(other.entries[-1], 0) for other in others] == [None] * 3


def test_a_stage_that_is_gone_or_damaged_makes_it_of_no_use(kept):
    plan, entry, _, stages = kept
    for stage in sorted(stages):
        value = Store(plan.store).path(stage) / "value.json"
        before = value.read_bytes()
        value.write_bytes(before + b" ")
        assert FinishedJobs(plan).find(entry, 0) is None
        value.write_bytes(before)
        assert FinishedJobs(plan).find(entry, 0) is not None


def test_evicting_any_stage_takes_it_along(kept):
    plan, entry, _, _ = kept
    size = sum(path.stat().st_size for path in (plan.store / "stages").rglob("*") if path.is_file())
    evict(plan.store, f"{size}B")  # all of them fit
    assert FinishedJobs(plan).find(entry, 0) is not None
    evict(plan.store, f"{size - 1}B")
    assert not (plan.store / "finished").exists()


@pytest.mark.parametrize("damage", [lambda _: b"", lambda whole: whole[:-1], lambda whole: whole[:-1] + b"\0"])
def test_a_damaged_one_is_none(kept, damage):
    plan, entry, _, _ = kept
    (path,) = (path for path in (plan.store / "finished").rglob("*") if path.is_file())
    path.write_bytes(damage(path.read_bytes()))
    assert FinishedJobs(plan).find(entry, 0) is None


def test_a_failed_cell_or_a_missing_level_is_tried_again(kept):
    plan, entry, records, stages = kept
    for other in ([records[0], replace(records[1], status="failed")], records[:1]):
        FinishedJobs(plan).keep(entry, 7, other, stages)
        assert FinishedJobs(plan).find(entry, 7) is None


def test_other_code_of_the_harness_runs_it_again(kept, monkeypatch):
    plan, entry, records, stages = kept
    before = FinishedJobs(plan)
    monkeypatch.setattr(finished_jobs, "code_digest", lambda: "edited")
    monkeypatch.setattr(finished_jobs, "_LOOK_S", -1.0)
    assert FinishedJobs(plan).find(entry, 0) is None
    before.keep(entry, 5, records, stages)  # begun before the edit, ended after it
    assert before.find(entry, 5) is None


def test_another_distributions_method_is_run_again(kept, monkeypatch):
    plan, entry, _, _ = kept
    known = plugins.available(plugins.PRUNERS)
    foreign = {**known, "lt": replace(known["lt"], distribution="elsewhere")}
    monkeypatch.setattr(plugins, "available", lambda _group: foreign)
    assert FinishedJobs(plan).find(entry, 0) is None


def test_another_cut_of_the_same_images_runs_it_again(kept, monkeypatch):
    """As when the publisher's groups were corrected: pixels, labels and ids are what they were."""
    plan, entry, _, _ = kept
    cut = finished_jobs.training_splits

    def other(data, store, seed):
        train, validation = cut(data, store, seed)
        return validation, train

    monkeypatch.setattr(finished_jobs, "training_splits", other)
    assert FinishedJobs(plan).find(entry, 0) is None


def test_whether_the_code_was_edited_is_asked_seldom(kept, monkeypatch):
    plan, entry, records, stages = kept
    asked = []
    finished = FinishedJobs(plan)
    monkeypatch.setattr(finished_jobs, "code_digest", lambda: asked.append(1) or "edited")
    finished.keep(entry, 5, records, stages)
    assert not asked
    assert finished.find(entry, 5) is not None
