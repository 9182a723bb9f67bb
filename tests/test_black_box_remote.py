"""Commands on a store that a server of objects holds: another machine computes nothing, and nothing is lost."""

import importlib.util
import json
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

COMPUTED = """
from harness.storage import checkpoint
real = checkpoint.write_stage
def write_stage(temporary, target, *rest):
    real(temporary, target, *rest)
    with open({log!r}, "a") as file:
        file.write(target.name + "\\n")
checkpoint.write_stage = write_stage
"""
FAILS = """
from pathlib import Path
from harness.storage.remote import Remote, RemoteError
upload, flag, taken = Remote.upload, Path({flag!r}), []
def fails(self, path, name):
    taken.append(name)
    if len(taken) > 8 and not flag.with_name("healed").exists():
        flag.touch()
    if flag.exists():
        raise RemoteError("the network is down")
    upload(self, path, name)
Remote.upload = fails
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return durable.Place(tmp_path_factory.mktemp("remote"))


class Machines:
    """Machines of one study; each has a folder, and a cache in it."""

    def __init__(self, place, server, address):
        self.place, self.server, self.address = place, server, address

    def give(self, machine, arguments, check=0, code="", **variables):
        folder = self.place.root / machine
        folder.mkdir(exist_ok=True)
        lent = {**self.server.variables, "XDG_CACHE_HOME": str(folder / "cache"), **variables}
        code = f"import os; os.environ.update({lent!r})\n{code}{COMPUTED.format(log=str(folder / 'computed'))}"
        words = [arguments[0], *(self.address if word == "store" else word for word in arguments[1:])]
        return self.place.give(words, folder, check, code, code)

    def computed(self, machine):
        log = self.place.root / machine / "computed"
        return log.read_text().split() if log.exists() else []

    def store(self, machine):
        (found,) = (self.place.root / machine / "cache" / "prune-harness" / "stores").iterdir()
        return found


@pytest.fixture(scope="module")
def local(place):
    """The store of the same command on a folder of its own."""
    folder = place.folder("local")
    place.give(durable.RUN, folder)
    return folder / "store"


@pytest.fixture(scope="module")
def machines(place, object_storage):
    machines = Machines(place, object_storage, "s3://bucket/study")
    machines.give("one", durable.RUN)
    return machines


def figures(store):
    """Return what is published of each cell, its figures and its files."""
    return {
        identity: (points, {name: one for name, one in files.items() if name.startswith("levels/")})
        for identity, (_, points, files) in durable.results(store).items()
    }


@pytest.mark.slow
def test_a_run_on_object_storage_gives_the_bits_of_a_local_one(machines, local):
    assert durable.stage_bits(machines.store("one")) == durable.stage_bits(local)
    assert figures(machines.store("one")) == figures(local)
    assert len(machines.computed("one")) == len(durable.commits(local))


@pytest.mark.long
def test_another_machine_computes_nothing_and_publishes_the_same(machines, local):
    machines.give("two", durable.RUN)
    assert machines.computed("two") == []
    assert durable.stage_bits(machines.store("two")) == durable.stage_bits(local)
    assert figures(machines.store("two")) == figures(local)


@pytest.mark.long
def test_tuning_goes_through_the_same_store(machines, place):
    machines.give("one", durable.TUNE)
    machines.give("three", durable.TUNE)
    assert machines.computed("three") == []
    assert durable.studies(machines.store("three"))[0] == durable.studies(machines.store("one"))[0]


@pytest.mark.long
def test_the_verbs_that_read_work_on_the_mirror(machines):
    machines.give("one", durable.REPORT)
    machines.give("one", ["verify", "--store", "store"])
    found = json.loads(machines.give("one", ["store", "--store", "store", "--json"]).stdout)
    assert found["store"] == str(machines.store("one"))
    assert found["remote"]["address"] == machines.address
    assert found["remote"]["stages"] == sum(kind["stages"] for kind in found["kinds"].values())
    assert found["remote"]["waiting"] == 0
    told = machines.give("one", ["store", "--store", "store", "--shrink-to", "0"]).stdout
    assert f"Mirrors {machines.address}: {found['remote']['stages']} stages" in told
    assert durable.commits(machines.store("one")) == {}
    before = machines.computed("one")
    machines.give("one", durable.RUN)
    assert machines.computed("one") == before  # fetched again


@pytest.mark.long
def test_a_network_that_fails_in_the_middle_costs_nothing(place, object_storage, local):
    machines = Machines(place, object_storage, "s3://bucket/failing")
    flag = place.root / "down"
    ended = machines.give("four", durable.RUN, check=3, code=FAILS.format(flag=str(flag)))
    assert flag.exists()
    said = " ".join(ended.stderr.split())
    assert "the network is down; for now, stages are looked for and kept in" in said
    assert f"but not yet in {machines.address}. Run the same command again when it answers." in said
    assert durable.stage_bits(machines.store("four")) == durable.stage_bits(local)
    assert figures(machines.store("four")) == figures(local)
    flag.rename(flag.with_name("healed"))
    before = machines.computed("four")
    machines.give("four", durable.RUN)
    assert machines.computed("four") == before
    machines.give("five", durable.RUN)
    assert machines.computed("five") == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "code", "says", "variables"),
    [
        ("s3://no-bucket/study", 5, "is in a bucket that does not exist", {}),
        ("s3://bucket/denied", 5, "asks for credentials", {"AWS_PROFILE": "nobody"}),
        ("s3://bucket/away", 5, "does not answer as it should", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
        ("ftp://host/study", 2, "--store speaks s3 and file, and not ftp", {}),
        ("s3://somebody:topsecret@bucket/study", 2, "takes no user, password or option", {}),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_computed(place, object_storage, address, code, says, variables):
    machines = Machines(place, object_storage, address)
    ended = machines.give(f"refused {address[:9].replace('/', '')}{len(address)}", durable.RUN, check=code, **variables)
    assert says in " ".join(ended.stderr.split())
    assert "To fix it" in ended.stderr
    assert "topsecret" not in ended.stdout + ended.stderr
    assert not list(place.root.rglob("refused*/computed"))
