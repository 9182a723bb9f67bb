import dataclasses
import importlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from harness.initial.pretraining_options import Pretraining
from harness.key_fields import YOUNGER
from harness.losses.class_dependent import ClassDependentLoss, PointwiseLoss
from harness.losses.registered import schedule_named
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.planning.entries import entry_of
from harness.sparsity.mask import Mask
from harness.sparsity.ranking import prune_least
from harness.storage.canonical import canonical_state, digest, flatten, restore, tensor_digest
from harness.training.schedule import Schedule

HARNESS = Path(importlib.import_module("harness").__file__).parent


@dataclass(frozen=True)
class Point:
    key_name: ClassVar[str] = ""
    x: float
    tensor: torch.Tensor


class FocalLoss(ClassDependentLoss):
    """Another formula and no field of its own."""

    def __call__(self, logits, labels):
        return -super().__call__(logits, labels)


class FocalSchedule(Schedule):
    def learning_rate_at(self, step, total):
        return 0.0


@dataclass(frozen=True)
class RenamedLoss(ClassDependentLoss):
    gamma_: float = 5.0


@dataclass(frozen=True)
class NamedLoss(ClassDependentLoss):
    key_name: ClassVar[str] = "focal"


class InheritingLoss(NamedLoss):
    pass


@dataclass(frozen=True)
class Softer:
    rate: float = 1.0

    def __call__(self, values):
        return values * self.rate


