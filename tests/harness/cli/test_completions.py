"""What TAB offers, asked as bash asks; it imports no plugin and nothing heavy."""

import os
import subprocess
import sys

import pytest

from harness import plugins
from harness.cli import completions
from harness.errors import UsageError
from harness.planning import presets

CODE = """
import atexit, sys
heavy = ("torch", "numpy", "mlflow", "optuna", "pandas", "harness.methods.lt", "harness.datasets.isic")
atexit.register(lambda: print(*(name for name in heavy if name in sys.modules), file=sys.stderr))
from harness.cli.main import main
main()
"""


def offered(line):
    """Return what the shell is told for a line whose last word is incomplete, and the heavy modules it took."""
    words = line.split(" ")
    asked = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    ran = subprocess.run(
        [sys.executable, "-P", "-c", CODE], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    return ran.stdout.split(), ran.stderr.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("harness pub", ["publish"]),
        ("harness run --data", ["--dataset", "--data-dir"]),
        ("harness run --dataset isic", ["isic", "isic-sim"]),
        ("harness run --methods lt,snip", ["lt,snip", "lt,snip-retrain"]),
        ("harness run --preset sm", ["smoke"]),
        ("harness data check fol", ["folder:"]),
    ],
)
def test_names_are_offered_and_nothing_heavy_is_loaded(line, wanted):
    assert offered(line) == (wanted, [])


def test_each_kind_of_name_is_what_is_installed():
    for complete, group in (
        (completions.networks, plugins.NETWORKS),
        (completions.losses, plugins.LOSSES),
    ):
        assert {*plugins.available(group)} <= {*complete("")}
    assert completions.methods("") == ["all", *plugins.available(plugins.PRUNERS)]
    assert completions.presets("") == list(presets.presets())
    assert completions.networks("torch") == ["torchvision:"]
    assert completions.losses("foc") == ["focal"]
    assert completions.weights("im") == ["imagenet"]
    assert {"lt", "isic", "focal", "alexnet"} <= {*completions.checked("")}


def test_nothing_is_offered_within_brackets():
    assert completions.methods("lt[rate=0.5,s") == []
    assert completions.methods("lt[rate=0.5],snip-") == ["lt[rate=0.5],snip-retrain"]


def test_two_plugins_of_one_name_do_not_spoil_the_line(monkeypatch):
    def clash(_group):
        raise UsageError("plugins of one name")

    monkeypatch.setattr(plugins, "available", clash)
    assert completions.losses("") == []


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_help_names_both_options(option):
    ran = subprocess.run([sys.executable, "-P", "-m", "harness", "--help"], capture_output=True, text=True, check=True)
    assert f"\n  {option} " in ran.stdout
    assert ran.stdout.startswith("Usage: harness [OPTIONS]")
