import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.sparsity.mask import Mask
from harness.sparsity.ranking import prune_least
from harness.storage.canonical import canonical_state, digest, flatten, restore, tensor_digest


@dataclass(frozen=True)
class Point:
    x: float
    tensor: torch.Tensor


def numbers(*shape, dtype=torch.float32):
    return torch.arange(math.prod(shape), dtype=torch.float64).sub(5).view(shape).to(dtype)


def network():
    built = build(Architecture("alexnet"))
    initialise(built, torch.Generator().manual_seed(0))
    return built


def taken_apart(value):
    tensors = {}
    skeleton = flatten(value, tensors)
    return skeleton, tensors


def test_the_order_of_keys_does_not_matter():
    left = {"a": 1, "b": {"c": numbers(2), "d": [1.5, None]}}
    right = {"b": {"d": [1.5, None], "c": numbers(2)}, "a": 1}
    assert digest(left) == digest(right)


def test_the_order_of_lists_does():
    assert digest([1, 2]) != digest([2, 1])
    assert digest([numbers(2), numbers(3)]) != digest([numbers(3), numbers(2)])


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]
)
def test_strides_memory_format_and_storage_do_not_matter(dtype):
    tensor = numbers(2, 3, 4, 5, dtype=dtype)
    same = [
        tensor.contiguous(memory_format=torch.channels_last),
        tensor.transpose(0, 3).contiguous().transpose(0, 3),
        torch.cat([tensor, tensor])[2:],
        torch.stack([tensor, tensor], -1)[..., 1],
        nn.Parameter(tensor) if dtype.is_floating_point else tensor.clone(),
    ]
    assert {digest(other) for other in same} == {digest(tensor)}
    assert {tensor_digest(other) for other in same} == {tensor_digest(tensor)}


def test_an_array_is_its_tensor():
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert digest(array) == digest(torch.from_numpy(array))
    assert digest(array.T[::-1]) == digest(torch.from_numpy(array.T[::-1].copy()))


def test_an_array_of_no_dimension_keeps_its_shape():
    assert digest(np.array(2.0)) == digest(torch.tensor(2.0, dtype=torch.float64))
    skeleton, tensors = taken_apart(np.array(2.0))
    assert restore(skeleton, tensors).shape == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.uint8])
def test_every_flipped_bit_changes_the_digest(dtype):
    tensor = numbers(3, dtype=dtype)
    found = {digest(tensor)}
    for byte in range(tensor.numel() * tensor.element_size()):
        for bit in range(8):
            other = tensor.clone()
            other.view(torch.uint8)[byte] ^= 1 << bit
            found.add(digest(other))
    assert len(found) == 1 + 8 * tensor.numel() * tensor.element_size()


def test_what_looks_alike_has_another_digest():
    zeros = torch.zeros(6)
    values = [
        1,
        1.0,
        True,
        "1",
        None,
        "null",
        0.0,
        -0.0,
        [],
        {},
        [1],
        [[1]],
        {"a": 1},
        {"a": [1]},
        {"b": 1},
        math.nan,
        math.inf,
        zeros,
        -zeros,  # the bits, not the value
        zeros.view(2, 3),
        zeros.view(3, 2),
        zeros.view(6, 1),
        zeros.to(torch.int32),  # the same bytes, another type
        torch.zeros(6, dtype=torch.uint8),
        torch.zeros(6, dtype=torch.bool),
        torch.zeros(0),
        torch.zeros(0, 3),
        {"a": zeros},
        {"b": zeros},
        [zeros],
        [zeros, zeros],
        0.1 + 0.2,
        0.3,
    ]
    assert len({digest(value) for value in values}) == len(values)


def test_tuples_dataclasses_masks_and_networks_are_their_parts():
    assert digest((1, "a")) == digest([1, "a"])
    assert digest(Point(1.0, numbers(2))) == digest({"x": 1.0, "tensor": numbers(2)})
    built = network()
    assert digest(built) == digest({"architecture": Architecture("alexnet"), "state": state_of(built)})
    mask = Mask({"a": numbers(2) > 0}, 7)
    assert digest(mask) == digest({"remaining": {"a": numbers(2) > 0}, "total": 7})


