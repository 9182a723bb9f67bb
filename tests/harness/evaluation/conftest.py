import math

import numpy as np
import pytest


def drawn(generator, positives, negatives, separations, noise=0.5):
    """Scores (K, N) of K networks that share part of their noise, and labels (N,)."""
    labels = np.r_[np.ones(positives), np.zeros(negatives)].astype(int)
    shared = generator.normal(size=labels.size)
    own = generator.normal(size=(len(separations), labels.size))
    shift = np.asarray(separations)[:, None] * labels
    return labels, shift + math.sqrt(1 - noise) * shared + math.sqrt(noise) * own


@pytest.fixture
def draw():
    return drawn
