"""One loss for the first part of a training, another for the rest."""

import torch

from harness.losses.class_dependent import ClassDependentLoss
from harness.losses.deferred import DeferredLoss


def test_the_second_loss_begins_where_its_part_begins():
    first, last = ClassDependentLoss(), ClassDependentLoss(5.0)
    loss = DeferredLoss(first, last, 0.75)
    assert [loss.at((epoch + 1) / 8) for epoch in range(8)] == [first] * 6 + [last] * 2
    assert loss.at(1.0) == last
    logits, labels = torch.tensor([[0.3, -1.2], [2.0, 0.1]]), torch.tensor([1, 0])
    assert loss(logits, labels).item() == first(logits, labels).item() != last(logits, labels).item()
