"""What decides whether a step can be recorded; recording itself is tried on a GPU by tests/cuda/check_graph.py."""

import warnings

import pytest
import torch

from harness.training.graph_recorder import _waits


@pytest.fixture
def modes(monkeypatch):
    """Return the modes that torch's watch over waiting calls is put into; it warns, as torch does the first time."""
    found = []

    def put(mode):
        if mode == "error":
            warnings.warn("a prototype feature", stacklevel=1)
        found.append(mode)

    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", put)
    return found


def failing(text):
    def work():
        raise RuntimeError(text)

    return work


def test_a_step_that_makes_the_host_wait_is_found_out(modes):
    assert _waits(failing("called a synchronizing CUDA operation"))
    assert modes == ["error", 0]
    assert not _waits(lambda: torch.zeros(()))
    assert modes == 2 * ["error", 0]


def test_any_other_failure_of_a_step_is_its_own(modes):
    with pytest.raises(RuntimeError, match="out of memory"):
        _waits(failing("CUDA out of memory"))
    assert modes == ["error", 0]
