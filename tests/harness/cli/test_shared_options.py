"""A verb with the shared options is to typer as if it had written each of them itself."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.options import DEFAULT_STORE
from harness.cli.shared_options import SharedOptions, with_shared_options

UNSET = dict.fromkeys(["HARNESS_STORE", "HARNESS_STORAGE", "HARNESS_ESTIMATE"])
DATA = ["--dataset", "--positive", "--folds", "--imbalance"]
PLAN = ["--methods", *DATA, "--preset", "--config", "--set", "--densities", "--loss", "--network", "--weights"]
PLAN += ["--trained"]
IMAGES = ["--allow-missing", "--skip-broken", "--allow-duplicates", "--max-pixels", "--real-only"]
PLACES = ["--storage", "--data-dir", *IMAGES, "--store", "--tracking-uri"]
WORK = ["--jobs", "--executor", "--ray-address", "--dry-run", "--estimate"]
SHARED = [*PLAN, *PLACES, *WORK, "--json", "--quiet", "--verbose"]


def options(verb):
    return [parameter.opts[0] for parameter in typer.main.get_command(app).commands[verb].params]


def test_both_verbs_take_the_shared_options_and_their_own_in_the_places_they_name():
    run = [one for one in options("run") if one in SHARED]
    tune = [one for one in options("tune") if one in SHARED]
    assert run == tune == SHARED
    assert options("run")[7:10] == ["--set", "--seeds", "--densities"]
    assert options("run")[10:12] == ["--loss", "--quantise"]
    assert options("run")[13:18] == ["--weights", "--trained", "--params", "--tune", "--storage"]
    assert options("tune")[1:6] == ["--dataset", "--trials", "--objective", "--fpr-bound", "--output"]
    assert (len(options("run")), len(options("tune"))) == (37, 35)


@pytest.fixture
def called():
    """An application of one verb, and what it was called with."""
    seen = []

    @with_shared_options(mine="dataset")
    def verb(shared: SharedOptions, *, mine: Annotated[int, typer.Option()] = 7) -> None:
        """Do it."""
        seen.append((shared, mine))

    one = typer.Typer(add_completion=False)
    one.command()(verb)

    def call(*arguments, **environment):
        result = CliRunner().invoke(one, arguments, env={**UNSET, **environment})
        assert result.exit_code == 0, result.output
        return seen.pop() if seen else result.output

    return call


def test_without_a_word_every_option_has_its_default(called):
    assert called() == (SharedOptions(), 7)
    assert SharedOptions().store == DEFAULT_STORE


def test_every_value_arrives_where_it_belongs(called):
    shared, mine = called("--set", "a=1", "--mine", "3", "--set", "b=2", "--jobs", "4", "--json", "--store", "here")
    assert mine == 3
    assert shared == SharedOptions(assign=["a=1", "b=2"], jobs=4, as_json=True, store=Path("here"))
    assert called(HARNESS_STORE="there")[0].store == Path("there")


def test_a_verb_keeps_its_words(called):
    assert "Do it." in called("--help")


def test_an_option_after_one_that_is_not_there_is_an_error():
    def verb(_shared: SharedOptions, *, mine: int = 1) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="nothing"):
        with_shared_options(mine="nothing")(verb)
