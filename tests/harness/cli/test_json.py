"""Every verb's JSON: strict, alone on stdout, and each of its keys in docs/configuration.md."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.messages import show_json
from harness.storage.store import Store

DOCUMENTED = (
    (Path(__file__).parents[3] / "docs" / "configuration.md").read_text().split("\n## JSON\n")[1].split("\n## ")[0]
)
PLAN = ["plan-study", "--positives", "75", "--seeds", "5", "--entries", "8"]


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def keys_of(*arguments):
    """Return the keys of the object that a command prints, or of each object of its list."""
    shown = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert shown.exit_code == 0, shown.output
    value = json.loads(shown.stdout, parse_constant=refuse)
    return {*value} if isinstance(value, dict) else {key for row in value for key in row}


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "store")
    made.run("train", 0, lambda _: torch.zeros(100))
    return made.root


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("list", ["list", "networks", "--check"]),
        ("data list", ["data", "list"]),
        ("data show", ["data", "show", "isic-sim"]),
        ("data check", ["data", "check", "digits-9"]),
        ("check", ["check", "focal"]),
        ("check --list", ["check", "--list"]),
        ("plan-study", PLAN),
    ],
    ids=str,
)
def test_every_key_is_documented(verb, arguments):
    (row,) = [line for line in DOCUMENTED.splitlines() if line.startswith(f"| `{verb}` |")]
    assert keys_of(*arguments) <= {*re.findall(r"`([a-z_]+)`", row)}


def test_a_store_is_told_whole_and_what_was_evicted(store):
    (row,) = [line for line in DOCUMENTED.splitlines() if line.startswith("| `store` |")]
    keys = keys_of("store", "--store", store)
    told = {"store", "bytes", "kinds", "unfinished", "rest", "evicted", "remote"}
    assert keys == told <= {*re.findall(r"`([a-z_]+)`", row)}
    shown = CliRunner().invoke(app, ["store", "--store", str(store), "--shrink-to", "0", "--json"])
    found = json.loads(shown.stdout)
    assert found["evicted"] == {"stages": 1, "left": 0}
    assert found["kinds"] == {}


def test_what_is_no_number_is_null_and_no_character_is_lost(capsys, tmp_path):
    value = {"auc": math.nan, "deep": [(math.inf, 1)], "name": "a\x1b\u202e", "path": tmp_path, "yes": True}
    show_json(value)
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out, parse_constant=refuse) == {
        "auc": None,
        "deep": [[None, 1]],
        "name": "a\x1b\u202e",
        "path": str(tmp_path),
        "yes": True,
    }
