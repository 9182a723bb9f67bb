import numpy as np
import pytest

from harness.reports.analysis.design import Design
from harness.reports.analysis.group_rates import group_rates
from harness.reports.analysis.outcomes import Outcome

POSITIVES, NEGATIVES = 70, 30
IMAGES = tuple(f"i{place:03d}" for place in range(POSITIVES + NEGATIVES))
LABELS = np.r_[np.ones(POSITIVES, dtype=np.int64), np.zeros(NEGATIVES, dtype=np.int64)]
NORTH, SOUTH = IMAGES[:40] + IMAGES[70:90], IMAGES[40:69]


def network(seed, fold=0, entry="lt"):
    generator = np.random.default_rng([seed, fold])
    scores = generator.normal(size=LABELS.size) + LABELS
    validation = (LABELS, generator.normal(size=LABELS.size) + LABELS)
    facts = {"run_id": "r", "group": "g", "method": entry, "loss": "plain", "plain": entry}
    return Outcome(
        density=0.5,
        entry=entry,
        seed=seed,
        fold=fold,
        images=IMAGES,
        labels=LABELS,
        scores=scores,
        validation=validation,
        **facts,
    )


def counted(cells, ids, label):
    """Errors at the deployed cut among these images, one by one."""
    errors = 0
    for cell in cells:
        for place, image in enumerate(IMAGES):
            if image in ids and LABELS[place] == label:
                called = cell.scores[place] > cell.cut
                errors += called != bool(label)
    return errors


def test_the_errors_of_each_large_group_are_counted_at_the_deployed_cut():
    cells = [network(seed) for seed in (0, 1, 2)]
    (north,) = group_rates(cells, {"large_groups": {"north": NORTH, "south": SOUTH}}, Design((0,), (0, 1, 2)))
    assert (north.image_group, north.entry, north.density) == ("north", "lt", 0.5)
    assert (north.missed.k, north.missed.n) == (pytest.approx(counted(cells, NORTH, 1) / 3), 40)
    assert (north.alarms.k, north.alarms.n) == (pytest.approx(counted(cells, NORTH, 0) / 3), 20)
    assert north.missed.low < north.missed.share < north.missed.high


def test_folds_add_up():
    cells = [network(seed, fold) for fold in (1, 2) for seed in (0, 1)]
    found = group_rates(cells, {"large_groups": {"south": SOUTH}}, Design((1, 2), (0, 1)))
    assert (found[0].missed.k, found[0].missed.n) == (counted(cells, SOUTH, 1) / 2, 58)
    assert found[0].alarms is None


def test_a_missing_network_or_no_group_has_no_rates():
    cells = [network(0)]
    assert not group_rates(cells, {"large_groups": {"north": NORTH}}, Design((0,), (0, 1)))
    assert not group_rates(cells, {}, Design((0,), (0,)))
