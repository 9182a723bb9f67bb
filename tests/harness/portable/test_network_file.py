"""A network's own file, and every hostile one refused in words."""

import json
import pickle
import struct
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load, save

from harness.errors import DataError, UsageError
from harness.networks.architecture import Architecture
from harness.portable.network_file import ARCHITECTURE, DIGEST, NAMEPLATE, file_content, read_network, write_network
from harness.storage.canonical import digest


@pytest.fixture
def path(shipped, tmp_path):
    write_network(tmp_path / "network.safetensors", shipped)
    return tmp_path / "network.safetensors"


def test_it_comes_back_as_it_was(shipped, path, same_bits, draw):
    found = read_network(path)
    assert found.nameplate == shipped.nameplate
    assert same_bits(found.network, shipped.network)
    assert torch.equal(found(draw(5)), shipped(draw(5)))
    assert not found.training


def test_zeros_are_stored_small_and_come_back(shipped, path, same_bits):
    before = path.stat().st_size
    weight = shipped.network.features.conv2.weight
    with torch.no_grad():
        weight.masked_fill_(torch.arange(weight.numel()).view_as(weight) % 16 > 0, 0.0)
    write_network(path, shipped)
    assert same_bits(read_network(path).network, shipped.network)
    assert before - path.stat().st_size > 0.9 * 15 / 16 * 4 * weight.numel() - weight.numel() / 8


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


class Shell:
    def __reduce__(self):
        return print, ("a pickle ran",)


HOSTILE = {
    "empty": lambda _: b"",
    "cut in its header": lambda good: good[:40],
    "cut in its tensors": lambda good: good[:-9],
    "longer than it says": lambda good: good + b"more",
    "a header of exabytes": lambda good: struct.pack("<Q", 2**62) + good[8:],
    "a header of 99 MB that is not there": lambda good: struct.pack("<Q", 99_000_000) + good[8:],
    "a pickle": lambda _: pickle.dumps(Shell()),
    "deep JSON": lambda _: struct.pack("<Q", 200_000) + b"[" * 100_000 + b"]" * 100_000,
    "no metadata": lambda good: save(load(good)),
    "a tensor of terabytes": lambda _: joined(
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, b"0000"
    ),
    "a flipped bit of a weight": lambda good: good[:-3] + bytes([good[-3] ^ 1]) + good[-2:],
    "deep metadata": lambda good: save(load(good), metadata={ARCHITECTURE: "[" * 100_000, NAMEPLATE: "{}"}),
    "an architecture that is a list": lambda good: save(load(good), metadata={ARCHITECTURE: "[1]", NAMEPLATE: "{}"}),
    "another architecture": lambda good: with_architecture(good, Architecture("small-cnn")),
    "arguments that it does not take": lambda good: with_architecture(good, Architecture("tiny", {"width": 3})),
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
def test_a_hostile_file_is_refused_in_words(how, path, capsys):
    path.write_bytes(HOSTILE[how](path.read_bytes()))
    with pytest.raises(DataError) as refused:
        read_network(path)
    assert str(path) in refused.value.message
    assert refused.value.fix
    assert len(refused.value.message) < 500
    assert "pickle ran" not in capsys.readouterr().out


def test_each_of_many_flipped_bits_is_noticed(path):
    good = path.read_bytes()
    for place in range(8, len(good), len(good) // 60):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        with pytest.raises((DataError, UsageError)):  # one may hit the name of the factory
            read_network(path)


def test_weights_that_are_not_finite_are_refused(shipped, path):
    with torch.no_grad():
        shipped.network.head[1].bias[0] = float("nan")
    path.write_bytes(file_content(shipped.network, shipped.nameplate))
    with pytest.raises(DataError, match=r"head\.1\.bias is not finite"):
        read_network(path)


def test_a_network_that_is_not_installed_is_named(shipped, path):
    path.write_bytes(with_architecture(path.read_bytes(), replace(shipped.network.architecture, factory="alexnet-bm")))
    with pytest.raises(UsageError, match="did you mean 'alexnet-bn'"):
        read_network(path)


def test_a_nameplate_with_faults_is_refused_with_all_of_them(shipped, path):
    header, data = header_and_data(path.read_bytes())
    plate = json.loads(header["__metadata__"][NAMEPLATE])
    header["__metadata__"][NAMEPLATE] = json.dumps({**plate, "density": 2, "seed": "x", "bits": 7})
    path.write_bytes(joined(header, data))
    with pytest.raises(DataError) as refused:
        read_network(path)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["density", "seed", "bits"]
