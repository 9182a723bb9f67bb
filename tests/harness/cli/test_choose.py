"""`harness choose` as a user meets it: exit codes, the network by name, the limit in the way, the next command."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from harness.cli import choose
from harness.cli.main import app
from harness.errors import HarnessError
from harness.results import reading
from harness.results.measurement import MeasuringMachine

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text().split("\n## JSON\n")[1]
COMMAND = "harness run --dataset spots --seeds 3 --methods 'lt,snip'"


def measured(entry, density, milliseconds, machine="pi", cpu="arm", group=None):
    cell = SimpleNamespace(entry=entry, density=density, group=group)
    latency = {1: SimpleNamespace(median=milliseconds / 1000)}
    where = MeasuringMachine(name=machine, cpu=cpu, system="x", runtime="onnxruntime", runtime_version="1", threads=1)
    return SimpleNamespace(machine=where, file=SimpleNamespace(cell=cell), latency=latency)


@pytest.fixture
def held(monkeypatch, drawn_results):
    """Results of dense, of an entry that loses nothing and of one that loses much, three seeds of each."""
    monkeypatch.setattr(drawn_results, "COUNTS", {"validation": (40, 80), "test": (300, 600)})

    def make(seeds=(0, 1, 2), skill=3.5, lossy=1.0, **facts):
        drawn = drawn_results.Drawn()
        for seed in seeds:
            drawn.run("dense", seed, densities=(1.0,), skill=skill, command=COMMAND, **facts)
            drawn.run("lt", seed, densities=(0.5, 0.25), skill=skill, command=COMMAND, **facts)
            drawn.run("snip", seed, densities=(0.125,), skill=lossy, command=COMMAND, **facts)
        return reading.results_of("spots", [run.read(whole=False) for run in drawn.recorded()], [])

    return make


@pytest.fixture
def chosen(monkeypatch):
    def run(results, *words):
        monkeypatch.setattr(choose, "results_uri", lambda *_: "here")
        monkeypatch.setattr(choose, "results_shown", lambda *asked: run.asked.append(asked[-1]) or results)
        named = [] if "--dataset" in words else ["--dataset", "spots"]
        return CliRunner().invoke(app, ["choose", *named, *words], env={"COLUMNS": "80"})

    run.asked = []
    return run


def told(done):
    return " ".join(done.stdout.split())


def test_the_smallest_safe_network_is_named_with_the_command_that_takes_it_home(held, chosen):
    done = chosen(held(), "--max-loss", "0.1")
    assert done.exit_code == 0, done.output
    seed = re.match(r"Ship lt at 25%, seed (\d): 2.5k MACs left, 250 parameters\.", told(done))
    command = re.search(r"Take it home: (harness export .*?-o network\.onnx)", told(done))[1]
    assert shlex.split(command) == [
        *("harness", "export", "--dataset", "spots", "--entry", "lt", "--density", "0.25"),
        *("--seed", seed[1], "--group", *held().groups, "-o", "network.onnx"),
    ]
    assert "Choosing among 2 entries is paid for: at a confidence of 97.5% the loss is still at most" in told(done)
    assert "Of its 3 networks this is the one with the highest sensitivity on its own validation images" in told(done)
    prose = [line for line in done.stdout.splitlines() if not line.startswith("  harness ")]
    assert max(map(len, prose)) <= 80


def test_a_limit_that_is_in_the_way_is_told_with_what_would_do(held, chosen):
    done = chosen(held(), "--max-loss", "0.1", "--max-parameters", "200")
    assert done.exit_code == 6, done.output
    assert told(done).startswith("No network can: every network within --max-parameters 200 is shown to lose")
    assert "--max-parameters 250: lt at 25%" in told(done)
    done = chosen(held(), "--max-loss", "0.1", "--max-parameters", "1", "--max-macs", "1M")
    assert done.exit_code == 6
    assert "none of 3 pruned networks keeps within --max-macs 1M and --max-parameters 1." in told(done)


def test_where_nothing_was_shown_the_dense_network_is_not_shipped(held, chosen, drawn_results):
    results = held()
    (group,) = results.groups
    every = [measured(entry, level, 9, group=group) for entry, level in (("lt", 0.25), ("lt", 0.5), ("snip", 0.125))]
    results = replace(results, measurements=(*every, measured("dense", 1.0, 4, group=group)))
    done = chosen(results, "--max-loss", "0.1", "--max-latency", "5ms", "--device", "pi")
    assert done.exit_code == 6
    said = "No network can: none of 3 pruned networks keeps within --max-latency 5ms; the dense network does ("
    assert told(done).startswith(said)
    drawn = drawn_results.Drawn()
    for seed in (0, 1, 2):
        drawn.run("dense", seed, densities=(1.0,), skill=3.5, command=COMMAND)
    results = reading.results_of("spots", [run.read(whole=False) for run in drawn.recorded()], [])
    done = chosen(results, "--max-loss", "0.1")
    assert done.exit_code == 7
    assert told(done).startswith("Not decided: nothing was pruned yet")


def test_a_control_that_passes_is_said_first_and_in_the_table(held, chosen):
    results = held()
    cells = results.cells.assign(control=results.cells["entry"] == "lt")
    results = replace(results, cells=cells)
    done = chosen(results, "--max-loss", "0.1")
    said = "A control passes: “lt” down to 25%. So far down it is not shown that a method's choice of weights matters."
    assert told(done).startswith(said)
    assert re.search(r"lt +25% .* control: safe", done.stdout)
    found = json.loads(chosen(results, "--max-loss", "0.1", "--json").stdout)
    assert found["controls_safe_to"] == {"lt": 0.25}
    assert [(one["entry"], one["density"], one["safe"]) for one in found["controls"]] == [
        ("lt", 0.5, True),
        ("lt", 0.25, True),
    ]
    assert {one["entry"] for one in found["networks"]} == {"snip"}
    assert told(chosen(results, "--max-loss", "0.1", "--entry", "snip")).startswith(said)
    assert "A control passes" not in told(chosen(held(), "--max-loss", "0.1"))
    assert told(chosen(results, "--max-loss", "0.1", "--entry", "lt")).startswith(f"{said} Ship lt at 25%")


def test_a_planted_too_slow_network_is_not_chosen(held, chosen):
    results = held()
    (group,) = results.groups
    lacking = measured("lt", 0.5, 100, group=group)
    lacking.latency = {32: lacking.latency[1]}
    slow, fast = measured("lt", 0.25, 9, group=group), measured("lt", 0.25, 1, group=group)
    every = (slow, fast, measured("lt", 0.5, 4, group=group), lacking)
    results = replace(results, measurements=every)
    asked = ("--max-loss", "0.1", "--max-latency", "5ms", "--device")
    done = chosen(results, *asked, "pi")
    assert done.exit_code == 0, done.output
    assert told(done).startswith("Ship lt at 50%")
    assert "4ms" in told(done)
    done = chosen(results, *asked, "pie")
    assert "nothing was measured on a --device 'pie' (did you mean 'pi'?)" in str(done.exception)
    two = replace(results, measurements=(*every, measured("lt", 0.25, 4, cpu="x86", group=group)))
    assert "name one of: pi (arm), pi (x86)" in str(chosen(two, *asked, "pi").exception)
    assert told(chosen(two, *asked, "pi (x86)")).startswith("Ship lt at 25%")
    done = chosen(replace(results, measurements=every[:1]), *asked, "pi")
    assert done.exit_code == 7
    assert "the latency of some networks is not known, which --max-latency asks about (nothing" in told(done)
    at_32 = measured("lt", 0.25, 9, group=group)
    at_32.latency = {32: at_32.latency[1]}  # of a file with a fixed batch
    done = chosen(replace(results, measurements=(at_32,)), *asked, "pi")
    assert done.exit_code == 7, done.output
    assert "the latency of some networks is not known" in told(done)


def test_one_seed_decides_nothing_and_the_run_that_would_is_told(held, chosen):
    done = chosen(held(seeds=(0,)), "--max-loss", "0.1")
    assert done.exit_code == 7, done.output
    assert told(done).startswith("Not decided: ")
    command = re.search(
        r"This run would decide \(of paths in it the last names are known\): (.*?) entry left", told(done)
    )[1]
    assert shlex.split(command) == [*shlex.split(COMMAND.replace("--seeds 3 ", "")), "--seeds", "3"]


def home(done):
    """The words of the command that takes the network home."""
    return shlex.split(re.search(r"Take it home: (harness export .*? -o \S+)", told(done))[1])


def test_what_is_taken_home_is_the_file_whose_bytes_were_limited(held, chosen):
    results = held()
    results = replace(results, cells=results.cells.assign(**{"size/bytes": 1000.0}))
    assert home(chosen(results, "--max-loss", "0.1", "--max-bytes", "1kB"))[-1] == "network.safetensors"
    assert home(chosen(results, "--max-loss", "0.1"))[-1] == "network.onnx"


def test_the_dense_network_is_taken_home_too_where_it_is_the_choice(held, chosen):
    words = ("--max-loss", "0.1", "--entry", "snip")
    done = chosen(held(), *words)
    assert done.exit_code == 0
    seed = re.match(r"Ship the dense network, seed (\d): 2.5k MACs", told(done))[1]
    command = home(done)
    assert command[4:10] == ["--entry", "dense", "--density", "1", "--seed", seed]
    found = json.loads(chosen(held(), *words, "--json").stdout)
    assert (found["chosen"]["entry"], found["chosen"]["density"], found["chosen"]["seed"]) == ("dense", 1, int(seed))
    assert shlex.split(found["commands"][0]) == command


def test_it_is_taken_home_from_where_the_results_are(held, chosen, tmp_path):
    for name in ("benign", "malignant"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for number in range(2 + (name == "benign")):
            (tmp_path / "cells" / name / f"{number}.png").write_bytes(b"")
    images = f"folder:{tmp_path / 'cells'}"
    done = chosen(
        held(), "--max-loss", "0.1", "--dataset", images, "--store", "other place", "--tracking-uri", "http://a:b@c"
    )
    command = home(done)
    assert command[2:4] == ["--dataset", images]
    assert command[command.index("--group") + 2 : -2] == ["--store", "other place", "--tracking-uri", "http://c"]
    assert chosen.asked[-1] == "folder-cells"
    assert home(chosen(held(), "--max-loss", "0.1", "--dataset", "folder-cells"))[2:4] == ["--dataset", "folder:PATH"]


def test_every_key_is_documented(held, chosen):
    done = chosen(held(), "--max-loss", "0.1", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    (row,) = [line for line in DOCUMENTED.splitlines() if line.startswith("| `choose` |")]
    known = {*re.findall(r"`([a-z_0-9]+)`", row)}
    assert {*found, *found["wanted"], *found["chosen"], *found["dense"], *found["chosen"]["loss"]} <= known
    assert (found["decision"], found["chosen"]["entry"], found["chosen"]["density"]) == ("chosen", "lt", 0.25)
    assert [(one["entry"], one["density"]) for one in found["networks"] if one["safe"]] == [("lt", 0.5), ("lt", 0.25)]
    assert found["commands"][0].startswith("harness export ")


def test_groups_are_not_mixed(held, chosen):
    results = held()
    (group,) = results.groups
    both = replace(results, groups={**results.groups, "ffffffffffff": results.groups[group]})
    done = chosen(both, "--max-loss", "0.1")
    assert done.exception.exit_code == 2
    assert "these results are 2 groups" in str(done.exception)
    assert len(done.exception.faults) == 2
    done = chosen(both, "--max-loss", "0.1", "--group", group[:4])
    assert done.exit_code == 0
    assert f"--group {group}" in told(done)
    assert "names no group" in str(chosen(both, "--max-loss", "0.1", "--group", "x").exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-loss", "0.5"], ["--max-loss 0.5 is not above 0 and below 0.5"]),
        (["--max-loss", "0", "--fpr", "1"], ["--max-loss 0 is", "--fpr 1 is"]),
        (["--max-loss", "0.1", "--max-bytes", "much", "--max-macs", "x"], ["--max-bytes 'much'", "--max-macs 'x'"]),
        (["--max-loss", "0.1", "--max-latency", "5ms"], ["--max-latency and --device go together"]),
        (["--max-loss", "0.1", "--device", "pi"], ["--max-latency and --device go together"]),
        (["--max-loss", "0.1", "--entry", "ltt"], ["--entry 'ltt' is no entry", "did you mean 'lt'?"]),
    ],
)
def test_bad_options_are_refused_together(held, chosen, words, said):
    done = chosen(held(), *words)
    assert isinstance(done.exception, HarnessError)
    assert done.exception.exit_code == 2
    for one in said:
        assert one in str(done.exception)


def test_entries_may_be_named_by_a_glob(held, chosen):
    done = chosen(held(), "--max-loss", "0.1", "--entry", "l*", "--json")
    assert {one["entry"] for one in json.loads(done.stdout)["networks"]} == {"lt"}
    assert json.loads(done.stdout)["entries"] == 1
