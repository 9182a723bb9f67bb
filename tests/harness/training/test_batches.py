import pytest
import torch

from harness.data.image_split import Rows
from harness.training.augmentation import drawn_views
from harness.training.batches import AHEAD, Batches, moved

CPU = torch.device("cpu")


@pytest.fixture
def images():
    return torch.randint(256, (9, 3, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_batch_is_the_images_targets_and_views_of_its_places(images, mapped):
    given = Rows(images.flip(0), torch.arange(9).flip(0)) if mapped else images
    batches = Batches(given, torch.arange(9), CPU)
    chosen = torch.tensor([4, 0, 8])
    views = drawn_views(3, "paper", torch.Generator())
    batch = batches.of(chosen, views)
    assert len(batches) == 9
    assert torch.equal(batch.images, images[chosen])
    assert batch.targets.tolist() == [4, 0, 8]
    assert [one.shape for one in batch.tensors] == [(3, 3, 4, 4), (3,), (3, 16, 2), (3, 3, 3), (3, 3)]
    assert all(one is other for one, other in zip(batch.views, views, strict=True))


def test_a_batch_has_memory_of_its_own(images):
    batches = Batches(images, torch.arange(9), CPU)
    first = batches.of(torch.arange(9), ())
    first.images.fill_(0)
    first.targets.fill_(0)
    again = batches.of(torch.arange(9), ())
    assert again.images.any()
    assert again.targets.tolist() == list(range(9))


def test_nothing_is_moved_that_is_there(images):
    assert moved(images, CPU) is images


class Event:
    """Stands for a CUDA event; notes what is waited for."""

    waited: list[int]

    def __init__(self, blocking):
        assert blocking
        self.number = Event.made = Event.made + 1

    def record(self, stream):
        pass

    def synchronize(self):
        Event.waited.append(self.number)


def test_a_device_is_never_further_behind_than_a_few_steps(images, monkeypatch):
    Event.made, Event.waited = 0, []
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: device)
    batches = Batches(images, torch.arange(9), CPU)
    for step in range(1, 3 * AHEAD):
        batches._wait()
        assert Event.waited == list(range(1, step - AHEAD + 1))
