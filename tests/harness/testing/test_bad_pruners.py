"""Every check catches at least one bad pruner that is meant for it and says why; the sound one passes."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from harness.testing import check_named, checks
from harness.testing.outcome import outcome_of

pytestmark = pytest.mark.slow

ZOO = Path(__file__).parents[2] / "bad_pruners"
sys.path.append(str(ZOO))  # as a user's own folder would be: the checks' processes import from it, too

MEANT = [case for file in sorted(ZOO.glob("bad_*.py")) for case in importlib.import_module(file.stem).MEANT]
SOUND = importlib.import_module("sound_pruner")
LIMIT_S = {"NeverEnds": 3.0}
SLOW = {"NeverEnds", "SeedsByHash", "LeavesANote"}


def pair(pruner, name, expected):
    kind = type(pruner).__name__
    return pytest.param(pruner, name, expected, id=f"{kind}-{name}", marks=[pytest.mark.slow] if kind in SLOW else [])


@pytest.mark.parametrize(("pruner", "name", "expected"), [pair(*case) for case in MEANT])
def test_the_check_meant_for_it_fails_a_bad_pruner(pruner, name, expected):
    outcome = outcome_of(check_named(name), pruner, LIMIT_S.get(type(pruner).__name__, 60.0))
    assert outcome.status == "failed", outcome
    assert re.search(re.escape(expected) if "\\" not in expected else expected, outcome.what), outcome


def test_every_check_is_meant_for_at_least_one_bad_pruner():
    assert {name for _, name, _ in MEANT} == {check.name for check in checks("full")}


FRESH = "fresh_process_gives_the_same_bits"
"""Two new interpreters: with a method that fails it in CI, with those that pass it in the long test."""


def sound(check):
    return pytest.param(check, id=check.name, marks=[pytest.mark.long] if check.name == FRESH else [])


@pytest.mark.parametrize("check", [sound(check) for check in checks("full")])
def test_the_sound_pruner_passes(check):
    outcome = outcome_of(check, SOUND.Simple())
    assert outcome.status in ("ok", "skipped"), outcome
