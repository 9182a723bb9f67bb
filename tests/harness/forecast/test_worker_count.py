import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from harness import cuda
from harness.cuda import Devices
from harness.forecast import worker_count
from harness.forecast.device_sharing import Sharing
from harness.forecast.worker_count import NAME, with_workers
from harness.progress import Reporter

GB = 2**30
FOUND = Sharing({1: 120.0, 2: 180.0, 4: 210.0, 8: 198.0}, 2 * GB, 78 * GB)


@pytest.fixture
def telling():
    return Reporter(Console(file=io.StringIO(), width=200))


def said(telling):
    return telling.console.file.getvalue()


@pytest.fixture
def plan(make_plan, monkeypatch):
    """A plan on one of two GPUs of a machine of 16 cores, of four jobs; what is measured is `FOUND`."""
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("NVIDIA H100",)))
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 16)
    monkeypatch.setattr(worker_count, "planned_parts", lambda *_: {"train": (10, 38)})
    monkeypatch.setattr(worker_count, "measured", measured := Measured())
    found = make_plan(("magnitude", {}), ("lt", {}), seeds=(0, 1), jobs=1, device="cuda")
    return found, measured


class Measured:
    """Measures `FOUND`, and notes what it was asked."""

    def __init__(self):
        self.asked = []
        self.gives = FOUND

    def __call__(self, plan, images, most):
        self.asked.append((images, most))
        return self.gives


def test_as_many_workers_as_pay_are_measured_once_for_a_store_and_said(plan, telling):
    plan, measured = plan
    assert with_workers(plan, telling).jobs == 4
    assert with_workers(plan, telling, measure=False).jobs == 4
    assert measured.asked == [(48, 8)]
    line = "4 workers on NVIDIA H100: 210 training steps a second (with 1 120, 2 180, 8 198)"
    assert said(telling).splitlines() == [
        "Measuring how many workers pay on NVIDIA H100, for seconds, once for this store",
        line,
        line,
    ]


def test_what_the_figures_depend_on_is_measured_anew(plan, telling):
    plan, measured = plan
    with_workers(plan, telling)
    for other in (
        replace(plan, environment="another GPU"),
        replace(plan, network="small-cnn"),
        replace(plan, training=replace(plan.training, batch_size=16)),
        replace(plan, training=replace(plan.training, precision="bfloat16")),
    ):
        with_workers(other, telling)
    with_workers(replace(plan, seeds=(5, 6, 7)), telling)
    assert len(measured.asked) == 5


def test_each_of_several_gpus_has_as_many(plan, telling, monkeypatch):
    plan, measured = plan
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("NVIDIA H100", "NVIDIA H100")))
    assert with_workers(plan, telling).jobs == 8
    assert "4 workers on each of 2 NVIDIA H100" in said(telling)
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 5)
    assert with_workers(plan, telling).jobs == 4  # two cores a GPU
    assert measured.asked == [(48, 8)]


def test_more_cores_than_were_measured_for_are_measured_anew(plan, telling, monkeypatch):
    plan, measured = plan
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 2)
    with_workers(plan, telling)
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 16)
    with_workers(plan, telling)
    assert measured.asked == [(48, 2), (48, 8)]


def test_nothing_is_measured_where_one_worker_is_all_that_can_be(plan, telling, monkeypatch):
    plan, measured = plan
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 1)
    assert with_workers(plan, telling) is plan
    monkeypatch.setattr(worker_count, "usable_cores", lambda: 16)
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("NVIDIA H100",) * 6))
    assert with_workers(plan, telling) is plan  # six jobs on six GPUs
    assert (measured.asked, said(telling)) == ([], "")


def test_a_dry_run_measures_nothing(plan, telling):
    plan, measured = plan
    assert with_workers(plan, telling, measure=False) is plan
    assert measured.asked == []
    assert "is measured when the run begins" in said(telling)


def test_what_cannot_be_measured_is_one_worker_and_is_not_remembered(plan, telling):
    plan, measured = plan
    measured.gives = Sharing({})
    assert with_workers(plan, telling).jobs == 1
    assert not (plan.store / NAME).exists()
    assert "could not be measured; --jobs says how many" in said(telling)


def test_lines_that_are_none_are_passed_over_and_a_folder_that_cannot_be_written_is_no_error(plan, telling):
    plan, measured = plan
    with_workers(plan, telling)
    whole = (plan.store / NAME).read_text()
    (plan.store / NAME).write_text('{"setting"\n[]\n{}\n\x00\n' + json.dumps({"setting": 1}) + "\n" + whole[:40])
    with_workers(plan, telling)
    assert len(measured.asked) == 2
    (plan.store / "file").write_text("")
    assert with_workers(replace(plan, store=plan.store / "file"), telling).jobs == 4
