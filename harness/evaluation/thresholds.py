"""Where to cut the score: chosen on validation, stored, and only then used on the test split."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from harness.evaluation.metrics import ImageScores, Labels, checked

SENSITIVITY_PERCENT = 95


@dataclass(frozen=True)
class Threshold:
    """A cut of the score: an image is called positive when its score lies above ``value``.

    ``confidence`` (for ``sens95``, else None) is the probability, over the draw of the validation positives,
    that the network's true sensitivity at this cut reaches 95 %.
    """

    name: str
    value: float
    confidence: float | None = None

    def to_json(self) -> dict[str, str | float | None]:
        """Return plain JSON values; `Threshold(**value)` reads them back to the same bits."""
        return asdict(self)


def choose(labels: Labels, scores: ImageScores) -> dict[str, Threshold]:
    """Return the thresholds ``argmax``, ``sens95`` and ``youden``; validation labels and scores (N,).

    Raises `DataError` when a class is absent or a score is not finite.
    """
    positive, values = checked(labels, scores)
    found = (Threshold("argmax", 0.0), _keep_sensitivity(values[positive]), _youden(positive, values))
    return {threshold.name: threshold for threshold in found}


def _keep_sensitivity(positives: npt.NDArray[np.float64]) -> Threshold:
    """Return the largest cut that keeps at least 95 % of the positives' scores, (P,).

    It lies just below the k-th largest positive score, k = ceil(0.95 P). The sensitivity of such a cut on new
    images is Beta(k, P - k + 1), whatever the scores' distribution, so it reaches 95 % with probability
    P(Bin(P, 0.95) <= k - 1); with tied scores that is a lower bound. Source: Wilks (1941), tolerance limits.
    """
    total = positives.size
    kept = -(-SENSITIVITY_PERCENT * total // 100)  # in whole numbers: 0.95 * 20 must not become 20
    cut = np.nextafter(np.sort(positives)[total - kept], -np.inf)
    return Threshold("sens95", float(cut), float(bdtr(kept - 1, total, SENSITIVITY_PERCENT / 100)))


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
