"""What is counted on one split: missed positives, false alarms, calibration.

A score is the logit of the positive class minus the logit of the negative; an image is called positive when
its score lies above the threshold.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

CALIBRATION_BINS = 15

Labels = npt.NDArray[np.integer] | npt.NDArray[np.bool_]
ImageScores = npt.NDArray[np.floating]
"""One score an image, (N,); several networks on the same images make rows, (S, N)."""


@dataclass(frozen=True)
class Confusion:
    """Missed positives ``fn`` of ``p`` and false alarms ``fp`` of ``n``."""

    fn: int
    fp: int
    p: int
    n: int

    @property
    def fnr(self) -> float:
        """Return the share of the positives that is missed, in [0, 1]."""
        return self.fn / self.p

    @property
    def fpr(self) -> float:
        """Return the share of the negatives that is called positive, in [0, 1]."""
        return self.fp / self.n


def checked(labels: Labels, scores: ImageScores) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Return which images are positive, and the scores as float64, both (N,).

    float64 matters: beside float32 scores numpy would round a Python threshold, and so move the cut. Raises
    `DataError` for shapes that differ, labels outside {0, 1}, scores that are not finite, or an absent class.
    """
    truth, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise DataError(f"labels {truth.shape} and scores {values.shape} must be two vectors of one length")
    if not np.isin(truth, (0, 1)).all():
        raise DataError("labels must be 0 or 1")
    if not np.isfinite(values).all():
        raise DataError(f"{np.count_nonzero(~np.isfinite(values))} of {values.size} scores are not finite")
    positive = truth == 1
    if positive.all() or not positive.any():
        absent = "negative" if positive.any() else "positive"
        raise DataError(
            f"none of the {truth.size} images is {absent}, so the error rates are undefined",
            fix="use a split that holds images of both classes",
        )
    return positive, values


def confusion(labels: Labels, scores: ImageScores, threshold: float) -> Confusion:
    """Count the two errors of ``score > threshold``; labels and scores (N,). Raises as `checked` does."""
    positive, values = checked(labels, scores)
    called = values > threshold
    return Confusion(
        fn=int(np.count_nonzero(positive & ~called)),
        fp=int(np.count_nonzero(~positive & called)),
        p=int(np.count_nonzero(positive)),
        n=int(np.count_nonzero(~positive)),
    )


def probabilities(scores: ImageScores) -> npt.NDArray[np.float64]:
    """Return the softmax probability of the positive class, the sigmoid of the score, (N,) in [0, 1]."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(scores, dtype=np.float64)))


def expected_calibration_error(labels: Labels, scores: ImageScores, bins: int = CALIBRATION_BINS) -> float:
    """Return the mean distance of predicted and true share of positives over equal-width bins, in [0, 1].

    Bins are of the positive class's probability. Source: Naeini et al. (2015), for two classes.
    """
    positive, values = checked(labels, scores)
    probability = probabilities(values)
    bin_of = np.minimum((probability * bins).astype(np.int64), bins - 1)  # the last bin includes 1
    predicted = np.bincount(bin_of, weights=probability, minlength=bins)
    observed = np.bincount(bin_of, weights=positive, minlength=bins)
    return float(np.abs(predicted - observed).sum() / values.size)
