"""Many processes on one store at once, the same commands and overlapping ones: all is computed and logged once."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

MORE = ["run", "--methods", "magnitude,random", "--seeds", "2", *durable.SHARED, "--densities", "1,0.5,0.25"]
COUNTED = """
from harness.storage import checkpoint
real = checkpoint.write_stage
def write_stage(temporary, target, *rest):
    real(temporary, target, *rest)
    with open({log!r}, "a") as file:
        file.write(target.name + "\\n")
checkpoint.write_stage = write_stage
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return durable.Place(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def alone(place):
    """The folder in which each command ran to its end before the next began."""
    folder = place.folder("alone")
    for command in (durable.RUN, MORE, durable.TUNE):
        place.give(command, folder)
    return folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([durable.RUN, durable.RUN, MORE, durable.TUNE], id="four"),
        pytest.param([durable.RUN, MORE, durable.TUNE, durable.RUN] * 2, id="eight", marks=pytest.mark.long),
    ],
)
def test_commands_at_once_compute_and_log_each_thing_once(place, alone, commands):
    folder = place.folder(f"crowd of {len(commands)}")
    log = folder / "computed"
    code = COUNTED.format(log=str(log))
    started = [place.start(command, folder, code, code) for command in commands]
    for command in started:
        result = command.result()
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr
    store = folder / "store"
    computed = Counter(log.read_text().split())
    assert set(computed.values()) == {1}
    assert set(computed) == set(durable.commits(store)) == set(durable.commits(alone / "store"))
    assert durable.stage_bits(store) == durable.stage_bits(alone / "store")
    assert durable.studies(store)[0] == durable.studies(alone / "store")[0]
    assert without_commands(durable.results(store)) == without_commands(durable.results(alone / "store"))
    assert not durable.leftovers(folder)


def without_commands(results):
    """Return results without the plan and the command of who happened to log them last."""
    return {
        identity: (status, figures, {name: one for name, one in files.items() if name.startswith("levels/")})
        for identity, (status, figures, files) in results.items()
    }
