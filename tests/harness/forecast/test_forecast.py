"""What is left of a run, by hand: pieces once, cells each, workers side by side, plans one after the other."""

from dataclasses import replace

import pytest

from harness.forecast.forecast import Forecast
from harness.forecast.ledger import Ledger, Line
from harness.forecast.rates import Rates
from harness.forecast.work import CELL, TWIN, Cost, EntryWork, Piece
from harness.results.cell_record import CellRecord
from harness.running.job_watcher import StageEnd, Steps
from harness.running.pool import Job

TRAIN, INVERSES = Cost("train", "tiny"), Cost("compute", "m.inverses")
DENSE = Piece("dense", TRAIN, 100.0, 100)
WORK = {
    "dense": EntryWork(((DENSE,),)),
    "lt": EntryWork(((DENSE,), (Piece("lt1", TRAIN, 100.0, 100),), (Piece("lt2", TRAIN, 50.0, 100),))),
    "l-obs": EntryWork(((DENSE,), (Piece("inverses", INVERSES),), ())),
}
RATES = {TRAIN: 0.1, CELL: 1.0, INVERSES: 7.0}


@pytest.fixture
def make(make_plan, tmp_path):
    def build(seeds=(0,), jobs=1, work=None, rates=None, plans=1):
        found = [make_plan(("lt", {}), ("l-obs", {}), seeds=seeds, jobs=jobs) for _ in range(plans)]
        places = [(f"plan{place}", "here") for place in range(plans)]
        known = RATES if rates is None else rates
        return Forecast(found, [work or WORK] * plans, places, Rates(known), Ledger(tmp_path))

    return build


def end(kind, key, steps=0, seconds=1.0, replayed=False, what="tiny"):
    return StageEnd(kind, what, key, steps, seconds, seconds, replayed)


def cell(level):
    return level, CellRecord(density=1.0, status="done"), ""


def test_what_entries_share_is_left_once_and_each_cell_by_itself(make):
    steps, cells = 100 + 100 + 50, 1 + 3 + 3
    assert make().seconds_left() == pytest.approx(0.1 * steps + 7.0 + cells)
    assert make(seeds=(0, 1)).seconds_left() == pytest.approx(2 * (0.1 * steps + 7.0 + cells))
    assert make(plans=3).seconds_left() == pytest.approx(3 * (0.1 * steps + 7.0 + cells))


def test_a_twin_trains_nothing_and_its_cells_have_a_cost_of_their_own(make_plan, tmp_path):
    plan = make_plan(("lt", {}))
    plan = replace(plan, entries=(*plan.entries, plan.entries[-1].twin()))
    work = {**WORK, "lt+int8": WORK["lt"]}
    found = Forecast([plan], [work], [("plan", "here")], Rates({**RATES, TWIN: 5.0}), Ledger(tmp_path))
    assert found.processor_seconds_left() == pytest.approx(0.1 * 250 + 1 + 3 + 3 * 5.0)
    twin = Job(2, 0)
    hearer = found.of(plan)
    hearer.began(twin)
    hearer.told(twin, "cell", cell(0))
    hearer.told(twin, "stage", end("cell", "k", seconds=9.0))
    assert found.rates.of(TWIN) == pytest.approx(7.0)  # as much by what was known as by what was heard
    assert found.rates.of(CELL) == 1.0
    assert Ledger(tmp_path).rates("here") == {TWIN: 9.0}


def test_workers_share_the_work_but_no_job_is_shorter_than_its_own(make):
    every = 0.1 * 250 + 7.0 + 7
    longest = 0.1 * 250 + 3  # lt, with the dense network that it waits for
    assert make(jobs=2).seconds_left() == pytest.approx(max(every / 2, longest))
    assert make(seeds=range(4), jobs=2).seconds_left() == pytest.approx(4 * every / 2)
    assert make(jobs=2).processor_seconds_left() == pytest.approx(every)


def test_without_one_timed_step_nobody_knows_and_what_has_no_time_is_named(make):
    assert make(rates={CELL: 1.0}).seconds_left() is None
    found = make(rates={TRAIN: 0.1, CELL: 1.0})
    assert found.unknown == {"l-obs": "nothing has timed its inverses here"}
    uncounted = make(work={"dense": WORK["dense"], "lt": EntryWork(unknown="RuntimeError: mine")})
    assert uncounted.unknown == {"lt": "RuntimeError: mine", "l-obs": "it was not counted in time"}


def test_what_the_store_has_is_not_left_and_its_cells_are_counted(make, tmp_path):
    ledger = Ledger(tmp_path)
    for identity in ("plan0/0/dense", "plan0/0/dense/0", "plan0/0/lt1", "plan0/0/lt/0"):
        ledger.note(Line(identity, "key", "here", "train", "tiny", 1.0, 1.0))
    assert make().cells_held == 0
    (tmp_path / "stages" / "ke" / "key").mkdir(parents=True)
    found = make()
    assert found.cells_held == 2
    assert found.seconds_left() == pytest.approx(0.1 * 50 + 7.0 + 5)


