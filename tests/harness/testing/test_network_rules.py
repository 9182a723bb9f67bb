"""Every rule of networks is proven on one that is wrong in one way, which it finds, and on one that keeps them all."""

import re

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import UsageError
from harness.networks.architecture import Network
from harness.networks.contract import require_fit
from harness.networks.registered import INTERNAL
from harness.plugins import NETWORKS
from harness.testing.network_rule import NETWORK_RULES
from harness.testing.network_rules import network_outcome


class Good(Network):
    def __init__(self, width=8):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 3, 2), nn.BatchNorm2d(width), nn.ReLU(), *self.more(width))
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(width, 2))

    def more(self, width):
        return []


class Layer(nn.Module):
    """Doubles what it reads."""

    def forward(self, images):
        return 2 * images


class NeedsAWidth(Good):
    def __init__(self, width):
        super().__init__(width)


class HasATensorForAWidth(Good):
    def __init__(self, width=8, ones=torch.ones(2)):  # noqa: B008
        super().__init__(width)


class Computes(Good):
    def __init__(self):
        super().__init__()
        self.features[0].register_buffer("scale", torch.tensor([2.0], device="cpu"))


class Headless(Good):
    def __init__(self):
        super().__init__()
        del self.head


class HasATail(Good):
    def __init__(self):
        super().__init__()
        self.tail = nn.Linear(2, 2)


class ThreeClasses(Good):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Linear(8, 3))


class HalfPrecise(Good):
    def forward(self, images):
        return self.head(self.features(images).mean((2, 3)))


class OneSize(Good):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(3 * 63 * 63, 8))

    def pooled(self, images):
        return self.features(images)


class Forgets(Good):
    def more(self, width):
        layer = Layer()
        layer.register_buffer("extra", torch.ones(1), persistent=False)
        return [layer]


class Hides(Good):
    def more(self, width):
        layer = Layer()
        layer.extra = torch.ones(1)
        return [layer]


class Counts(Layer):
    made = 0

    def __init__(self):
        super().__init__()
        Counts.made += 1
        self.number = Counts.made

    def forward(self, images):
        return self.number * images


class Remembers(Good):
    def more(self, width):
        return [Counts()]


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(1) * torch.nan)

    def forward(self, images):
        return images + self.scale


class Undrawn(Good):
    def more(self, width):
        return [Scale()]


class Silent(Good):
    def more(self, width):
        return [Zero()]


class Zero(nn.Module):
    def forward(self, images):
        return 0 * images


class Batch(nn.Module):
    def forward(self, images):
        return images - images.mean(0)


class Mixes(Good):
    def more(self, width):
        return [Batch()]


class Noise(nn.Module):
    def forward(self, images):
        return images + torch.rand_like(images)


class Noisy(Good):
    def more(self, width):
        return [Noise()]


class Cut(nn.Module):
    def forward(self, images):
        return images.detach()


class Detached(Good):
    def more(self, width):
        return [Cut()]


class Sourceless(Good):
    imagenet = "https://example.org/weights.pth"


class Raises(Good):
    def forward(self, images):
        raise ZeroDivisionError("of its own")


