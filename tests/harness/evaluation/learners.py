"""Linear discriminants trained on real, overlapping folds of simulated features: a cheap network and its pruned kin.

Both classes are normal with unit covariance, so that a trained discriminant's sensitivity is known exactly.
A seed is a bootstrap of the training images; an entry is the set of features that it keeps. Features are alike, so
that entries that keep equally many are equal in truth.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

FPR = 0.30


@dataclass(frozen=True)
class Study:
    """``kept``: the features each entry keeps; ``distance``: how far the classes' means lie apart in all features."""

    kept: tuple[tuple[int, ...], ...]
    features: int = 20
    folds: int = 5
    seeds: int = 1
    positives: int = 250
    negatives: int = 1000
    distance: float = 1.2

    def means(self):
        return np.full(self.features, self.distance / np.sqrt(self.features))

    def draw(self, generator):
        """Labels (n,) and features (n, features) of all images."""
        labels = np.r_[np.ones(self.positives), np.zeros(self.negatives)].astype(int)
        return labels, generator.normal(size=(labels.size, self.features)) + labels[:, None] * self.means()

    def parts(self, generator):
        """Labels and scores (M, J, n) of the test part of each fold."""
        labels, images = self.draw(generator)
        fold = np.empty(labels.size, dtype=int)
        for label in (0, 1):
            own = generator.permutation(np.flatnonzero(labels == label))
            fold[own] = np.arange(own.size) % self.folds
        return [
            (labels[fold == k], self.scored(generator, images[fold != k], labels[fold != k], images[fold == k]))
            for k in range(self.folds)
        ]

    def scored(self, generator, images, labels, test):
        """Scores (M, J, n) of the test images by discriminants trained on a bootstrap for each seed."""
        return np.einsum("mjf,nf->mjn", self.trained(generator, images, labels), test)

    def trained(self, generator, images, labels):
        """Weights (M, J, features), 0 where an entry does not look."""
        weights = np.zeros((len(self.kept), self.seeds, self.features))
        for seed in range(self.seeds):
            drawn = [generator.choice(np.flatnonzero(labels == label), np.sum(labels == label)) for label in (0, 1)]
            means = [images[own].mean(axis=0) for own in drawn]
            covariance = np.mean([np.cov(images[own], rowvar=False) for own in drawn], axis=0)
            for row, kept in zip(weights, map(list, self.kept), strict=True):
                row[seed, kept] = np.linalg.solve(covariance[np.ix_(kept, kept)], (means[1] - means[0])[kept])
        return weights

    def true_sensitivities(self, generator, trainings):
        """The mean sensitivities (M,) over fresh training sets of a fold's size, known exactly for each of them."""
        share, found = 1 - 1 / self.folds, []
        for _ in range(trainings):
            labels, images = self.draw(generator)
            positives, negatives = int(share * self.positives), int(share * self.negatives)
            used = np.r_[:positives, self.positives : self.positives + negatives]
            weights = self.trained(generator, images[used], labels[used])
            reach = weights @ self.means() / np.linalg.norm(weights, axis=2)
            found.append(norm.cdf(reach + norm.ppf(FPR)).mean(axis=1))
        return np.mean(found, axis=0)
