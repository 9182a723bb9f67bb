import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta


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


def beside(name):
    """Return the module of this folder: tests are not on the path."""
    known = f"evaluation_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


@pytest.fixture(scope="session")
def binormal():
    """The module `binormal.py`: scores of networks whose truth is known."""
    return beside("binormal")


@pytest.fixture(scope="session")
def learners():
    """The module `learners.py`: discriminants trained on overlapping folds."""
    return beside("learners")


@pytest.fixture(scope="session")
def tally():
    """The module `tally.py`: how often the verdicts are wrong in such worlds."""
    return beside("tally")


def no_more_often(events, draws, rate=0.05):
    """Whether the lower 99 % bound (Clopper-Pearson) of an observed rate is at most ``rate``."""
    return (beta.ppf(0.01, events, draws - events + 1) if events else 0.0) <= rate


@pytest.fixture
def at_most():
    return no_more_often
