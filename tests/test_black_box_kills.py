"""SIGKILL at any moment, to any process of a command, and again while it resumes: the end is that of no kill at all."""

import functools
import importlib.util
import random
import time
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)
COMMANDS = durable.COMMANDS

pytestmark = pytest.mark.slow

VERBS = {"run": durable.RUN, "tune": durable.TUNE, "report": durable.REPORT, "publish": durable.PUBLISH}
SHARES = {"run": 11, "tune": 5, "report": 2, "publish": 2}
TARGETS = ["parent", "worker", "job", "all"]
ALONE = {"report": ["parent"], "publish": ["parent"]}
"""Commands without workers."""
ENDED_S, POLL_S = 20, 0.02


def campaign(count, seed):
    """Return cases (verb, [(target, moment)]) of ``count`` kills, whose moments lie evenly in [0, 1)."""
    draws = random.Random(seed)
    moments = [(place + draws.random()) / count for place in range(count)]
    draws.shuffle(moments)
    cases = []
    while moments:
        verb = draws.choices(list(SHARES), list(SHARES.values()))[0]
        targets = ALONE.get(verb, TARGETS)
        kills = [(draws.choice(targets), moments.pop()) for _ in range(min(draws.choice([1, 2, 3]), len(moments)))]
        cases.append((verb, kills))
    return cases


def named(case):
    return f"{case[0]}-{'-'.join(f'{target}@{moment:.3f}' for target, moment in case[1])}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return durable.Place(tmp_path_factory.mktemp("kills"))


@pytest.fixture(scope="module")
def undisturbed(place):
    """Return the folder in which every command ran to its end, and what tells when there is what of it to kill."""
    folder = place.folder("undisturbed")
    place.give(durable.RUN, folder)
    place.give(durable.TUNE, folder)

    @functools.cache
    def spans(verb):
        return span(place, verb, folder if verb in ALONE else place.folder(f"watched {verb}"))

    return folder, spans


def span(place, verb, folder):
    """Return for each target the processor seconds of a command at its first and its last sign.

    They are the clock by which moments are told, since a busy machine does not change them.
    """
    command, seen = place.start(VERBS[verb], folder), {}
    while not command.ended:
        now = COMMANDS.processor_seconds()
        for target in ALONE.get(verb, TARGETS):
            if victims(command, target):
                seen.setdefault(target, [now, now])[1] = now
        time.sleep(POLL_S)
    assert command.result().returncode == 0
    return seen


@pytest.fixture(scope="module")
def phases(request):
    """Count what each kill hit."""
    yield from durable.tally(request, "kills")


def phase(folder, verb):
    """Return what a command is at, by what is on the disk."""
    store = folder / "store"
    if verb in ALONE:
        return verb
    if not (store / "FORMAT").exists():
        return f"{verb}: starting"
    held = durable.holders(store)
    if "publish.lock" in held:
        return f"{verb}: publishing"
    if "claim.lock" in held:
        return f"{verb}: claiming or ending a trial"
    if any((store / "temporary").iterdir()):
        return f"{verb}: committing a stage"
    if held - {"mlflow.lock", "studies.lock"}:
        return f"{verb}: computing a stage"
    if held:
        return f"{verb}: making a database"
    done = (store / "reports").exists() if verb == "run" else (store / "tuning" / "isic-tuning.toml").exists()
    return f"{verb}: ending" if done else f"{verb}: between stages"


def victims(command, target):
    """Return the processes to kill; none of a command that has none of them just now."""
    if target == "parent":
        return [command.pid]
    workers, jobs = COMMANDS.workers_and_jobs()
    return {"worker": workers, "job": jobs, "all": [*COMMANDS.processes()]}[target]


def kill_at(place, folder, verb, target, moment, phases):
    """Start a command, kill what is to be killed when its moment has come, and let the rest end."""
    command = place.start(VERBS[verb], folder)
    while COMMANDS.processor_seconds() < moment and not command.ended:
        time.sleep(POLL_S)
    while not (found := victims(command, target)) and not command.ended:
        time.sleep(POLL_S / 4)
    hit = "after its end" if command.ended else phase(folder, verb)
    COMMANDS.kill(*found)
    result = command.result()
    phases[f"{target} in {hit}"] += 1
    phases["all kills"] += 1
    assert "Traceback" not in result.stderr, result.stderr
    codes = (0, -9) if target in ("parent", "all") else (0, 3, 5)
    assert result.returncode in codes, f"{hit}\n{result.stderr}"
    nobody_is_left()


def nobody_is_left():
    until = time.monotonic() + ENDED_S
    while COMMANDS.processes():
        assert time.monotonic() < until, COMMANDS.processes()
        time.sleep(0.01)


def survives(place, undisturbed, phases, case, name):
    verb, kills = case
    whole, spans = undisturbed
    folder = place.folder(name, copied=whole if verb in ALONE else None)
    for number, (target, moment) in enumerate(kills):
        first, last = spans(verb)[target]
        share = 1 if number == 0 else 0.5  # what was done before is not done again
        kill_at(place, folder, verb, target, first + moment * share * (last - first), phases)
    before = durable.commits(folder / "store")
    place.give(VERBS[verb], folder)
    nobody_is_left()
    after = durable.commits(folder / "store")
    assert {stage: after[stage] for stage in before} == before, "a finished stage was computed again"
    assert not durable.leftovers(folder)
    if verb == "tune":
        assert durable.studies(folder / "store") == durable.studies(whole / "store")
        durable.results(folder / "store")  # which nobody published twice
    elif verb == "run":
        assert durable.results(folder / "store") == durable.results(whole / "store")
        assert durable.stage_bits(folder / "store") <= durable.stage_bits(whole / "store")
    else:
        expected, found = durable.pages(whole), durable.pages(folder)
        assert found == {path: expected[path] for path in found}


FEW, MANY = campaign(15, seed=273), campaign(200, seed=2)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", FEW, ids=named)
def test_a_killed_command_ends_as_if_nothing_had_been(place, undisturbed, phases, case):
    survives(place, undisturbed, phases, case, f"few-{FEW.index(case)}")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", MANY, ids=named)
def test_two_hundred_kills_change_nothing(place, undisturbed, phases, case):
    survives(place, undisturbed, phases, case, f"many-{MANY.index(case)}")
