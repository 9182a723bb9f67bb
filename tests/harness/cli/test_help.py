"""The help of every verb there is: whole words, every option, an example that can be typed."""

import re
import shlex
from typing import Annotated

import pytest
import typer

from harness.cli.help import MANY, REST, Verbs, add, example
from harness.cli.main import app


def everything(command, path=()):
    """Yield (words before it, command) of the root, of every group and of every verb."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from everything(below, (*path, name))


COMMANDS = dict(everything(typer.main.get_command(app)))
EACH = pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "harness")


@pytest.fixture
def help_of(monkeypatch):
    """Return a function that gives a command's help at a width of the terminal."""

    def shown(path, columns=80, commands=COMMANDS):
        monkeypatch.setenv("COLUMNS", str(columns))
        return typer.Context(commands[path], info_name=" ".join(("harness", *path))).get_help()

    return shown


def parameters(command):
    """Return each shown parameter with what typer itself says of it."""
    context = typer.Context(command)
    return [(one, record) for one in command.get_params(context) if (record := one.get_help_record(context))]


def said_in_order(text, words):
    """Return whether the words follow each other, wherever the lines break."""
    return " ".join(words.split()) in " ".join(text.split())


@EACH
@pytest.mark.parametrize("columns", [80, 60])
def test_no_line_is_too_long_and_nothing_is_cut(help_of, path, columns):
    shown = help_of(path, columns)
    assert max(map(len, shown.splitlines())) <= columns
    assert said_in_order(shown, COMMANDS[path].help)
    for _, (name, text) in parameters(COMMANDS[path]):
        assert re.search(rf"^  {re.escape(name)}(  |$)", shown, re.MULTILINE), name
        assert said_in_order(shown, f"{name} {text}")
    for name, below in getattr(COMMANDS[path], "commands", {}).items():
        first = re.match(r".*?[.?!](?=\s|$)", below.help, re.DOTALL)[0]
        assert said_in_order(shown, f"{name} {first}")


@EACH
def test_it_ends_with_an_example_that_the_verb_takes(help_of, path):
    heading, last = help_of(path, 60).splitlines()[-2:]
    assert heading == "Example:"
    assert last.startswith("  harness ")
    verb, words = COMMANDS[()], shlex.split(last.removeprefix("  harness ").partition(" > ")[0])
    assert tuple(words[: len(path)]) == path
    while hasattr(verb, "commands"):
        verb = verb.commands[words.pop(0)]
    verb.make_context(verb.name, words)  # raises for an option that there is not, and for a missing one


@EACH
def test_many_options_stand_under_headings_and_few_under_one(help_of, path):
    shown = help_of(path)
    options = [one for one, _ in parameters(COMMANDS[path]) if one.param_type_name == "option"]
    headings = {one.rich_help_panel for one in options} - {None}
    if len(options) > MANY:
        assert headings
        for heading in [*headings, REST]:
            assert f"\n{heading}:\n" in shown
        assert "\nOptions:\n" not in shown
        assert [one.opts[0] for one in options if one.rich_help_panel is None] == ["--help"]
    else:
        assert "\nOptions:\n" in shown


def test_options_of_a_heading_stand_together_though_others_are_between_them(help_of):
    run = help_of(("run",)).split("\n\n")
    sections = {part.partition(":\n")[0]: re.findall(r"^  (--[a-z-]+)", part, re.MULTILINE) for part in run}
    assert sections["Configuration"] == ["--preset", "--config", "--set"]
    assert {"--methods", "--dataset", "--seeds", "--loss"} <= {*sections["What is run"]}
    assert {"--data-dir", "--store", "--tracking-uri"} == {*sections["Places"]}


def test_a_name_that_is_too_wide_has_a_line_of_its_own_and_a_long_word_stays_whole(help_of):
    def verb(*, pair: Annotated[str, typer.Option(metavar="A" * 40, help=f"Give {'x' * 70}.")] = "") -> None:
        """Do it."""

    group = typer.Typer(add_completion=False, cls=Verbs, rich_markup_mode=None)
    add(group, verb, "harness verb")
    group.command("other")(lambda: None)  # a group of one would be the verb itself
    shown = help_of(("verb",), 60, dict(everything(typer.main.get_command(group))))
    assert f"  --pair {'A' * 40}\n" in shown
    assert f"{'x' * 70}." in shown


def test_an_example_is_what_can_be_typed():
    assert example("harness run").split() == ["Example:", "harness", "run"]
