"""A network written and read back, and files that are none."""

import json
import pickle
import struct
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load, save

from harness.errors import DataError, HarnessError, UsageError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count, state_of
from harness.portable.network_file import (
    ARCHITECTURE,
    DIGEST,
    NAMEPLATE,
    compressed,
    file_content,
    read_network,
)
from harness.portable.packing import packed
from harness.sparsity.surgery import channel_groups, without_channels
from harness.storage.canonical import digest
from tests.harness.portable.conftest import nameplate


def test_a_network_that_is_read_back_is_the_same(shipped, images, tmp_path):
    (tmp_path / "network.safetensors").write_bytes(file_content(shipped.network, shipped.nameplate))
    found = read_network(tmp_path / "network.safetensors")
    assert found.nameplate == shipped.nameplate
    assert not found.training
    for name, tensor in state_of(shipped.network).items():
        assert torch.equal(state_of(found.network)[name], tensor), name
    assert torch.equal(found(images), shipped(images))


def test_a_narrowed_network_comes_back_as_narrow(shipped, images, tmp_path):
    group = channel_groups(shipped.network)[0]
    shipped.network = without_channels(shipped.network, {group.name: torch.arange(8) < 3})
    (tmp_path / "network.safetensors").write_bytes(file_content(shipped.network, shipped.nameplate))
    found = read_network(tmp_path / "network.safetensors")
    assert parameter_count(found.network) == parameter_count(shipped.network) < 1600
    assert torch.equal(found(images), shipped(images))


def test_zeros_take_little_room(shipped):
    dense = build(Architecture("tiny"), {name: tensor + 1 for name, tensor in state_of(shipped.network).items()})
    assert len(file_content(shipped.network)) < 0.8 * len(file_content(dense))
    assert len(compressed(file_content(shipped.network))) < len(file_content(shipped.network))


def test_the_same_network_gives_the_same_bytes(shipped):
    assert file_content(shipped.network, shipped.nameplate) == file_content(shipped.network, shipped.nameplate)


def written(path, shipped, *, state=None, told=None):
    """Write a file of these tensors and this metadata."""
    architecture = {ARCHITECTURE: json.dumps({"factory": "tiny"})}
    metadata = architecture | {NAMEPLATE: json.dumps(shipped.nameplate.to_json())} | (told or {})
    stored = packed(state_of(shipped.network)) if state is None else state
    path.write_bytes(save(stored, metadata={**metadata, DIGEST: digest([stored, metadata])}))
    return path


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({ARCHITECTURE: "no JSON"}, "is no JSON"),
        ({ARCHITECTURE: "[]"}, "does not say its architecture"),
        ({ARCHITECTURE: json.dumps({"factory": "no such network"})}, "unknown network 'no such network'"),
        ({ARCHITECTURE: json.dumps({"factory": "tiny", "arguments": {"layers": 9}})}, "unexpected keyword"),
        ({ARCHITECTURE: json.dumps({"factory": "small-cnn"})}, "does not hold the tensors of small-cnn"),
        ({NAMEPLATE: "null"}, "does not say what network it is"),
        ({NAMEPLATE: json.dumps({"dataset": 1})}, "Field required"),
    ],
)
def test_a_file_that_says_something_else_is_refused_in_words(shipped, tmp_path, told, what):
    with pytest.raises(HarnessError) as refused:
        read_network(written(tmp_path / "network.safetensors", shipped, told=told))
    assert what in str(refused.value)


def test_every_fault_of_a_nameplate_is_told_at_once(shipped, tmp_path):
    spoiled = {**shipped.nameplate.to_json(), "density": 2, "bits": 7, "more": 1}
    with pytest.raises(DataError) as refused:
        read_network(
            written(tmp_path / "network.safetensors", shipped, told={NAMEPLATE: json.dumps(spoiled)}),
        )
    assert {fault.partition(":")[0] for fault in refused.value.faults} == {"density", "bits", "more"}


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda state: state.pop("head.1.bias"), "head.1.bias is missing"),
        (lambda state: state.update({"head.1.bias": torch.ones(3)}), "head.1.bias is (3,), not (2,)"),
        (lambda state: state.update({"head.1.bias": torch.ones(2, dtype=torch.int64)}), "is torch.int64"),
        (lambda state: state.update({"head.1.bias": torch.full((2,), torch.nan)}), "is not finite"),
    ],
)
def test_tensors_that_are_not_the_network_s_are_refused(shipped, tmp_path, spoil, what):
    state = state_of(shipped.network)
    spoil(state)
    with pytest.raises(DataError) as refused:
        read_network(written(tmp_path / "network.safetensors", shipped, state=state))
    assert what in str(refused.value)


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_code_of_a_file_runs(tmp_path):
    (tmp_path / "network.safetensors").write_bytes(pickle.dumps(Canary(tmp_path / "canary")))
    with pytest.raises(DataError, match="cannot be read as safetensors"):
        read_network(tmp_path / "network.safetensors")
    assert not (tmp_path / "canary").exists()


