"""--quiet says errors and warnings alone, --verbose where everything is, and both at once nothing but that."""

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.main import app
from harness.cli.messages import note, say
from harness.errors import UsageError

VERBS = typer.main.get_command(app).commands
BOTH = ["run", "tune", "report", "publish", "verify"]


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    speak(quiet=False)


def said(capsys):
    capsys.readouterr()
    note("lt runs once")
    say("3 cells failed", "red")
    telling = reporter()
    telling.note("Downloading")
    telling.warn("left out: a.png")
    telling.detail("train 1234: from the store")
    with telling.task("Training", 2, "cells") as task:
        task.update(1)
    tell_places(store="/somewhere", data_folder=None)
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()


def test_as_usual_notes_are_said_and_no_details(capsys):
    speak(quiet=False)
    assert said(capsys) == ["note: lt runs once", "3 cells failed", "Downloading", "left out: a.png"]


def test_quiet_says_errors_and_warnings_alone(capsys):
    speak(quiet=True)
    assert said(capsys) == ["3 cells failed", "left out: a.png"]


def test_verbose_says_details_versions_and_the_places_that_there_are(capsys):
    speak(quiet=False, verbose=True)
    *rest, versions, place = said(capsys)
    assert rest[-1] == "train 1234: from the store"
    assert versions.startswith("versions: python ")
    assert ", prune-harness " in versions
    assert place == "store: /somewhere"


@pytest.mark.parametrize("verb", BOTH)
def test_both_at_once_are_refused_before_anything_is_done(verb, tmp_path):
    arguments = [verb, *(["site"] if verb == "publish" else []), "--store", str(tmp_path), "-q", "-v"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)
    assert "--quiet and --verbose exclude each other" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_they_are_where_they_mean_something():
    data = VERBS["data"].commands
    for verb in [*(VERBS[name] for name in BOTH), data["check"], data["fetch"]]:
        assert {"quiet", "verbose"} <= {one.name for one in verb.params}
    for verb in (VERBS["list"], VERBS["config"], VERBS["plan-study"], VERBS["store"], data["list"], data["show"]):
        assert not {"quiet", "verbose"} & {one.name for one in verb.params}
