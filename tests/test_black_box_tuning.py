"""`harness tune` as a user runs it: chosen parameters, equal budgets, kill and resume, many processes, bad input."""

import importlib.util
import json
import os
import signal
import time
import tomllib
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from harness.planning.entries import values_of
from harness.planning.selection import resolve

pytestmark = pytest.mark.slow

SPEC = importlib.util.spec_from_file_location("shared_black_box", Path(__file__).parent / "test_black_box.py")
BLACK_BOX = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BLACK_BOX)
load, COMMANDS = BLACK_BOX.load, BLACK_BOX.COMMANDS
SMALL = [*BLACK_BOX.SMALL[:-1], "1"]  # one job: the trials are the same every time
harness, stage_keys, quick = BLACK_BOX.harness, BLACK_BOX.stage_keys, BLACK_BOX.quick

METHODS = ["--methods", "lt,snip-retrain,mobilenet"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    load("conftest").write_isic(folder / "data" / "isic", size=72)
    return folder


def tune(*arguments, store="one", place, check=0):
    return harness("tune", *METHODS, "--data-dir", "data", "--store", store, *SMALL, *arguments, cwd=place, check=check)


@pytest.fixture(scope="module")
def tuned(place):
    return tune("--trials", "3", place=place)


def trials(store):
    """Return every trial of every study in a store."""
    storage = f"sqlite:///{store / 'tuning' / 'studies.db'}"
    found = {}
    for name in optuna.get_all_study_names(storage):
        found[name] = optuna.load_study(study_name=name, storage=storage).get_trials()
    return found


def outcomes(store):
    """Return what each counted trial of each study tried and got."""
    done = (TrialState.COMPLETE, TrialState.PRUNED)
    return {
        name: [(t.user_attrs["claim"]["values"], t.user_attrs["outcome"]["mean"]) for t in found if t.state in done]
        for name, found in trials(store).items()
    }


def method_of(study):
    """Return the method in a study's name, such as ``tuning: isic lt[rate=0.75] 1a2b3c4d``."""
    return study.split()[2].partition("[")[0]


def chosen(place, store="one"):
    return tomllib.loads((place / store / "tuning" / "isic-tuning.toml").read_text())


def test_every_study_has_the_same_number_of_trials_and_the_default_first(place, tuned):
    found = outcomes(place / "one")
    assert sorted(method_of(name) for name in found) == ["dense", "lt", "snip-retrain"]
    assert {len(one) for one in found.values()} == {3}
    firsts = {method_of(name): one[0][0] for name, one in found.items()}
    assert firsts == {
        "dense": {"learning_rate": 0.001, "weight_decay": 0.05},
        "lt": {"rate": 0.75, "criterion": "magnitude-increase"},
        "snip-retrain": {"images": 512, "scope": "global", "scoring_loss": "plain", "gradients": "summed"},
    }
    assert "mobilenet has no search space: it runs its default" in tuned.stderr
    assert max(len(line) for line in tuned.stdout.splitlines() if not line.startswith("Parameters:")) <= 80


def test_tuning_reads_no_test_image_and_scores_none(place, tuned):
    kinds = [json.loads(path.read_text())["kind"] for path in (place / "one").glob("stages/*/*/manifest.json")]
    assert kinds.count("images") == 1  # the training images, which validation is cut from
    assert kinds.count("score") == kinds.count("thresholds")  # validation scores alone fix thresholds


def test_what_was_chosen_is_the_best_by_hand(place, tuned):
    found = outcomes(place / "one")
    names = {method_of(name): name for name in found}
    best = {method: max(found[name], key=lambda one: one[1])[0] for method, name in names.items()}
    file = chosen(place)
    assert file["training"] == best["dense"]
    (ticket,), _ = resolve([file["entries"]["lt[rate=0.75]"]], {}, None)
    assert values_of(ticket).items() >= best["lt"].items()
    assert file["seeds"] == [1000000]


def test_studies_and_trials_are_in_mlflow_as_parent_and_children(place, tuned):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{place / 'one' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("isic").experiment_id])
    studies = [run for run in runs if run.data.tags["harness.kind"] == "study"]
    children = [run for run in runs if run.data.tags["harness.kind"] == "trial"]
    assert (len(studies), len(children)) == (3, 9)
    for run in (*studies, *children):  # tuning reads no test image
        assert sorted(one.tags[0].value for one in run.inputs.dataset_inputs) == ["train", "validation"]
    for study in studies:
        own = [run for run in children if run.data.tags["mlflow.parentRunId"] == study.info.run_id]
        assert len(own) == 3
        record = json.loads(Path(client.download_artifacts(study.info.run_id, "study.json")).read_text())
        assert {trial["number"] for trial in record["trials"]} == {0, 1, 2}
        best = Path(client.download_artifacts(study.info.run_id, "best.toml")).read_text()
        assert tomllib.loads(best)["entries"] == chosen(place)["entries"]
        assert study.data.metrics["budget/finished"] == 3


