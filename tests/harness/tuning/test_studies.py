"""The database of studies: what is refused, what is told when it does not answer, and who may still change a trial."""

import contextlib
import time

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from harness.errors import MachineError, UsageError
from harness.tuning.lease import Lease
from harness.tuning.objective import Objective
from harness.tuning.studies import NotOursError, StudyDatabase
from harness.tuning.study_definition import Definition

pytestmark = pytest.mark.slow

SPACE = {"x": FloatDistribution(0.0, 1.0), "kind": CategoricalDistribution(["good", "bad"])}
DEFAULT = {"x": 0.9, "kind": "bad"}


def definition(space=SPACE, default=DEFAULT, objective="auc", bound=None):
    return Definition(name="study", space=space, default=default, objective=Objective(name=objective, fpr_bound=bound))


@contextlib.contextmanager
def opened(store, url=None, **options):
    with Lease(store / "tuning" / "leases") as lease:
        database = StudyDatabase(url, store, lease)
        with database.alone():
            study = database.open(definition(**options))
        yield study


def test_a_new_study_has_its_default_waiting_and_one_that_is_there_does_not_get_it_again(tmp_path):
    for _ in range(2):
        with opened(tmp_path) as study:
            [waiting] = study.trials()
            assert (waiting.number, waiting.state, waiting.queued) == (0, "waiting", DEFAULT)
    with opened(tmp_path) as study:
        assert study.ask(SPACE, seed=0) == (0, DEFAULT)
        [running] = study.trials(running=True)
        assert (running.number, running.suggested) == (0, DEFAULT)
        study.complete(0, 0.5)
    with opened(tmp_path) as study:
        assert [(trial.state, trial.value) for trial in study.trials()] == [("complete", 0.5)]


def test_what_is_written_beside_a_trial_is_read_by_whoever_opens_its_study(tmp_path):
    with opened(tmp_path) as study:
        number, _ = study.ask(SPACE, seed=0)
        study.write(number, "claim", {"values": {"x": 0.5}})
        study.constrain(number, "fpr", -0.25)
        study.queue({"x": 0.125, "kind": "good"}, {"tries": 2})
    with opened(tmp_path) as study:
        running, waiting = study.trials()
        assert running.written == {"claim": {"values": {"x": 0.5}}}
        assert running.constraints == {"fpr": -0.25}
        assert (waiting.queued, waiting.written) == ({"x": 0.125, "kind": "good"}, {"tries": 2})
        study.write(number, "reason", "why")  # begun by another
        study.fail(number)
        assert [trial.state for trial in study.trials()] == ["failed", "waiting"]


@pytest.mark.parametrize(
    "change",
    [
        lambda study: study.write(0, "claim", {}),
        lambda study: study.report(0, 0.5, 0),
        lambda study: study.constrain(0, "fpr", 0.1),
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_a_trial_that_somebody_else_has_ended_cannot_be_changed(tmp_path, change, ours):
    with opened(tmp_path) as study, opened(tmp_path) as other:
        (study if ours else other).ask(SPACE, seed=0)
        other.fail(0)
        with pytest.raises(NotOursError):
            change(study)
        study.fail(0)
        [trial] = study.trials()
        assert (trial.state, trial.written) == ("failed", {})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"space": {**SPACE, "x": FloatDistribution(0.0, 2.0)}}, "space.x.high: it has 1.0, asked for is 2.0"),
        ({"space": {"x": SPACE["x"]}, "default": {"x": 0.9}}, "space.kind"),
        ({"objective": "fnr", "bound": 0.5}, "direction: it has maximize, asked for is minimize"),
        ({"default": {"x": 0.5, "kind": "bad"}}, "default.x: it has 0.9, asked for is 0.5"),
    ],
)
def test_a_study_of_the_same_name_that_is_another_search_is_refused_with_the_difference(tmp_path, change, told):
    with opened(tmp_path) as study:
        for value in (0.5, 0.75):
            study.complete(study.ask(SPACE, seed=0)[0], value)
    with pytest.raises(UsageError) as refused, opened(tmp_path, **change):
        pass
    assert told in str(refused.value)
    with opened(tmp_path) as study:
        assert [trial.value for trial in study.trials()] == [0.5, 0.75]


def test_somebody_elses_study_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    other = optuna.create_study(storage=url, study_name="study", direction="minimize")
    other.optimize(lambda trial: trial.suggest_float("y", 0, 1), n_trials=1)
    with pytest.raises(UsageError, match="is another search"), opened(tmp_path, url):
        pass


@pytest.mark.parametrize("url", ["nonsense", "sqlite:/nowhere", "postgresql//me:secret@h", "postgresql://me@h:abc/x"])
def test_an_address_that_is_none_is_refused_without_repeating_it(tmp_path, url):
    with pytest.raises(UsageError, match="database address") as refused, opened(tmp_path, url):
        pass
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@127.0.0.1:9/x", "mysql+pymysql://me:secret@127.0.0.1:9/x", "madeup://x"]
)
def test_an_unreachable_database_is_told_at_once_and_without_its_password(tmp_path, url):
    started = time.monotonic()
    with pytest.raises(MachineError, match="study database") as told, opened(tmp_path, url):
        pass
    assert time.monotonic() - started < 15
    assert "secret" not in str(told.value)


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "notes.db").write_text("not a database" * 100)
    with pytest.raises(MachineError, match=r"notes\.db"), opened(tmp_path, f"sqlite:///{tmp_path / 'notes.db'}"):
        pass