def test_a_cut_file_and_none_at_all_are_refused(shipped, tmp_path):
    content = file_content(shipped.network, shipped.nameplate)
    for kept in (0, 7, 100, len(content) - 1):
        (tmp_path / "network.safetensors").write_bytes(content[:kept])
        with pytest.raises(DataError, match="cannot be read"):
            read_network(tmp_path / "network.safetensors")
    with pytest.raises(DataError, match="cannot be read"):
        read_network(tmp_path / "absent.safetensors")


def test_a_nameplate_says_its_cell():
    assert nameplate().cell == "lt[rate=0.75] at 6.25 %, seed 0"
    assert nameplate(fold=2).cell == "lt[rate=0.75] at 6.25 %, seed 0, fold 2"


@pytest.fixture
def path(shipped, tmp_path):
    (tmp_path / "network.safetensors").write_bytes(file_content(shipped.network, shipped.nameplate))
    return tmp_path / "network.safetensors"


def header_and_data(content):
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_architecture(content, architecture):
    """The file of a stranger who knows how its digest is made."""
    header, _ = header_and_data(content)
    stored, told = load(content), header["__metadata__"]
    told = {NAMEPLATE: told[NAMEPLATE], ARCHITECTURE: json.dumps(asdict(architecture))}
    return save(stored, metadata={**told, DIGEST: digest([stored, told])})


HOSTILE = {
    "empty": lambda _: b"",
    "cut in its header": lambda good: good[:40],
    "cut in its tensors": lambda good: good[:-9],
    "longer than it says": lambda good: good + b"more",
    "a header of exabytes": lambda good: struct.pack("<Q", 2**62) + good[8:],
    "a header of 99 MB that is not there": lambda good: struct.pack("<Q", 99_000_000) + good[8:],
    "deep JSON": lambda _: struct.pack("<Q", 200_000) + b"[" * 100_000 + b"]" * 100_000,
    "no metadata": lambda good: save(load(good)),
    "a tensor of terabytes": lambda _: joined(
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, b"0000"
    ),
    "a flipped bit of a weight": lambda good: good[:-3] + bytes([good[-3] ^ 1]) + good[-2:],
    "deep metadata": lambda good: save(load(good), metadata={ARCHITECTURE: "[" * 100_000, NAMEPLATE: "{}"}),
    "an architecture that is a list": lambda good: save(load(good), metadata={ARCHITECTURE: "[1]", NAMEPLATE: "{}"}),
    "an endless width": lambda good: with_architecture(good, Architecture("mobilenet-v1", {"width": 1e300})),
    "a giant width": lambda good: with_architecture(good, Architecture("mobilenet-v1", {"width": 1e5})),
    "shapes of terabytes": lambda good: with_architecture(
        good, Architecture("tiny", shapes={"features.conv1.weight": [2**40, 3, 3, 3]})
    ),
    "shapes below nothing": lambda good: with_architecture(
        good, Architecture("tiny", shapes={"features.conv1.weight": [-1, 3, 3, 3]})
    ),
    "shapes of what it has not": lambda good: with_architecture(good, Architecture("tiny", shapes={"x.weight": [1]})),
    "a network in itself": lambda good: with_architecture(good, Architecture("linear-probe", {"of": "linear-probe"})),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_refused_in_words(how, path):
    path.write_bytes(HOSTILE[how](path.read_bytes()))
    with pytest.raises(DataError) as refused:
        read_network(path)
    assert str(path) in refused.value.message
    assert refused.value.fix
    assert len(refused.value.message) < 500


def test_each_of_many_flipped_bits_is_noticed(path):
    good = path.read_bytes()
    for place in range(8, len(good), len(good) // 60):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        with pytest.raises((DataError, UsageError)):  # one may hit the name of the factory
            read_network(path)