def test_steps_within_a_piece_count_and_what_is_over_is_learned(make):
    forecast = make()
    plan = forecast.plans[0]
    clock = iter([0.0, 2.0, 12.0, 20.0]).__next__
    hearer = forecast.of(plan)
    hearer._clock = clock
    whole, job = forecast.seconds_left(), Job(0, 0)
    hearer.began(job)
    hearer.told(job, "steps", Steps("train", "tiny", 0, 0))
    hearer.told(job, "steps", Steps("train", "tiny", 10, 100))
    assert forecast.seconds_left() == pytest.approx(whole - 0.1 * 10)
    hearer.told(job, "steps", Steps("train", "tiny", 30, 100))  # 20 steps in 10 s, which were thought to take 2
    slower = (2 + 10.0) / (2 + 2.0)
    step = (20 * 0.1 * slower + 10.0) / 40
    assert forecast.rates.of(TRAIN) == pytest.approx(step)
    hearer.told(job, "stage", end("train", "k", steps=100))
    assert forecast.rates.of(TRAIN) == pytest.approx(step)
    assert forecast.seconds_left() == pytest.approx(step * 150 + slower * (7.0 + 7))
    hearer.told(job, "cell", cell(0))
    hearer.told(job, "stage", end("cell", "k", seconds=3.0))
    assert forecast.rates.of(CELL) == pytest.approx((slower + 3.0) / 2)
    hearer.ended(job, "done")
    assert forecast.seconds_left() == pytest.approx(step * 150 + slower * 7.0 + 6 * (slower + 3.0) / 2)


def test_a_stage_too_short_for_a_word_is_learned_at_its_end_and_a_replayed_one_not(make):
    forecast = make()
    hearer, job = forecast.of(forecast.plans[0]), Job(2, 0)
    hearer.began(job)
    hearer.told(job, "stage", end("train", "k", steps=100, seconds=900.0, replayed=True))
    hearer.told(job, "stage", end("compute", "i", seconds=3.0))
    assert forecast.rates.of(TRAIN) == 0.1
    assert forecast.rates.of(INVERSES) == 5.0
    hearer.told(job, "stage", end("cell", "i", seconds=2.0))
    assert forecast.spent == 3.0 + 2.0


def test_a_job_that_goes_another_way_is_still_over_cell_by_cell(make):
    forecast = make()
    hearer, job = forecast.of(forecast.plans[0]), Job(1, 0)
    hearer.began(job)
    hearer.told(job, "stage", end("train", "k", steps=100, seconds=10.0))
    hearer.told(job, "stage", end("train", "other", steps=7))  # diverged, say
    hearer.told(job, "cell", cell(0))
    hearer.told(job, "stage", end("cell", "k", replayed=True))
    hearer.told(job, "cell", cell(1))
    hearer.told(job, "stage", end("cell", "k", replayed=True))
    assert forecast.processor_seconds_left() == pytest.approx(0.1 * 50 + 7.0 + 1 + 1 + 3)


def test_a_job_that_is_put_back_begins_anew_and_one_that_died_leaves_nothing(make):
    forecast = make()
    hearer, job = forecast.of(forecast.plans[0]), Job(1, 0)
    for _ in range(2):
        hearer.began(job)
        hearer.told(job, "stage", end("train", "k", steps=100, seconds=10.0))
        hearer.ended(job, "busy")
    assert forecast.seconds_left() == pytest.approx(0.1 * 150 + 7.0 + 7)
    assert not forecast.jobs[0][job].closed
    hearer.began(job)
    hearer.ended(job, "died")
    left = sum(piece.units for piece, _ in forecast._pieces_left(forecast.jobs[0][job]))
    assert left == 0
    assert forecast.unknown == {}


def test_what_this_run_has_made_the_next_one_finds(make, tmp_path):
    forecast = make()
    hearer, job = forecast.of(forecast.plans[0]), Job(0, 0)
    hearer.began(job)
    hearer.told(job, "stage", end("train", "kk", steps=100, seconds=30.0, replayed=True))
    hearer.told(job, "cell", cell(0))
    hearer.told(job, "stage", end("cell", "kk", seconds=3.0))
    (tmp_path / "stages" / "kk" / "kk").mkdir(parents=True)
    again = make()
    assert again.cells_held == 1
    assert again.processor_seconds_left() == pytest.approx(0.1 * 150 + 7.0 + 6)
    assert Ledger(tmp_path).rates("here") == {TRAIN: 0.3, CELL: 3.0}


def test_a_pretraining_is_everybody_s_once(make):
    piece = Piece("pretrain x", Cost("pretrain", "tiny"), 200.0, 200)
    work = {name: EntryWork(((piece, *one.levels[0]), *one.levels[1:])) for name, one in WORK.items()}
    forecast = make(seeds=(0, 1), work=work)
    whole = 2 * (0.1 * 250 + 7.0 + 7)
    assert forecast.seconds_left() == pytest.approx(whole + 0.1 * 200)
    hearer, job = forecast.of(forecast.plans[0]), Job(0, 1)
    hearer.began(job)
    hearer.told(job, "stage", end("pretrain", "p", seconds=20.0))
    assert forecast.seconds_left() == pytest.approx(whole)
