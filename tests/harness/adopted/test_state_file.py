"""A file's tensors, whatever it wraps them in; what is none is refused in a sentence, and no code of it runs."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from harness.adopted.state_file import read_state
from harness.errors import DataError
from harness.networks.architecture import Architecture
from harness.networks.factories import state_of
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.network_file import file_content

OPTIMISER = {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}


def under(prefix):
    return lambda state: {prefix + name: tensor for name, tensor in state.items()}


WRAPPED = {
    "plain": lambda state: state,
    "checkpoint": lambda state: {"epoch": 3, "best": torch.tensor(0.9), "optimizer": OPTIMISER, "state_dict": state},
    "model": lambda state: {"model": state, "optimizer": OPTIMISER},
    "model_state_dict": lambda state: {"model_state_dict": state, "loss": 0.1},
    "twice": lambda state: {"model": {"state_dict": state}},
    "data parallel": under("module."),
    "compiled": under("_orig_mod."),
    "lightning": lambda state: {"state_dict": under("model.")(state), "hyper_parameters": {"lr": 0.1}},
    "compiled in parallel in lightning": lambda state: {"state_dict": under("model.module._orig_mod.")(state)},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_each_wrapper_is_taken_off(tmp_path, tiny, same_bits, wrap):
    torch.save(wrap(state_of(tiny)), tmp_path / "own.pt")
    found = read_state(tmp_path / "own.pt")
    assert same_bits(found.tensors, tiny)
    assert found.architecture is None


def test_a_tensor_beside_the_network_keeps_its_name(tmp_path, tiny):
    """So that it is told as left over, and the others are found."""
    torch.save(under("model.")(state_of(tiny)) | {"criterion.weight": torch.ones(2)}, tmp_path / "own.ckpt")
    found = read_state(tmp_path / "own.ckpt").tensors
    assert found.keys() - state_of(tiny).keys() == {"criterion.weight"}
    assert found.keys() >= state_of(tiny).keys()


def test_safetensors_of_anybody(tmp_path, tiny, same_bits):
    save_file(under("module.")(state_of(tiny)), tmp_path / "own.bin")
    assert same_bits(read_state(tmp_path / "own.bin").tensors, tiny)


def test_an_exported_network_says_its_architecture(tmp_path, tiny, same_bits):
    nameplate = Nameplate(
        dataset="spots",
        entry="dense",
        density=1.0,
        seed=0,
        network="tiny",
        classes=("no", "yes"),
        preprocessing=Preprocessing(size=16),
    )
    with torch.no_grad():
        tiny.features.conv2.weight[:8] = 0  # so that it is packed
    (tmp_path / "net.safetensors").write_bytes(file_content(tiny, nameplate))
    found = read_state(tmp_path / "net.safetensors")
    assert found.architecture == Architecture("tiny")
    assert same_bits(found.tensors, tiny)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('the file ran code')",)


def test_what_is_no_state_is_refused_and_runs_nothing(tmp_path, tiny):
    path = tmp_path / "own.pt"
    contents = {
        "without running code of it": lambda: path.write_bytes(pickle.dumps(Trap())),
        r"without running code of it: .*": lambda: torch.save({"model": tiny}, path),
        "holds no tensors by name, but list": lambda: torch.save([torch.zeros(3)], path),
        "holds no tensors by name, but keys epoch, lr": lambda: torch.save({"epoch": 1, "lr": 0.1}, path),
        "as safetensors": lambda: path.write_bytes((10**9).to_bytes(8, "little") + b"{}"),
    }
    for said, write in contents.items():
        write()
        with pytest.raises(DataError, match=said) as refused:
            read_state(path)
        assert "torch.save(model.state_dict(), FILE)" in refused.value.fix
    with pytest.raises(DataError, match="No such file"):
        read_state(tmp_path / "absent.pt")
