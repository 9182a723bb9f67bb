"""Where to cut the score: chosen on validation, stored, and only then used on the test split."""

import math
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from harness.evaluation.metrics import ImageScores, Labels, checked
from harness.evaluation.terms import USUAL

SENS95, DEPLOYED = "sens95", "deployed"


@dataclass(frozen=True)
class Threshold:
    """A cut of the score: an image is called positive when its score lies above ``value``.

    ``confidence`` (of the cuts that keep a sensitivity, else None) is the probability, over the draw of the validation
    positives, that the network's true sensitivity at this cut reaches it.
    """

    name: str
    value: float
    confidence: float | None = None

    def to_json(self) -> dict[str, str | float | None]:
        """Return plain JSON values; `Threshold(**value)` reads them back to the same bits."""
        return asdict(self)


def choose(labels: Labels, scores: ImageScores, sensitivity: float = USUAL.sensitivity) -> dict[str, Threshold]:
    """Return the thresholds ``argmax``, ``sens95``, ``youden`` and ``deployed``; validation labels and scores (N,).

    ``deployed`` keeps the ``sensitivity`` in (0, 1) that the user asks for. Raises `DataError` when a class is absent
    or a score is not finite.
    """
    positive, values = checked(labels, scores)
    found = (
        Threshold("argmax", 0.0),
        _keeping(SENS95, 0.95, values[positive]),
        _youden(positive, values),
        _keeping(DEPLOYED, sensitivity, values[positive]),
    )
    return {threshold.name: threshold for threshold in found}


def _keeping(name: str, share: float, positives: npt.NDArray[np.float64]) -> Threshold:
    """Return the largest cut that keeps at least a ``share`` of the positives' scores, (P,).

    It lies just below the k-th largest positive score, k = ceil(share P). The sensitivity of such a cut on new
    images is Beta(k, P - k + 1), whatever the scores' distribution, so it reaches the share with probability
    P(Bin(P, share) <= k - 1); with tied scores that is a lower bound. Source: Wilks (1941), tolerance limits.
    """
    total = positives.size
    kept = math.ceil(Fraction(str(float(share))) * total)  # as it is written: 0.95 * 20 must not become 20
    cut = np.nextafter(np.sort(positives)[total - kept], -np.inf)
    return Threshold(name, float(cut), float(bdtr(kept - 1, total, share)))


def _youden(positive: npt.NDArray[np.bool_], values: npt.NDArray[np.float64]) -> Threshold:
    """Return the cut of the largest TPR - FPR; of equals, the one of higher sensitivity; both (N,).

    Source: Youden (1950).
    """
    levels, level_of = np.unique(values, return_inverse=True)
    hits = np.bincount(level_of, weights=positive, minlength=levels.size)
    alarms = np.bincount(level_of, weights=~positive, minlength=levels.size)
    # Whole numbers, so that equal cuts are equal: J * P * N at the cut just below each level.
    gain = hits[::-1].cumsum()[::-1] * alarms.sum() - alarms[::-1].cumsum()[::-1] * hits.sum()
    # The lowest of equal maxima is the most sensitive. Calling nothing positive is no candidate: its J = 0
    # ties with calling everything positive, which is more sensitive.
    return Threshold("youden", float(np.nextafter(levels[int(np.argmax(gain))], -np.inf)))
