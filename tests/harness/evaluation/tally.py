"""What the verdicts say of worlds whose truth is known: how often they are wrong, how often they decide.

A world has four entries: dense, one that loses exactly the margin, one that loses nothing, one that loses far more.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from harness.evaluation.auc import aucs
from harness.evaluation.comparisons import Level, compared
from harness.evaluation.contrasts import contrast
from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.safety import Answer, judge

FPR = 0.30
DENSE, AT_MARGIN, EQUAL, FAR = range(4)
DIFFERENCE, ONE = np.array([1.0, -1, 0, 0]), np.array([1.0, 0, 0, 0])


@dataclass
class Tally:
    """Events of so many draws; ``values`` and ``variances`` of the loss at the margin."""

    draws: int = 0
    events: Counter = field(default_factory=Counter)
    values: list = field(default_factory=list)
    variances: list = field(default_factory=list)

    def count(self, event, happened):
        self.events[event] += bool(happened)

    def misses(self, event, interval, truth):
        self.count(event, not interval[0] <= truth <= interval[1])

    def rate(self, event):
        return self.events[event] / self.draws

    def variance_ratio(self):
        return float(np.mean(self.variances) / np.var(self.values))

    def judged(self, parts, delta, losses):
        """Count the answers, ``losses`` being the true ones of `AT_MARGIN` and `FAR`."""
        self.draws += 1
        at_margin, equal, far = (judge(parts, entry, DENSE, FPR, delta) for entry in (AT_MARGIN, EQUAL, FAR))
        self.count("false safe", at_margin.answer == Answer.SAFE)
        self.count("false bound", at_margin.loss.upper() < delta)
        self.count("false loss", equal.answer == Answer.LOSES)
        self.misses("loss misses", at_margin.loss.interval(), losses[0])
        self.count("safe", equal.answer == Answer.SAFE)
        self.count("weak", equal.answer in (Answer.TOO_WEAK, Answer.NOT_SHOWN_STRONG))
        self.count("loses", at_margin.answer == Answer.LOSES)
        self.count("loses far", far.answer == Answer.LOSES)
        self.values.append(at_margin.loss.value)
        self.variances.append(at_margin.loss.variance)
        return at_margin


WRONG = ("false safe", "false bound", "false loss", "loss misses")
COVERED = (
    "sensitivity misses",
    "AUC difference misses",
    "AUC misses",
    "these networks' loss misses",
    "these networks' AUC difference misses",
)


def of_seeds(world, draws, seed=0):
    """The tally of a `binormal.World` whose second entry loses the margin, the fourth more."""
    tally, generator = Tally(), np.random.default_rng(seed)
    delta, true_aucs = world.losses[AT_MARGIN], world.aucs()
    for _ in range(draws):
        distances = world.drawn_distances(generator)
        labels, scores = world.draw(generator, distances)
        found, ranked = equal_alarms(labels, scores, FPR), aucs(labels, scores)
        given = tally.judged([found], delta, (delta, world.losses[FAR]))
        tally.count("lift bound misses", given.lift.lower() > world.sensitivity - FPR)
        tally.count("shown strong", given.lift.lower() >= 2 * delta)
        tally.misses("sensitivity misses", contrast([found], ONE).interval(), world.sensitivity)
        difference = contrast([ranked], DIFFERENCE)
        tally.misses("AUC difference misses", difference.interval(), DIFFERENCE @ true_aucs)
        tally.misses("AUC misses", contrast([ranked], ONE).interval(), true_aucs[DENSE])
        sensitivities, own = ndtr(distances + ndtri(FPR)).mean(axis=1), ndtr(distances / np.sqrt(2)).mean(axis=1)
        these = given.loss.of_these_networks.interval()
        tally.misses("these networks' loss misses", these, DIFFERENCE @ sensitivities)
        these = difference.of_these_networks.interval()
        tally.misses("these networks' AUC difference misses", these, DIFFERENCE @ own)
    return tally


def of_folds(study, draws, trainings, seed=0):
    """The tally of a `learners.Study`; the margin is what its second entry loses in truth."""
    tally, generator = Tally(), np.random.default_rng(seed)
    truth = study.true_sensitivities(np.random.default_rng(seed + 1), trainings)
    lost = truth[DENSE] - truth
    for _ in range(draws):
        parts = [equal_alarms(labels, scores, FPR) for labels, scores in study.parts(generator)]
        tally.judged(parts, lost[AT_MARGIN], (lost[AT_MARGIN], lost[FAR]))
    return tally


def told_apart(parts, levels):
    """Whether equal entries are told apart: at the first level alone, and in the family of all ``levels``.

    ``parts``: labels and scores of each; the entries of all levels one after the other.
    """
    width = parts[0][1].shape[0] // levels
    every = [
        Level(
            tuple(map(str, range(width))),
            tuple(aucs(labels, scores[width * k : width * (k + 1)]) for labels, scores in parts),
        )
        for k in range(levels)
    ]
    family = compared(every)
    alone = family if levels == 1 else compared(every[:1])
    return bool(alone[0].shown), any(order.shown for order in family)