def test_a_masks_digest_is_what_stored_trainings_know_it_by():
    mask = Mask({"a.weight": numbers(2, 7) > 0, "b": numbers(3) > -4}, 40)
    assert digest(mask) == "b631728ae2cb989bbaef5af276f51c414982c77d7a7be51c5e358da055306933"


def test_a_networks_digest_sees_buffers_but_no_hooks_mode_or_layout():
    built = build(Architecture("alexnet-bn"))
    initialise(built, torch.Generator().manual_seed(0))
    expected = digest(built)
    built.train().to(memory_format=torch.channels_last)
    built.features.conv1.register_forward_hook(lambda *_: None)
    assert digest(built) == expected
    built.features.norm3.running_mean[5] += 1
    assert digest(built) != expected


def test_canonical_state_fills_with_positive_zero():
    built = network()
    mask = prune_least(state_of_weights(built), Mask.ones(built), 0.3)
    state = canonical_state(built, mask)
    for name, tensor in state.items():
        remaining = mask[name] if name in mask else torch.ones(tensor.shape, dtype=torch.bool)
        assert bool((tensor[~remaining] == 0).all())
        assert not bool(torch.signbit(tensor[~remaining]).any())
        assert torch.equal(tensor[remaining], built.state_dict()[name][remaining])
    # A product with the mask has the same values, but -0.0 where a negative weight was: another digest.
    product = {name: tensor * mask[name] if name in mask else tensor for name, tensor in state_of(built).items()}
    assert digest(product) != digest(state)
    mask.apply_(built)
    assert digest(canonical_state(built)) == digest(canonical_state(built, mask)) == digest(state)


def state_of_weights(built):
    return {name: state_of(built)[name] for name in Mask.ones(built)}


def test_canonical_state_is_a_copy():
    built = network()
    expected = digest(built)
    for tensor in canonical_state(built).values():
        tensor.zero_()
    assert digest(built) == expected


def test_flatten_and_restore_are_a_round_trip():
    value = {
        "numbers": [1, 2.5, -0.0, True, None, "text"],
        "deep": {"list": [[numbers(2, 3)], {"x": numbers(0)}], "": numbers(1)},
        "scalar": torch.tensor(3.5),
        "types": [numbers(4, dtype=dtype) for dtype in (torch.bfloat16, torch.bool, torch.int64)],
        "strided": numbers(4, 6).t(),
        "empty": [[], {}],
    }
    skeleton, tensors = taken_apart(value)
    restored = restore(skeleton, tensors)
    assert digest(restored) == digest(value)
    assert restored["deep"]["list"][0][0].tolist() == numbers(2, 3).tolist()
    assert restored["strided"].tolist() == numbers(4, 6).t().tolist()
    assert restored["numbers"] == value["numbers"]
    assert math.copysign(1, restored["numbers"][2]) == -1
    assert restored["scalar"].shape == ()


@pytest.mark.parametrize("value", [{"tensor": "text"}, {"tensor": [1]}])
def test_a_key_named_tensor_is_like_any_other(value):
    skeleton, tensors = taken_apart(value)
    assert restore(skeleton, tensors) == value


def test_keys_with_a_slash_do_not_collide():
    value = {"a/b": numbers(1), "a": {"b": numbers(2)}}
    skeleton, tensors = taken_apart(value)
    restored = restore(skeleton, tensors)
    assert (len(restored["a/b"]), len(restored["a"]["b"])) == (1, 2)
    assert digest(value) != digest({"a/b": numbers(2), "a": {"b": numbers(2)}})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, Path("a"), np.float32(1), np.int64(1), print, Point])
def test_objects_are_refused(value):
    with pytest.raises(TypeError, match="only tensors and JSON"):
        digest(value)
    with pytest.raises(TypeError, match="/deep/1 is a"):
        digest({"deep": [1, value]})


def test_a_module_without_an_architecture_is_refused():
    with pytest.raises(TypeError, match="cannot be rebuilt"):
        digest(nn.Linear(2, 2))
