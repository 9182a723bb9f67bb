import numpy as np

from harness.evaluation.auc import delong
from harness.evaluation.comparisons import holm, not_distinguished


def test_holm_rejects_what_the_step_down_procedure_rejects():
    generator = np.random.default_rng(4)
    for _ in range(200):
        p_values = list(generator.random(generator.integers(1, 8)) ** 3)
        rejected = set()
        for step, index in enumerate(np.argsort(p_values)):
            if p_values[index] > 0.05 / (len(p_values) - step):
                break
            rejected.add(int(index))
        assert {i for i, adjusted in enumerate(holm(p_values)) if adjusted <= 0.05} == rejected
    assert holm([]) == []


def test_those_not_distinguished_from_the_best(draw):
    labels, scores = draw(np.random.default_rng(10), 75, 304, [2.0, 2.0, 2.02, 2.02, 0.2, 0.2])
    entries = {"random": scores[4:], "lt": scores[:2], "snip": scores[2:4]}
    found = not_distinguished(labels, entries)
    assert set(found) == {"lt", "snip"}
    best = max(entries, key=lambda name: delong(labels, entries[name])[0].mean())
    assert found[0] == best
    assert not_distinguished(labels, {}) == []
