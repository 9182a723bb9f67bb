"""What `harness list` says of plugins that cannot be used, and how its rows are set."""

import json
import os
from importlib.metadata import EntryPoint

import pytest
import typer

from harness import plugins
from harness.cli.list import list_, listing, listing_lines
from harness.errors import UsageError
from harness.plugins import PRUNERS, Plugin

SOUND = "harness.methods.lt:LotteryTicket"
PROBLEMS = {"gone": "nowhere_at_all:Method", "other": "json:JSONDecoder", "nothing": "json:absent"}


@pytest.fixture
def installed(monkeypatch):
    """Return a function that says which methods are installed, by name."""

    def install(**values):
        found = {name: Plugin(name, "fake", "1", EntryPoint(name, value, PRUNERS)) for name, value in values.items()}
        monkeypatch.setattr(plugins, "available", lambda group: found if group == PRUNERS else {})

    return install


def test_a_plugin_that_is_no_method_or_cannot_be_imported_is_broken_and_says_why(installed, capsys):
    installed(sound=SOUND, **PROBLEMS)
    checks = {row["name"]: row["check"] for row in listing("methods", check=True)}
    assert checks.pop("sound") == "ok"
    assert checks.keys() == PROBLEMS.keys()
    assert all(text.startswith("BROKEN: ") for text in checks.values())
    assert "JSONDecoder is not a Pruner class" in checks["other"]
    with pytest.raises(typer.Exit) as ended:
        list_("methods", check=True, as_json=True)
    assert ended.value.exit_code == 3
    assert len(json.loads(capsys.readouterr().out)) == 4


def test_one_that_does_harm_when_it_is_imported_is_told_and_does_none_here(at_import, tmp_path, capfd):
    at_import.install(tmp_path, "exits", "crashes", "prints", "interrupts")
    found = {row["name"]: row["check"] for row in listing("methods", check=True)}
    broken = {name: text for name, text in found.items() if text != "ok"}
    assert broken.keys() == {"at-import-exits", "at-import-crashes", "at-import-interrupts"}
    assert "exit code 0; it wrote: farewell" in broken["at-import-exits"]
    assert os.getpid() not in [process for process, _ in at_import.importers(tmp_path)]
    assert capfd.readouterr() == ("", "")


def test_nothing_is_imported_without_the_check(installed):
    installed(**PROBLEMS)
    found = listing("methods", check=False)
    assert [row.keys() for row in found] == [{"kind", "name", "source", "family"}] * 3
    assert {row["family"] for row in found} == {""}
    list_("methods")


def test_a_kind_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="methods") as refused:
        listing("method", check=False)
    assert "use one of: methods, datasets, networks, losses, presets" in str(refused.value)


def test_columns_are_aligned_and_headed_where_there_are_several_kinds(installed):
    rows = [
        {"kind": "methods", "name": "a", "source": "one"},
        {"kind": "methods", "name": "long", "source": "two", "check": "ok"},
    ]
    assert listing_lines(rows) == ["a     one", "long  two  ok"]
    both = [*rows, {"kind": "presets", "name": "quick", "source": "fast"}]
    assert listing_lines(both) == ["methods:", "  a      one", "  long   two  ok", "presets:", "  quick  fast"]
    assert listing_lines([]) == []


def test_losses_are_listed_and_held_to_their_rules(monkeypatch):
    """One that is registered as something else is broken, and says what it is."""
    known = plugins.available(plugins.LOSSES)
    wrong = Plugin("wrong", "prune-harness", "1", EntryPoint("wrong", "harness.losses.focal:Focal", plugins.LOSSES))
    found = {"focal": known["focal"], "wrong": wrong}
    monkeypatch.setattr(plugins, "available", lambda group: found if group == plugins.LOSSES else {})
    rows = {row["name"]: row["check"] for row in listing("losses", check=True)}
    assert rows.pop("focal") == "ok"
    assert rows["wrong"].startswith("BROKEN: is_a_loss: ")
    assert "the class itself: register an object of it" in rows["wrong"]


def test_methods_have_their_family_that_of_others_where_they_are_imported(at_import, tmp_path):
    at_import.install(tmp_path, "prints")
    known = {row["name"]: row["family"] for row in listing("methods", check=False)}
    assert (known["lt"], known["random"], known["mobilenet"]) == ("ticket", "control", "architecture")
    assert known["at-import-prints"] == ""
    (theirs,) = (row for row in listing("methods", check=True) if row["name"] == "at-import-prints")
    rows = [{"kind": "methods", "name": "a", "source": "one", "family": "ticket"}, theirs]
    assert listing_lines(rows)[0] == f"a                 {'ticket':<{max(6, len(theirs['family']))}}  one"
    assert theirs["family"] == "trained"  # it extends magnitude
    assert all("family" not in row for row in listing("losses", check=False))
