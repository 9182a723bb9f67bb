"""`harness check`: one line a check, the whole story of a failure, and exit codes that a script can trust."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from harness import plugins
from harness.cli import check as cli_check
from harness.errors import UsageError
from harness.losses.registered import schedule_named

ZOO = Path(__file__).parents[2] / "bad_pruners"
if str(ZOO) not in sys.path:
    sys.path.append(str(ZOO))

import bad_density  # noqa: E402
import bad_isolation  # noqa: E402
import sound_pruner  # noqa: E402

pytestmark = pytest.mark.slow

app = typer.Typer(rich_markup_mode=None)
app.command()(cli_check.check)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    kinds = {
        "rounding": bad_density.RoundsInEachLayer,
        "sound": sound_pruner.Sound,
        "interrupting": bad_isolation.InterruptsItself,
        "endless": bad_isolation.NeverEnds,
    }
    known, available = plugins.load, plugins.available
    monkeypatch.setattr(plugins, "load", lambda group, name: kinds.get(name) or known(group, name))
    monkeypatch.setattr(plugins, "available", lambda group: {**available(group), **dict.fromkeys(kinds)})


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_a_kept_rule_is_one_line_and_exit_code_0():
    found = run("sound", "--only", "source_is_given")
    assert found.stdout.splitlines() == ["sound: 1 checks", "  ok      source_is_given", "1 ok, 0 failed, 0 skipped"]
    assert found.exit_code == 0


def test_a_broken_rule_says_what_where_why_and_how_to_fix_it_and_exit_code_6():
    found = run("rounding", "--only", "density_is_exact")
    assert found.exit_code == 6
    lines = [line.strip() for line in found.stdout.splitlines()]
    assert lines[1] == "FAILED  density_is_exact"
    assert lines[2].startswith("what:  ")
    assert "parameters are left, expected" in lines[2]
    assert lines[3] == "where: network check-plain, densities 0.999985"
    assert lines[4].startswith("why:   it catches rounding per layer")
    assert lines[5].startswith("fix:   use prune_least")
    assert lines[-1] == "0 ok, 1 failed, 0 skipped"


def test_an_error_is_told_with_its_line_and_without_the_words_of_a_rule_that_was_not_looked_at():
    found = run("interrupting", "--only", "density_is_exact")
    assert found.exit_code == 6
    lines = [line.strip() for line in found.stdout.splitlines()]
    assert lines[2] == "what:  the method raised KeyboardInterrupt; expected no error"
    assert re.match(r"where: .*bad_isolation\.py:\d+ in before", lines[3])
    assert lines[4].startswith("| ")
    assert not [line for line in lines if line.startswith(("why:", "fix:"))]


def test_an_error_is_the_rule_of_some_checks():
    found = run("interrupting", "--only", "comes_to_its_end")
    assert "why:   it catches sys.exit" in found.stdout
    assert "fix:   raise an exception" in found.stdout


def test_a_check_is_killed_after_its_limit_which_the_fix_names():
    found = run("endless", "--only", "density_is_exact", "--limit", "2", "--json")
    (row,) = json.loads(found.stdout)
    assert (row["kind"], row["why"]) == ("ended", "")
    assert "did not finish within 2 s" in row["what"]
    assert "--limit" in row["fix"]


def test_json_has_the_same_fields():
    found = run("rounding", "--only", "density_is_exact", "--json")
    (row,) = json.loads(found.stdout)
    assert found.exit_code == 6
    assert (row["method"], row["check"], row["status"]) == ("rounding", "density_is_exact", "failed")
    assert {"what", "where", "why", "fix"} <= set(row)
    assert row["kind"] == "rule"


def test_a_skipped_check_gives_its_sentence_and_is_no_failure():
    found = run("sound", "--only", "computed_results_are_repeatable")
    assert "skipped computed_results_are_repeatable: the method does not use bench.compute" in found.stdout
    assert found.exit_code == 0


def test_a_name_stands_for_all_variants():
    found = run("class-dependent-lt", "--only", "source_is_given", "--json")
    methods = [row["method"] for row in json.loads(found.stdout)]
    assert methods == [f"class-dependent-lt{rest}" for rest in ("[scenario=blue]", "", "[scenario=green]")]


def test_parameters_are_taken_from_the_text():
    found = run("lt[rate=0.75]", "--only", "source_is_given", "--json")
    assert [row["method"] for row in json.loads(found.stdout)] == ["lt[rate=0.75]"]


def test_a_loss_is_checked_by_the_rules_of_losses():
    found = run("focal")
    assert found.exit_code == 0
    assert "  ok      has_its_gradient" in found.stdout
    assert "10 ok, 0 failed" in found.stdout
    (row,) = json.loads(run("ldam", "--only", "is_finite", "--json").stdout)
    assert row == {"loss": "ldam", "check": "is_finite", "level": "core", "status": "ok"}


def test_a_broken_loss_fails_the_rule_that_it_breaks(monkeypatch):
    broken = schedule_named("focal").called("focal", "focal")
    monkeypatch.setattr(type(broken), "resolve", lambda *_: 3)
    found = run("focal", "--json")
    assert found.exit_code == 6
    rows = {row["check"]: row for row in json.loads(found.stdout)}
    assert rows["resolves"]["status"] == "failed"
    assert "Focal (focal.py, line " in rows["resolves"]["what"]
    assert "not a harness.losses.Loss" in rows["resolves"]["what"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("focal", "--only", "is_finit"), "did you mean 'is_finite'"),
        (("focal[alpha=0.5]",), "focal is checked as it is registered"),
        (("foal",), "no method, network, loss or data set is called 'foal' (did you mean 'focal'?)"),
        ((), "no method is named"),
        (("lt", "--only", "source_is_giving"), "did you mean 'source_is_given'"),
        (("no-such-method",), "no method, network, loss or data set is called"),
        (("probe",), "probe is a reference of every run and no method"),
        (("lt[speed=1]",), "'speed' is not a parameter"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, message):
    found = run(*arguments)
    assert isinstance(found.exception, UsageError)
    assert found.exception.exit_code == 2
    assert message in str(found.exception)


def test_the_list_shows_every_check_with_its_sentence():
    found = run("--list", "--json")
    rows = {row["check"]: row for row in json.loads(found.stdout)}
    assert rows["density_is_exact"]["level"] == "core"
    assert all(row["catches"] for row in rows.values())
    assert run("--list").stdout.count("catches ") >= len(rows)
