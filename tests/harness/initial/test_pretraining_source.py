"""W0 is never pretrained on the classes it is then trained on, unless a user says so."""

from dataclasses import dataclass

import pytest

from harness.data.asked import load_dataset
from harness.datasets.isic import Isic
from harness.datasets.isic_sim import IsicSim
from harness.initial.pretraining_source import pretraining_source, saw_classes


@dataclass(frozen=True, kw_only=True)
class TheirLesions(IsicSim):
    """Another distribution's set that draws by the same rule."""

    name = "their-lesions"


@pytest.mark.parametrize(
    ("dataset", "source"),
    [
        (Isic(), "isic-sim"),  # real lesions: the simulated ones are no part of them, and old W0s stay
        (load_dataset("isic-sim"), "crack-sim"),
        (load_dataset("isic-sim[seed=3]"), "crack-sim"),
        (TheirLesions(), "crack-sim"),
        (load_dataset("crack-sim"), "isic-sim"),
        (load_dataset("crack-sim[seed=1,pretraining=100]"), "isic-sim"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_auto_is_the_first_that_is_not_the_sets_own(dataset, source):
    assert pretraining_source("auto", dataset) == source
    assert not saw_classes(source, dataset)


@pytest.mark.parametrize("written", ["isic-sim", "isic-sim[seed=7]"])
def test_one_that_is_named_is_taken_and_known_to_have_seen_the_classes(written):
    assert pretraining_source(written, IsicSim()) == written
    assert saw_classes(written, IsicSim(seed=2))
    assert not saw_classes(written, Isic())