def test_the_same_command_computes_nothing_and_more_trials_add_to_it(place, tuned):
    before = outcomes(place / "one"), stage_keys(place / "one")
    again = tune("--trials", "3", place=place)
    assert again.stdout == tuned.stdout
    assert (outcomes(place / "one"), stage_keys(place / "one")) == before


def test_a_run_puts_each_tuned_entry_beside_its_default(place, tuned):
    file = str(Path("one", "tuning", "isic-tuning.toml"))
    arguments = ["--data-dir", "data", "--store", "one", *SMALL]
    done = harness("run", "--methods", "lt", "--params", file, "--json", *arguments, cwd=place, check=0)
    entries = {cell["entry"] for cell in json.loads(done.stdout)["cells"]}
    assert entries == {"dense", "probe", "lt[rate=0.75]", chosen(place)["entries"]["lt[rate=0.75]"]}
    reports = place / "one" / "reports" / "isic"
    assert "Tuning" in (reports / "index.html").read_text()
    [group] = json.loads((reports / "results.json").read_text())["groups"]
    assert [one["record"]["entry"] for one in group["tuning"]] == ["dense", "lt[rate=0.75]", "snip-retrain"]
    overlap = harness("run", "--params", file, "--seeds", "1000000,", *arguments, cwd=place, check=2)
    assert "1000000" in overlap.stderr


def test_run_tune_tunes_and_runs_in_one_command(place, tuned, quick):
    arguments = ["--data-dir", "data", "--store", "one", *SMALL]
    dry = harness("run", "--methods", "lt", "--tune", "3", "--dry-run", *arguments, cwd=place, check=0)
    assert "rate: 0.2 to 0.8" in dry.stdout
    command = ["run", "--methods", "lt", "--tune", "3", "--json", *arguments]
    done = harness(*command, cwd=place, check=0, code=quick)
    values = json.loads(done.stdout)
    assert {cell["seed"] for cell in values["cells"]} == {0}
    assert values["report"]


def running(store):
    return [trial for found in trials(store).values() for trial in found if trial.state == TrialState.RUNNING]


def words(store, *arguments, methods):
    return ["tune", "--methods", methods, "--data-dir", "data", "--store", store, *SMALL, *arguments]


def until(ended, condition):
    deadline = time.monotonic() + 120
    while not condition() and not ended() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not ended()


def killed_in_mid_trial(command, place, store, quick):
    process = COMMANDS.start(*command, cwd=place, code=quick)
    until(lambda: process.ended, lambda: len(stage_keys(store)) >= 9 and running(store))
    COMMANDS.kill(*COMMANDS.processes())
    process.result()


