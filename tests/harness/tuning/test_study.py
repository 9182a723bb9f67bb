"""Studies without training: a trial's levels are made up, so that only the book-keeping is at work."""

import contextlib
import math
import signal
import textwrap
import time
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from harness.results.trial_record import LevelResult
from harness.tuning.choosing import best_of, budgeted
from harness.tuning.lease import SILENT_S, Lease
from harness.tuning.metered_store import Spent
from harness.tuning.objective import Objective
from harness.tuning.studies import NotOursError, StudyDatabase
from harness.tuning.study import MOST_TRIES, Study
from harness.tuning.study_definition import Definition

pytestmark = pytest.mark.slow

SPACE = {"x": FloatDistribution(0.0, 1.0), "kind": CategoricalDistribution(["good", "bad"])}
DEFAULT = {"x": 0.9, "kind": "bad"}


def definition(name="study", space=SPACE, default=DEFAULT, objective="auc", bound=None):
    return Definition(name=name, space=space, default=default, objective=Objective(name=objective, fpr_bound=bound))


@contextlib.contextmanager
def opened(store, url=None, **options):
    with Lease(store / "tuning" / "leases") as lease:
        yield Study(StudyDatabase(url, store, lease), definition(**options))


def planted(values):
    """Best at x = 0.3 of kind good."""
    return 1 - (values["x"] - 0.3) ** 2 - (0.2 if values["kind"] == "bad" else 0)


def levels(auc, fpr=0.4):
    return [LevelResult(density=d, status="done", auc=auc, fnr=1 - auc, fpr=fpr) for d in (1.0, 0.5)]


def work(study, budget, times=math.inf):
    done = 0
    while done < times and (claimed := study.claim(budget)) is not None:
        study.finish(claimed, levels(planted(claimed.values)), Spent(10, 1.0, 0.5))
        done += 1


def states(study):
    return [record.state for record in study.records()]


def tried(study):
    return [dict(record.parameters) for record in study.records() if record.counted]


def test_a_planted_best_is_found_within_the_budget(tmp_path):
    with opened(tmp_path) as study:
        work(study, 30)
        best = best_of(study.records(), study.definition.objective, DEFAULT)
    assert best.parameters["kind"] == "good"
    assert abs(best.parameters["x"] - 0.3) < 0.05
    assert best.value == pytest.approx(planted(best.parameters))


def test_the_default_comes_first_and_the_budget_is_exact(tmp_path):
    with opened(tmp_path) as study:
        work(study, 6)
        assert tried(study)[0] == DEFAULT
        assert states(study) == ["complete"] * 6
        assert study.claim(6) is None
        work(study, 8)
        assert study.counted() == 8
        assert len(budgeted(study.records(), 6)) == 6


def test_floats_are_tried_with_three_digits_and_recorded_as_tried(tmp_path):
    with opened(tmp_path) as study:
        work(study, 10)
        for values in tried(study):
            assert values["x"] == float(f"{values['x']:.3g}")


def test_a_study_in_pieces_tries_the_same_as_one_in_one_go(tmp_path):
    with opened(tmp_path / "one") as study:
        work(study, 14)
        whole = tried(study)
    for _ in range(7):
        with opened(tmp_path / "pieces") as study:
            work(study, 14, times=2)
            pieces = tried(study)
    assert pieces == whole
    assert len({values["x"] for values in whole}) > 10, "a sampler that is seeded anew repeats its draws"


def test_a_trial_that_was_cut_off_is_tried_again_and_nothing_else_changes(tmp_path):
    with opened(tmp_path / "one") as study:
        work(study, 8)
        whole = tried(study)
    with opened(tmp_path / "cut") as study:
        for _ in range(4):
            work(study, 8, times=1)
            study.lose(study.claim(8), "the command was stopped", Spent(), blame=False)
        work(study, 8)
        assert tried(study) == whole
        lost = [record for record in study.records() if record.state == "failed"]
        assert [record.reason for record in lost] == ["the command was stopped"] * 4
        assert {"running", "waiting"}.isdisjoint(states(study))


PREAMBLE = f"""
    import sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from pathlib import Path
    from test_study import *
    import os, signal
"""


@pytest.fixture
def process(commands, tmp_path):
    """Return a function that runs code on a store in a process of its own."""

    def started(code, store):
        text = textwrap.dedent(PREAMBLE) + f"store = Path({str(store)!r})\n" + textwrap.dedent(code)
        return commands.python(text, tmp_path)

    return started


def assert_killed(started):
    result = started.result()
    assert result.returncode == -signal.SIGKILL, result.stderr