@dataclass(frozen=True)
class Harder:
    rate: float = 1.0

    def __call__(self, values):
        return values / self.rate


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


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (ClassDependentLoss(5.0, 0.0), "17a47eff2caafddc62931b52f08554d3ebe0cf90a76d55ce95ebbc9574a0a515"),
        (PointwiseLoss(10.0, 5.0), "fc43f81c8f7a224b2eadbeca3056967c7fa5b6fb76d2bea7dc4c4ede955c9886"),
        (schedule_named("black-pointwise"), "b152a905dda1847aaac426f10235cc8068f687277b1b16c69992952079e57bb1"),
        (schedule_named("focal"), "08f1093ba9dfd9e84f6b648d652004dce846f779d6c413c747a8090bd80a6d5e"),
        (
            schedule_named("focal").resolve(0, 16, 256),
            "a9c4dc937be453d1cc55b73bd635b7a3576d4a77946231d464d6692d000223b5",
        ),
        (schedule_named("class-balanced"), "ec6bdb37745157364b95f2a97d79723bab1e4f739bd50e28dbc99d856cfdfdd8"),
        (schedule_named("logit-adjusted"), "8f7c86a93697b1bdb3b7772bfcf6156b51188a324d780d4e26c60d9f217e4427"),
        (schedule_named("ldam"), "8b1985abd082897e6d73d58e05ce5dd6d7ea4a08f78f792998e11e5ad7296bf2"),
        (
            schedule_named("ldam").resolve(0, 16, 256),
            "7f9a4a696c003ecd344d42a1c67a8400429f78c3055e4bb7d5e931c521b4d0db",
        ),
        (schedule_named("ldam-drw"), "87b6e411cbd7bb1e9fe71d981bd42af88da15938b9726e7e00bf87247c86e4bb"),
        (Schedule(), "2392ff1251079c49453ba9e58ecc5018c1131cf780a906eef19e3f0d38701017"),
        (
            Architecture("mobilenet-v1", {"width": 0.25}),
            "3624a89fa06aef8231c20b097ddb35c4346c6dedc53d3e9a8238af7781b61b30",
        ),
        (
            Mask({"a.weight": numbers(2, 7) > 0, "b": numbers(3) > -4}, 40),
            "b631728ae2cb989bbaef5af276f51c414982c77d7a7be51c5e358da055306933",
        ),
        (Pretraining(dataset="isic-sim"), "7a7890a2c00ce19ebec87f7315b526a595adeb0f9c8b408d6ea42cd703901fdd"),
        (
            entry_of("snip", {"images": 128}, "green"),
            "6e35e83bb4540b548276a7d274af50763f1c3f3e2806884d6cae6b792aaf998b",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_stored_is_found_by_the_digests_of_old(value, recorded):
    """Recorded: another digest computes every stored training anew."""
    assert digest(value) == recorded


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (ClassDependentLoss(5.0, 0.0), FocalLoss(5.0, 0.0)),
        (ClassDependentLoss(5.0, 0.0), NamedLoss(5.0, 0.0)),
        (FocalLoss(5.0, 0.0), NamedLoss(5.0, 0.0)),
        (NamedLoss(5.0, 0.0), InheritingLoss(5.0, 0.0)),
        (ClassDependentLoss(5.0, 0.0), RenamedLoss(5.0, 0.0)),
        (Softer(), Harder()),
        (Schedule(), FocalSchedule()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_class_answers_for_another(left, right):
    nested = [{"loss": left}, ({"deep": [left]}, 1)], [{"loss": right}, ({"deep": [right]}, 1)]
    assert digest(left) != digest(right)
    assert digest(nested[0]) != digest(nested[1])
    assert digest(left) == digest(dataclasses.replace(left))


def test_a_class_of_the_same_name_in_another_module_is_another():
    def elsewhere(module):
        return dataclasses.make_dataclass(
            "FocalLoss", [], bases=(ClassDependentLoss,), frozen=True, namespace={"__module__": module}
        )

    first, second = elsewhere("one.losses"), elsewhere("two.losses")
    assert digest(first(5.0, 0.0)) != digest(second(5.0, 0.0))
    assert digest(first(5.0, 0.0)) == digest(elsewhere("one.losses")(5.0, 0.0))


def test_a_class_has_the_name_that_it_gives_itself_wherever_it_is_moved():
    moved = dataclasses.make_dataclass(
        "Moved", [], bases=(ClassDependentLoss,), frozen=True, namespace={"key_name": "focal"}
    )
    assert digest(moved(5.0, 0.0)) == digest(NamedLoss(5.0, 0.0))


def test_nobody_can_pass_for_a_class_by_writing_its_name():
    skeleton, _ = taken_apart(NamedLoss(5.0, 0.0))
    with pytest.raises(TypeError, match="reserved key"):
        digest(skeleton)


def test_classes_without_a_name_in_keys_differ_in_their_fields():
    nameless = {}
    for path in HARNESS.rglob("*.py"):
        if "key_name: ClassVar" in path.read_text():
            module = importlib.import_module(f"harness.{'.'.join(path.relative_to(HARNESS).with_suffix('').parts)}")
            own = [kind for kind in vars(module).values() if getattr(kind, "__module__", "") == module.__name__]
            for kind in (kind for kind in own if isinstance(kind, type) and vars(kind).get("key_name") == ""):
                nameless.setdefault(frozenset(field.name for field in dataclasses.fields(kind)), []).append(kind)
    assert {ClassDependentLoss, PointwiseLoss, Architecture, Mask, Schedule} <= {
        kind for kinds in nameless.values() for kind in kinds
    }
    assert [kinds for kinds in nameless.values() if len(kinds) > 1] == []


def test_the_name_of_a_class_is_not_part_of_what_is_restored():
    skeleton, tensors = taken_apart({"deep": [Softer(2.0)]})
    assert restore(skeleton, tensors) == {"deep": [{"rate": 2.0}]}


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


@dataclass(frozen=True)
class Grown:
    key_name: ClassVar[str] = ""
    old: int = 1
    new: str = field(default="usual", metadata=YOUNGER)


def test_a_younger_field_is_a_part_of_the_key_where_it_is_not_as_ever():
    assert digest(Grown()) == digest({"old": 1})
    assert digest(Grown(new="other")) == digest({"old": 1, "new": "other"})
    assert digest(Grown(old=2)) != digest(Grown())
