import numpy as np
import pytest
import torch

from harness.data.image_split import ImageSplit
from harness.initial.linear_probe import linear_probe, probe_architecture
from harness.networks.architecture import positive_scores
from harness.networks.factories import build, copy_of
from harness.storage.store import Store
from harness.training.augmentation import normalise
from harness.training.logistic_regression import fit_regression

CPU = torch.device("cpu")


@pytest.fixture
def probe(splits, tmp_path):
    def fitted(network, splits=splits, environment="here"):
        return linear_probe(Store(tmp_path / "store"), network, *splits, environment, CPU)

    return fitted


def features_of(network, split):
    with torch.inference_mode():
        return network.pooled(normalise(split.images)).numpy()


def test_its_score_is_the_log_odds_of_the_regression_on_what_the_head_reads(tiny, splits, probe):
    stage = probe(tiny)
    network = build(probe_architecture(tiny), stage.value["state"])
    train, validation = splits
    own = [features_of(tiny, split) for split in splits]
    found = fit_regression(own[0], train.labels.numpy(), own[1], validation.labels.numpy())
    assert (stage.value["strength"], stage.value["validation_auc"]) == (found.strength, found.validation_auc)
    assert stage.value["problem"] == ""
    with torch.inference_mode():
        scores = positive_scores(network(normalise(validation.images))).numpy()
    np.testing.assert_allclose(scores, own[1].astype(np.float64) @ found.weights + found.bias, rtol=1e-4, atol=1e-5)


def test_seeds_that_start_from_the_same_features_share_it(tiny, probe):
    first, other_head = probe(tiny), copy_of(tiny)
    torch.nn.init.normal_(other_head.head[1].weight)
    again = probe(other_head)
    assert (again.key, again.replayed) == (first.key, True)


def test_other_features_another_machine_and_other_images_are_another(tiny, splits, probe):
    other, (train, validation) = copy_of(tiny), splits
    other.features.norm1.running_mean.add_(0.1)  # a buffer is as good as a weight
    fewer = ImageSplit.of(validation.images[:20], validation.labels[:20], validation.ids[:20])
    found = [probe(one) for one in (tiny, other)]
    found += [probe(tiny, environment="there"), probe(tiny, (train, fewer)), probe(tiny, (fewer, validation))]
    assert len({stage.key for stage in found}) == 5


def test_the_network_it_was_given_keeps_its_head(tiny, probe, same_bits):
    before = copy_of(tiny)
    probe(tiny)
    assert same_bits(tiny, before)


def test_features_that_are_not_finite_are_a_stored_outcome(tiny, probe):
    tiny.features.norm2.running_var.fill_(float("nan"))
    assert probe(tiny).value == {"problem": "the features of the start weights are not finite"}
    assert probe(tiny).replayed
