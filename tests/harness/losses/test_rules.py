"""The rules of losses: every registered loss keeps each, and each finds the loss that breaks it alone."""

import random
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
import torch
import torch.nn.functional as F
from optuna.distributions import FloatDistribution
from pydantic import Field

from harness import plugins
from harness.losses.loss import Loss
from harness.losses.registered import schedule_named
from harness.losses.rules import RULES, broken_rules
from harness.losses.schedule import LossSchedule


@pytest.mark.parametrize("name", sorted(plugins.available(plugins.LOSSES)))
def test_every_registered_loss_keeps_every_rule(name):
    loss = schedule_named(name)
    assert list(broken_rules(loss)) == [(rule.__name__, "") for rule in RULES]
    assert loss.source


@dataclass(frozen=True)
class Sound(Loss):
    def __call__(self, logits, labels):
        return F.cross_entropy(logits, labels.long())


@dataclass(frozen=True)
class Pair(Loss):
    def __call__(self, logits, labels):
        return F.cross_entropy(logits, labels.long(), reduction="none")


@dataclass(frozen=True)
class Detached(Loss):
    def __call__(self, logits, labels):
        return F.cross_entropy(logits.detach(), labels.long())


@dataclass(frozen=True)
class Overflowing(Loss):
    def __call__(self, logits, labels):
        return (logits.exp().sum(1).log() - logits.gather(1, labels.long()[:, None]).squeeze(1)).mean()


@dataclass(frozen=True)
class OneClass(Loss):
    def __call__(self, logits, labels):
        scores = logits[:, 1] - logits[:, 0]
        return scores[labels == 0].mean() - scores[labels > 0].mean()


@dataclass(frozen=True)
class HalfAGradient(Loss):
    def __call__(self, logits, labels):
        plain = F.cross_entropy(logits, labels.long())
        return plain / 2 + plain.detach() / 2


@dataclass(frozen=True)
class Summed(Loss):
    def __call__(self, logits, labels):
        return F.cross_entropy(logits, labels.long(), reduction="sum")


@dataclass(frozen=True)
class Counting(Loss):
    def __call__(self, logits, labels):
        CALLS.append(1)
        return F.cross_entropy(logits, labels.long()) + 1e-6 * len(CALLS)


CALLS = []


@dataclass(frozen=True)
class Drawing(Loss):
    def __call__(self, logits, labels):
        random.random()
        return F.cross_entropy(logits, labels.long())


@dataclass(frozen=True)
class InPlace(Loss):
    def __call__(self, logits, labels):
        value = F.cross_entropy(logits, labels.long())
        logits.data.add_(1)
        return value


@dataclass(frozen=True)
class Listed(Loss):
    classes: object = None

    def __call__(self, logits, labels):
        return F.cross_entropy(logits, labels.long())


class Undecorated(Sound):
    pass


@dataclass(frozen=True)
class Odd(Loss):
    def __call__(self, logits, labels):
        return F.cross_entropy(logits, labels.long())

    def at(self, progress):
        return None if progress > 0.9 else self


@dataclass(frozen=True)
class Given(LossSchedule):
    """Resolves to what it is told."""

    loss_class: str = "Sound"

    def resolve(self, round, positives, negatives):
        return KINDS[self.loss_class]()


KINDS = {
    kind.__name__: kind
    for kind in (Sound, Pair, Detached, Overflowing, OneClass, HalfAGradient, Summed, Counting, Drawing, InPlace)
} | {
    "Undecorated": Undecorated,
    "Odd": Odd,
    "Number": lambda: 3,
    "Tensor": lambda: Listed(torch.zeros(2)),
    "Raising": lambda: 1 / 0,
    "Local": lambda: HIDDEN(),
}


def local():
    @dataclass(frozen=True)
    class Hidden(Sound):
        pass

    return Hidden


HIDDEN = local()


@dataclass(frozen=True)
class WithRange(Given):
    search_space: ClassVar = {"rate": FloatDistribution(0.0, 1.0)}
    rate: float = 2.0


@dataclass(frozen=True)
class WithWrongRange(Given):
    search_space: ClassVar = {"rate": FloatDistribution(0.0, 5.0)}
    rate: Annotated[float, Field(le=1)] = 1.0


@dataclass(frozen=True)
class WithList(Given):
    weights: tuple = (1, 2)


@dataclass(frozen=True)
class WithReserved(Given):
    values: float = 1.0


@dataclass(frozen=True)
class WithComma(Given):
    words: str = "a,b"


class NoDataclass(Given):
    pass


@dataclass(frozen=True)
class Forgetful(Given):
    rate: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "rate", 1.0 if self.rate == 1.0 else 5.0)

    def with_parameters(self, given):
        return Forgetful(**{**vars(self), "rate": 3.0})


def broken(loss):
    return {rule: what for rule, what in broken_rules(loss) if what}


def test_a_sound_loss_breaks_no_rule():
    assert broken(Given()) == {}


@pytest.mark.parametrize(
    ("loss", "rule", "words"),
    [
        (Given(loss_class="Pair"), "gives_a_scalar", "a tensor of shape (6,)"),
        (Given(loss_class="Detached"), "gives_a_scalar", "without a gradient"),
        (Given(loss_class="Overflowing"), "is_finite", "inf"),
        (Given(loss_class="OneClass"), "is_finite", "nan"),
        (Given(loss_class="HalfAGradient"), "has_its_gradient", "finite differences"),
        (Given(loss_class="Summed"), "is_a_mean", "twice over"),
        (Given(loss_class="Counting"), "keeps_no_state", "for one batch"),
        (Given(loss_class="Drawing"), "keeps_no_state", "Python's random state"),
        (Given(loss_class="InPlace"), "keeps_no_state", "changes its logits"),
        (Given(loss_class="Undecorated"), "resolves", "@dataclass(frozen=True)"),
        (Given(loss_class="Number"), "resolves", "gives a int"),
        (Given(loss_class="Tensor"), "resolves", "a field of Listed"),
        (Given(loss_class="Raising"), "resolves", "ZeroDivisionError"),
        (Given(loss_class="Local"), "can_be_sent", "cannot be sent to another process"),
        (Given(loss_class="Odd"), "knows_every_part", "None"),
        (WithRange(), "reads_back_what_it_says", "not in its search space"),
        (WithWrongRange(), "reads_back_what_it_says", "rate: Input should be less than or equal to 1"),
        (WithList(), "has_plain_fields", "(1, 2)"),
        (WithReserved(), "has_plain_fields", "a name that means something else"),
        (WithComma(), "has_plain_fields", "cannot be written in an entry"),
        (NoDataclass(), "has_plain_fields", "NoDataclass (test_rules.py, line "),
        (Forgetful(), "reads_back_what_it_says", "does not take its own values"),
    ],
    ids=lambda value: getattr(value, "loss_class", None),
)
def test_each_rule_finds_what_breaks_it_and_says_where(loss, rule, words):
    found = broken(loss)
    assert rule in found
    assert words in found[rule]
    assert next(iter(found)) == rule  # the first: what a plan is refused with


def test_a_fault_that_is_raised_is_told_with_its_line():
    assert "(test_rules.py, line " in broken(Given(loss_class="Raising"))["resolves"]