BROKEN = {
    "arguments_are_json": [
        (NeedsAWidth, "the argument width has no default"),
        (HasATensorForAWidth, "the default of ones is no JSON"),
    ],
    "builds_without_memory": [(Computes, "features.0.scale is made on another device")],
    "has_features_and_a_head": [
        (Headless, "no module 'head'"),
        (HasATail, "tail.weight, tail.bias belongs to neither"),
    ],
    "gives_two_logits": [
        (ThreeClasses, "have the shape (4, 3), not (4, 2)"),
        (Raises, "ZeroDivisionError: of its own"),
    ],
    "logits_are_float32": [(HalfPrecise, "under autocast its logits are torch.bfloat16")],
    "takes_every_size": [(OneSize, "RuntimeError: mat1 and mat2")],
    "state_is_all_in_tensors": [
        (Forgets, "the buffer features.3.extra is not persistent"),
        (Hides, "the tensor features.3.extra is neither a parameter nor a buffer"),
    ],
    "rebuilt_bit_for_bit": [(Remembers, "it gives other logits")],
    "every_tensor_is_drawn": [(Undrawn, "features.3.scale is not finite once weights are drawn")],
    "responds_to_images": [(Silent, "its score is the same for 8 different images")],
    "images_are_scored_alone": [(Mixes, "an image's logits depend on the others")],
    "is_deterministic": [(Noisy, "the same images give other logits the second time")],
    "gradients_reach_every_parameter": [(Detached, "no gradient reaches features.0.weight")],
    "imagenet_names_a_source": [(Sourceless, "imagenet is 'https://example.org/weights.pth'")],
}
CASES = [(rule, kind, what) for rule, cases in BROKEN.items() for kind, what in cases]


@pytest.mark.parametrize(("rule", "kind", "what"), CASES, ids=[f"{rule}-{kind.__name__}" for rule, kind, _ in CASES])
def test_a_broken_rule_is_named_with_what_and_where(monkeypatch, rule, kind, what):
    monkeypatch.setitem(INTERNAL, "bad", kind)
    found = network_outcome("bad", rule)
    assert found.status == "failed"
    assert what in found.what
    assert re.search(r"test_network_rules\.py:\d+", found.where)
    assert found.fix


@pytest.mark.parametrize("rule", NETWORK_RULES)
def test_a_good_network_keeps_every_rule(monkeypatch, rule):
    monkeypatch.setitem(INTERNAL, "good", Good)
    assert network_outcome("good", rule).status == "ok"
    assert rule in BROKEN or rule == "class_is_a_network"


# --- what a run asks before it begins


@pytest.mark.parametrize(
    ("kind", "size", "why"),
    [
        (NeedsAWidth, 64, "cannot be built (TypeError"),
        (ThreeClasses, 64, "gives (1, 3) for one image of 64 px, where two logits are due"),
        (OneSize, 96, "cannot take images of 96 px (RuntimeError"),
        (Raises, 64, "cannot take images of 64 px (ZeroDivisionError: of its own, "),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_one_sentence(monkeypatch, kind, size, why):
    monkeypatch.setitem(INTERNAL, "bad", kind)
    with pytest.raises(UsageError) as caught:
        require_fit("bad", size)
    assert caught.value.message.startswith(f"network 'bad' {why}")
    assert caught.value.exit_code == 2


# --- the command line

FOREIGN = """
from torch import nn
from harness.networks import Network

class Net(Network):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(8, 3))
"""


def test_the_command_says_what_is_wrong_with_anothers_network_and_does_not_import_it(install):
    import sys

    install("fake-net", {NETWORKS: {"net": "fake_net:Net"}}, fake_net=FOREIGN)
    ran = CliRunner().invoke(app, ["check", "net"])
    assert ran.exit_code == 6, ran.output
    assert "FAILED  gives_two_logits" in ran.output
    assert "have the shape (4, 3), not (4, 2)" in ran.output
    assert re.search(r"where: .*fake_net\.py:5 in Net", ran.output)
    assert "ok      class_is_a_network" in ran.output
    assert "fake_net" not in sys.modules


def test_a_network_that_cannot_be_imported_fails_with_the_reason(install):
    install("fake-exit", {NETWORKS: {"ends": "fake_exit:Net"}}, fake_exit="import os; os._exit(3)")
    ran = CliRunner().invoke(app, ["check", "ends", "--only", "class_is_a_network"])
    assert ran.exit_code == 6
    assert "its process ended with exit code 3" in ran.output


def test_a_rule_that_is_none_is_refused_with_the_nearest():
    ran = CliRunner().invoke(app, ["check", "small-cnn", "--only", "takes_every_siz"])
    assert "did you mean 'takes_every_size'?" in str(ran.exception)