def test_kill_9_in_mid_trial_loses_doubles_and_leaves_nothing(place, tuned, quick):
    """Killed in the middle of a trial; then the same command to its end: the same trials, values and choice."""
    store, command = place / "killed", words("killed", "--trials", "3", methods="lt")
    killed_in_mid_trial(command, place, store, quick)
    while not running(store):  # a trial may end between being seen and being killed
        killed_in_mid_trial(command, place, store, quick)
    harness(*command, cwd=place, check=0, code=quick)
    undisturbed = {name: found for name, found in outcomes(place / "one").items() if method_of(name) != "snip-retrain"}
    assert outcomes(store) == undisturbed
    known = chosen(place)
    assert chosen(place, "killed") == known | {"entries": {"lt[rate=0.75]": known["entries"]["lt[rate=0.75]"]}}
    ended = [trial for found in trials(store).values() for trial in found]
    assert {trial.state for trial in ended} == {TrialState.COMPLETE, TrialState.FAIL}
    [lost] = [trial for trial in ended if trial.state == TrialState.FAIL]
    assert lost.user_attrs["reason"] == "its process was killed"


def test_two_commands_and_a_killed_worker_share_one_study_exactly(place, quick):
    store, command = place / "shared", words("shared", "--trials", "3", methods="lt")
    first = COMMANDS.start(*command, cwd=place, code=quick)
    until(lambda: first.ended, lambda: (store / "tuning" / "studies.db").exists() and running(store))
    workers, _ = COMMANDS.workers_and_jobs()
    second = COMMANDS.start(*command, cwd=place, code=quick)
    COMMANDS.kill(*workers)  # it has a trial in hand, so it is no longer starting
    for process in (first, second):
        result = process.result()
        assert result.returncode == 0, result.stderr
    found = trials(store)
    assert sorted(method_of(name) for name in found) == ["dense", "lt"]
    assert {len(one) for one in outcomes(store).values()} == {3}
    assert not running(store)


def test_an_interrupt_leaves_no_trial_running(place, quick):
    process = COMMANDS.start(*words("stopped", "--trials", "3", methods="lt"), cwd=place, code=quick)
    begun = place / "stopped" / "tuning" / "studies.db"
    until(lambda: process.ended, lambda: begun.exists() and running(place / "stopped"))
    os.kill(process.pid, signal.SIGINT)
    stopped = process.result()
    assert stopped.returncode == 130
    assert "the same command continues" in stopped.stderr
    assert not running(place / "stopped")


def test_a_trial_that_diverges_is_recorded_and_does_not_end_the_study(place):
    """The default itself diverges. mobilenet has nothing to tune: only the dense network is."""
    wild = ["--set", "training.learning_rate=1e30", "--set", "training.clip=0"]
    space = ["--set", "tuning.space.dense.learning_rate={choices=[0.02, 1e30]}"]
    arguments = ["--methods", "mobilenet", "--trials", "3", *wild, *space, "--json"]
    done = harness("tune", *arguments, "--data-dir", "data", "--store", "wild", *SMALL, cwd=place, check=0)
    [dense] = json.loads(done.stdout)["studies"]
    assert dense["budget"]["finished"] == 3
    first = dense["trials"][0]
    assert (first["parameters"], first["value"]) == ({"learning_rate": 1e30}, 0.5)
    assert first["levels"][0]["status"] == "diverged"
    tried = {trial["parameters"]["learning_rate"] for trial in dense["trials"]}
    assert dense["best"] is None if tried == {1e30} else dense["best"]["parameters"]["learning_rate"] == 0.02


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--trials", "0"], 2, "trials"),
        (["--set", "tuning.space.lt={}", "--set", "tuning.space.snip-retrain.imagse={low=1, high=2}"], 2, "'images'"),
        (["--storage", "postgresql://me:secret@127.0.0.1:9/studies"], 5, "--storage"),
        (["--output", "data/isic/ISBI2016_ISIC_Part3_Training_GroundTruth.csv"], 2, "--output"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(place, arguments, code, told):
    refused = tune("--trials", "1", *arguments, store="refused", place=place, check=code)
    assert told in refused.stderr
    assert "secret" not in refused.stderr
    assert not list((place / "refused").glob("stages/*/*/manifest.json"))
