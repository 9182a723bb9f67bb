"""A network written and read back, and files that are none."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save

from harness.errors import DataError, HarnessError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count, state_of
from harness.portable.network_file import ARCHITECTURE, NAMEPLATE, compressed, file_content, read_network, write_network
from harness.portable.packing import packed
from harness.sparsity.surgery import channel_groups, without_channels
from tests.harness.portable.conftest import nameplate


def test_a_network_that_is_read_back_is_the_same(shipped, images, tmp_path):
    write_network(tmp_path / "network.safetensors", shipped)
    found = read_network(tmp_path / "network.safetensors")
    assert found.nameplate == shipped.nameplate
    assert not found.training
    for name, tensor in state_of(shipped.network).items():
        assert torch.equal(state_of(found.network)[name], tensor), name
    assert torch.equal(found(images), shipped(images))


def test_a_narrowed_network_comes_back_as_narrow(shipped, images, tmp_path):
    group = channel_groups(shipped.network)[0]
    shipped.network = without_channels(shipped.network, {group.name: torch.arange(8) < 3})
    write_network(tmp_path / "network.safetensors", shipped)
    found = read_network(tmp_path / "network.safetensors")
    assert parameter_count(found.network) == parameter_count(shipped.network) < 1600
    assert torch.equal(found(images), shipped(images))


def test_zeros_take_little_room(shipped):
    dense = build(Architecture("tiny"), {name: tensor + 1 for name, tensor in state_of(shipped.network).items()})
    assert len(file_content(shipped.network)) < 0.75 * len(file_content(dense))
    assert len(compressed(file_content(shipped.network))) < len(file_content(shipped.network))


def test_the_same_network_gives_the_same_bytes(shipped):
    assert file_content(shipped.network, shipped.nameplate) == file_content(shipped.network, shipped.nameplate)


def written(path, shipped, *, state=None, told=None):
    """Write a file of these tensors and this metadata."""
    architecture = {ARCHITECTURE: json.dumps({"factory": "tiny"})}
    metadata = architecture | {NAMEPLATE: json.dumps(shipped.nameplate.to_json())} | (told or {})
    path.write_bytes(save(packed(state_of(shipped.network)) if state is None else state, metadata=metadata))
    return path


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({ARCHITECTURE: "no JSON"}, "not JSON"),
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
