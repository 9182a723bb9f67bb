import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.cli.machines import Machines
from harness.cli.shared_options import SharedOptions
from harness.cli.shared_plan import command_line, configuration_of, estimated, methods_of, numbers_of, seeds_of
from harness.errors import UsageError
from harness.planning.configuration_file import load_configuration
from harness.storage.remote import remote_at


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host/x", "https://me:s3cret@mlflow.example.org", "mysql+pymysql://me:s3cret@h/x"]
)
@pytest.mark.parametrize("written", [["--storage", "{}"], ["--storage={}"]])
def test_a_published_command_holds_no_password(monkeypatch, url, written):
    monkeypatch.setattr(sys, "argv", ["harness", "tune", *(part.format(url) for part in written), "--trials", "3"])
    shown = command_line()
    assert "s3cret" not in shown
    assert "tune" in shown
    assert shown.endswith(" --trials 3")


def test_a_published_command_holds_no_path_of_the_machine(monkeypatch):
    given = ["run", "--store=/home/me/my store", "--data-dir", "/data/isic", "--methods", "mine[file=/home/me/x.pt]"]
    monkeypatch.setattr(sys, "argv", ["harness", *given, "--config", "own.toml"])
    assert command_line() == (
        "harness run '--store=my store' --data-dir isic --methods 'mine[file=x.pt]' --config own.toml"
    )


def test_options_that_were_not_given_change_nothing():
    usual = configuration_of(SharedOptions(), {})
    assert usual == load_configuration("quick", None, [], {})
    assert configuration_of(SharedOptions(), {"seeds": None, "tuning": {"trials": None}}) == usual
    given = SharedOptions(dataset="isic-sim", assign=["tuning.trials=7"])
    changed = configuration_of(given, {"tuning": {"trials": 3}})
    assert changed.data.name == "isic-sim"
    assert changed.data.size == usual.data.size
    assert changed.tuning.trials == 3
    assert replace(changed, data=usual.data, tuning=usual.tuning) == usual


def test_each_option_sets_its_own_key(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("seeds = 3\n")
    given = SharedOptions(
        methods="lt,snip[images=64]",
        preset="paper",
        config=file,
        densities="1,0.5",
        loss="blue",
        network="small-cnn",
        weights="kaiming",
        jobs=2,
    )
    found = configuration_of(given, {})
    assert (found.methods, found.densities, found.seeds) == (("lt", "snip[images=64]"), (1.0, 0.5), 3)
    assert (found.loss, found.network, found.weights, found.jobs) == ("blue", "small-cnn", "kaiming", 2)
    assert found.training == load_configuration("paper", None, [], {}).training


def test_lists_on_the_command_line():
    assert methods_of("lt,snip[images=64,scope=layer]") == ["lt", "snip[images=64,scope=layer]"]
    assert numbers_of("1, 0.5,x,") == [1.0, 0.5, "x"]
    assert (seeds_of("5"), seeds_of("3,"), seeds_of("0,3")) == (5, [3], [0, 3])
    assert (methods_of(None), numbers_of(None), seeds_of(None)) == (None, None, None)
    with pytest.raises(UsageError, match="neither a number nor a list"):
        seeds_of("a")


def test_no_step_is_timed_in_a_fork_once_this_process_speaks_to_the_object_storage(tmp_path):
    address = f"file://{tmp_path}/bucket"
    shared = SimpleNamespace(estimate=True)
    here, there = (SimpleNamespace(machines=Machines(), plan=SimpleNamespace(shared=at)) for at in ("", address))
    assert estimated(here, shared)
    assert estimated(there, shared)
    assert remote_at(address).read("FORMAT") is None
    assert estimated(here, shared)
    assert not estimated(there, shared)
