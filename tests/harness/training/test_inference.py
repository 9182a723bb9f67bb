import math

import numpy as np
import pytest
import torch

from harness.training.augmentation import normalise
from harness.training.inference import filled, laid_out, moves, outputs_of, resolve_device, validation_auc


@pytest.mark.parametrize(
    ("scores", "moving"),
    [
        ([1.0, 1.0, 1.0], False),
        ([1.0, 1.0 + 1e-7, 1.0], False),
        ([0.0, 1e-3, 0.0], True),
        ([1e6, 1e6 + 0.5, 1e6], False),
    ],
)
def test_moving_scores(scores, moving):
    assert moves(torch.tensor(scores, dtype=torch.float64)) is moving


def test_evaluation_is_unaugmented_and_in_batches_gives_what_one_image_gives(tiny, splits):
    train, _ = splits
    outputs = outputs_of(tiny, train.images, torch.device("cpu"))
    with torch.inference_mode():
        singly = torch.cat([tiny(normalise(train.images[i : i + 1])) for i in range(len(train.images))])
    torch.testing.assert_close(outputs, singly, atol=1e-5, rtol=1e-4)


def test_a_batch_is_filled_up_with_its_last_image():
    batch = torch.arange(6).view(3, 2)
    assert filled(batch, 5).tolist() == [[0, 1], [2, 3], [4, 5], [4, 5], [4, 5]]
    assert torch.equal(filled(batch, 3), batch)


def test_bfloat16_is_close_to_float32(tiny, splits):
    train, _ = splits
    exact = outputs_of(tiny, train.images, torch.device("cpu"))
    rough = outputs_of(tiny, train.images, torch.device("cpu"), bfloat16=True)
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.1, rtol=0.1)


def test_auto_is_cuda_where_there_is_one(monkeypatch):
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert resolve_device("auto").type == kind
        assert resolve_device("cpu").type == "cpu"


def test_the_validation_figure_is_the_share_of_pairs_in_order_and_the_worst_where_a_score_is_not_finite():
    labels, scores = np.array([0, 1, 0, 1], np.uint8), np.array([0.1, 0.4, 0.4, 0.9], np.float32)
    assert validation_auc(labels, scores) == 3.5 / 4  # a tie is half
    for value in (math.nan, math.inf, -math.inf):
        scores[1] = value
        assert validation_auc(labels, scores) == -math.inf


def test_a_module_that_is_laid_out_keeps_its_memory():
    """A recorded step writes where the weights were; torch moves those of shape (O, 1, 1, 1) at each call."""
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 3), torch.nn.Conv2d(1, 8, 1))
    laid_out(module, torch.device("cpu"))
    before = [parameter.data_ptr() for parameter in module.parameters()]
    laid_out(module, torch.device("cpu"))
    assert [parameter.data_ptr() for parameter in module.parameters()] == before
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)