KILLED = """
    with opened(store) as study:
        work(study, 8, times=2)
        study.claim(8)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_in_mid_trial_leaves_none_running_lost_or_doubled(tmp_path, process):
    with opened(tmp_path / "one") as study:
        work(study, 8)
        whole = tried(study)
    assert_killed(process(KILLED, tmp_path / "two"))
    with opened(tmp_path / "two") as study:
        assert states(study)[2] == "failed"
        work(study, 8)
        assert tried(study) == whole
        assert {"running", "waiting"}.isdisjoint(states(study))
        assert [record.reason for record in study.records() if not record.counted] == ["its process was killed"]


@pytest.mark.parametrize("statements", [3, 60, 110, 160])
def test_a_kill_between_any_two_writes_is_mended(tmp_path, process, statements):
    """SIGKILL after so many SQL statements of claiming and finishing; the next process completes the budget."""
    code = f"""
        import sqlalchemy
        with opened(store) as study:
            seen = []
            @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
            def count(_connection, _cursor, statement, *_):
                seen.append(statement)
                if len(seen) == {statements}:
                    os.kill(os.getpid(), signal.SIGKILL)
            work(study, 8)
    """
    assert_killed(process(code, tmp_path))
    with opened(tmp_path) as study:
        work(study, 8)
        assert study.counted() == 8
        assert {"running", "waiting"}.isdisjoint(states(study))
        assert tried(study).count(DEFAULT) == 1
        assert tried(study)[0] == DEFAULT


def test_two_processes_share_one_study_and_its_budget(tmp_path, process):
    code = "with opened(store) as study:\n    work(study, 24)\n    print(len(study.records()))"
    both = [process(code, tmp_path) for _ in range(2)]
    for one in both:
        result = one.result()
        assert result.returncode == 0, result.stderr
        assert int(result.stdout) <= 24
    with opened(tmp_path) as study:
        assert states(study) == ["complete"] * 24
        assert tried(study).count(DEFAULT) == 1


def test_a_trial_in_the_hands_of_a_living_process_is_left_alone(tmp_path):
    with opened(tmp_path) as first, opened(tmp_path) as second:
        claimed = first.claim(2)
        work(second, 2)
        assert sorted(states(second)) == ["complete", "running"]
        first.finish(claimed, levels(0.7), Spent())
        assert second.counted() == 2


def test_another_stores_trial_is_left_alone_until_it_has_been_silent(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with opened(tmp_path / "there", url) as there:
        there.claim(2)
        with opened(tmp_path / "here", url) as here:
            work(here, 2)
            assert states(here)[0] == "running"
        now = time.time()
        monkeypatch.setattr("harness.tuning.lease.time.time", lambda: now + SILENT_S + 1)
        with opened(tmp_path / "here", url) as here:
            work(here, 2)
            assert states(here)[0] == "failed"
            assert here.counted() == 2


def test_a_trial_that_keeps_killing_its_worker_ends_as_a_finished_one(tmp_path):
    with opened(tmp_path) as study:
        for _ in range(MOST_TRIES):
            claimed = study.claim(3)
            assert claimed.values == DEFAULT
            study.lose(claimed, "the worker was killed by signal 9", Spent())
        assert study.counted() == 1
        work(study, 3)
        assert study.counted() == 3
        assert tried(study).count(DEFAULT) == 1
        assert best_of(study.records(), study.definition.objective, DEFAULT).parameters != DEFAULT


def test_stopping_a_command_over_and_over_uses_up_no_tries(tmp_path):
    with opened(tmp_path) as study:
        for _ in range(2 * MOST_TRIES):
            study.lose(study.claim(1), "the command was stopped", Spent(), blame=False)
        assert study.counted() == 0


def test_a_hopeless_trial_is_stopped_at_its_second_level(tmp_path):
    with opened(tmp_path) as study:
        for _ in range(6):
            claimed = study.claim(9)
            good = levels(0.8)
            assert not study.report(claimed, good[:1], 2)
            assert not study.report(claimed, good, 2)
            study.finish(claimed, good, Spent())
        claimed = study.claim(9)
        # The dense level is as good as the others': the best value that was ever reported must not save the trial.
        poor = [levels(0.8)[0], LevelResult(density=0.5, status="done", auc=0.5, fnr=0.5, fpr=0.5)]
        assert not study.report(claimed, poor[:1], 3)
        assert study.report(claimed, poor, 3)
        study.finish(claimed, poor, Spent(), pruned=True)
        record = study.records()[-1]
        assert (record.state, record.counted) == ("pruned", True)
        assert record.value == pytest.approx(0.65)
        assert "worst quarter at 50 %" in record.reason
        assert best_of([record], study.definition.objective, DEFAULT) is None


def test_a_diverged_or_collapsed_level_is_recorded_and_counts_as_chance(tmp_path):
    with opened(tmp_path) as study:
        claimed = study.claim(2)
        found = [levels(0.9)[0], LevelResult(density=0.5, status="diverged", reason="training diverged")]
        study.finish(claimed, found, Spent())
        record = study.records()[0]
        assert record.value == pytest.approx((0.9 + 0.5) / 2)
        assert record.levels[1].reason == "training diverged"
        work(study, 2)
        assert study.counted() == 2


def test_the_fpr_bound_is_an_optuna_constraint(tmp_path):
    with opened(tmp_path, objective="fnr", bound=0.5) as study:
        for fpr in (0.9, 0.4):
            study.finish(study.claim(2), levels(0.8, fpr), Spent())
        assert [record.feasible for record in study.records()] == [False, True]
        trials = optuna.load_study(study_name="study", storage=f"sqlite:///{tmp_path / 'tuning' / 'studies.db'}").trials
    assert [trial.constraints["fpr"] for trial in trials] == pytest.approx([0.4, -0.1])
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 2


def test_a_trial_that_another_store_has_failed_is_let_go_of(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with opened(tmp_path / "here", url) as here:
        reported, finished, lost = (here.claim(3) for _ in range(3))
        other = optuna.load_study(study_name="study", storage=url)
        for claimed in (reported, finished, lost):
            other.tell(claimed.number, state=TrialState.FAIL)
        with pytest.raises(NotOursError):
            here.report(reported, levels(0.8), 2)
        with pytest.raises(NotOursError):
            here.finish(finished, levels(0.8), Spent())
        with pytest.raises(NotOursError):
            here.lose(lost, "the command was stopped", Spent())
        assert here.live == {}
        work(here, 3)
        assert here.counted() == 3


def test_a_trial_left_running_by_a_command_that_failed_is_found_at_once(tmp_path):
    with contextlib.suppress(RuntimeError), opened(tmp_path) as study:
        study.claim(2)
        raise RuntimeError("before it could let go of its trial")
    with opened(tmp_path) as study:
        assert states(study)[0] == "failed"
        work(study, 2)
        assert study.counted() == 2


def test_no_trial_is_stopped_early_under_a_bound(tmp_path):
    with opened(tmp_path, objective="fnr", bound=0.5) as study:
        for _ in range(6):
            claimed = study.claim(9)
            study.report(claimed, levels(0.9, fpr=0.9), 2)
            study.finish(claimed, levels(0.9, fpr=0.9), Spent())
        claimed = study.claim(9)
        assert not study.report(claimed, levels(0.5, fpr=0.1), 3)


def test_a_study_is_settled_when_no_earlier_trial_still_runs(tmp_path):
    with opened(tmp_path) as study:
        first = study.claim(3)
        work(study, 3)
        assert study.counted() == 2
        assert not study.settled(2)
        study.finish(first, levels(0.7), Spent())
        assert study.settled(2)
        assert study.settled(3)
        assert not study.settled(4)


def test_importance_names_the_parameter_that_matters(tmp_path):
    space = {"x": FloatDistribution(0.0, 1.0), "idle": FloatDistribution(0.0, 1.0)}
    with opened(tmp_path, space=space, default={"x": 0.9, "idle": 0.5}) as study:
        assert study.importance() == {}
        while (claimed := study.claim(25)) is not None:
            study.finish(claimed, levels(1 - (claimed.values["x"] - 0.3) ** 2), Spent())
        shares = study.importance()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["x"] > 0.8


@pytest.mark.parametrize("where", ["harness.tuning.study.Study._sign", "harness.tuning.study.Claimed.__init__"])
def test_a_stop_between_asking_for_a_trial_and_having_it_leaves_none_running(tmp_path, monkeypatch, where):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    with opened(tmp_path) as study:
        work(study, 3, times=1)
        with monkeypatch.context() as patched:
            patched.setattr(where, stop)
            with pytest.raises(KeyboardInterrupt):
                study.claim(3)
        assert "running" in states(study)
        study.let_go("the command was stopped")
        assert "running" not in states(study)
        work(study, 3)
        assert study.counted() == 3


def test_letting_go_touches_no_trial_of_another_process(tmp_path):
    with opened(tmp_path) as first, opened(tmp_path) as second:
        first.claim(2)
        second.let_go("the command was stopped")
        assert states(first) == ["running"]
