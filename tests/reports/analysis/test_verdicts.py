"""How small an entry may get, beside loops over images and networks that follow the definition."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.safety import Answer
from harness.reports.analysis.boards import subjects
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.verdicts import verdicts
from harness.reports.words.verdicts import verdict

FPR, DELTA = 0.3, 0.1


def found_in(made, **facts):
    results = made.results(**facts)
    (subject,), cells = subjects(results.groups), read_outcomes(results)
    return {one.entry: one for one in verdicts(cells, subject.design(cells))}


def answers(made, **facts):
    return {name: [step.answer for step in one.steps] for name, one in found_in(made, **facts).items()}


# The definition, in loops. A network is a pair of lists: the scores of its positives and of its negatives.


def networks_of(made, entry, density):
    """Return the networks of each test part, by seed."""
    parts = {}
    for images in made.images:
        first = images.iloc[0]
        if (first["entry"], first["density"], first["split"]) == (entry, density, "test"):
            part = first["run_id"].split("/")[1]
            split = [images[images["label"] == label]["score"].tolist() for label in (1, 0)]
            parts.setdefault(part, {})[first["seed"]] = split
    return [[part[seed] for seed in sorted(part)] for _, part in sorted(parts.items())]


def calls_of(negatives):
    """What says of a score how much of it is called, where the asked share of the negatives is."""
    asked = FPR * len(negatives)
    for cut in sorted(set(negatives), reverse=True):
        above, tied = sum(one > cut for one in negatives), sum(one == cut for one in negatives)
        if above + tied > asked:
            return lambda score: 1.0 if score > cut else 0.0 if score < cut else (asked - above) / tied
    raise AssertionError


def slope(positives, negatives):
    """The ROC curve's slope at the cut, by Gaussian kernels of Silverman's width."""
    cut = sorted(negatives, reverse=True)[math.floor(FPR * len(negatives))]
    densities = []
    for scores in (positives, negatives):
        low, high = np.percentile(scores, (25, 75))
        width = 0.9 * min(np.std(scores, ddof=1), (high - low) / 1.34) / len(scores) ** 0.2
        bells = [math.exp(-(((cut - score) / width) ** 2) / 2) for score in scores]
        densities.append(sum(bells) / len(scores) / width / math.sqrt(2 * math.pi))
    return densities[0] / densities[1]


def sensitivity(network):
    called = calls_of(network[1])
    return float(np.mean([called(score) for score in network[0]]))


def influences(network):
    """What each positive, and each negative, has in the sensitivity."""
    positives, negatives = network
    called, moved = calls_of(negatives), slope(positives, negatives)
    return [called(one) for one in positives], [moved * called(one) for one in negatives]


def residual_square(table):
    """The residual mean square of a table of rows and columns, and its degrees of freedom."""
    rows, columns = [np.mean(row) for row in table], [np.mean(column) for column in zip(*table, strict=True)]
    middle = np.mean(rows)
    left = [(value - rows[i] - columns[j] + middle) ** 2 for i, row in enumerate(table) for j, value in enumerate(row)]
    freedom = (len(rows) - 1) * (len(columns) - 1)
    return sum(left) / freedom, freedom


def satterthwaite(terms):
    return sum(v for v, _ in terms) ** 2 / sum(v**2 / f for v, f in terms)


def lacking(parts):
    """What a loss of the margin has more of variance than these images show; each part has its pairs of networks."""
    lost = [
        np.mean([calls_of(d[1])(d[0][i]) - calls_of(m[1])(m[0][i]) for d, m in pairs])
        for pairs in parts
        for i in range(len(pairs[0][0][0]))
    ]
    return max(0.0, DELTA * (1 - DELTA) - np.var(lost, ddof=1)) / len(lost)


def loss_over_seeds(dense, pruned, others):
    """(D, V, degrees of freedom) of positives lost, from networks by seed; ``others`` of the level share the noise."""
    seeds = len(dense)
    values = [[sensitivity(network) for network in entry] for entry in (dense, pruned, *others)]
    lost = [d - m for d, m in zip(values[0], values[1], strict=True)]
    pairs = [(influences(d), influences(m)) for d, m in zip(dense, pruned, strict=True)]
    terms, images = [], 0.0
    for side in (0, 1):
        table = [[a - b for a, b in zip(d[side], m[side], strict=True)] for d, m in pairs]  # network x image
        size = len(table[0])
        h = [np.mean([row[i] for row in table]) for i in range(size)]
        images += np.var(h, ddof=1) / size
        q, freedom = residual_square(table)
        terms += [(np.var(h, ddof=1) / size, size - 1), (-q / (size * seeds), freedom)]
    pooled, freedom = residual_square(values)
    own = np.var(lost, ddof=1)
    terms.append((own / seeds, seeds - 1) if own > 2 * pooled else (2 * pooled / seeds, freedom))
    if sum(v for v, _ in terms) < images:
        terms = [terms[0], terms[2]]
    more = lacking([[*zip(dense, pruned, strict=True)]])
    freedom = satterthwaite(terms)
    return np.mean(lost), sum(v for v, _ in terms) + more, min(freedom, len(dense[0][0]) - 1) if more else freedom


def loss_over_folds(dense, pruned, others):
    """The same from networks by fold and seed: the folds' means are the sample, and their training images overlap."""
    folds = len(dense)
    means = [[np.mean([sensitivity(n) for n in fold]) for fold in entry] for entry in (dense, pruned, *others)]
    lost = [d - m for d, m in zip(means[0], means[1], strict=True)]
    pooled, freedom = residual_square(means)
    own = np.var(lost, ddof=1)
    noise, freedom = (own, folds - 1) if own > 2 * pooled else (2 * pooled, freedom)
    more = lacking([[*zip(d, m, strict=True)] for d, m in zip(dense, pruned, strict=True)])
    return np.mean(lost), noise * (1 / folds + 1 / (folds - 1)) + more, freedom


def lift_over_folds(dense):
    means = [np.mean([sensitivity(n) for n in fold]) for fold in dense]
    folds = len(means)
    return np.mean(means) - FPR, np.var(means, ddof=1) * (1 / folds + 1 / (folds - 1)), folds - 1


def same(found, wanted):
    value, variance, freedom = wanted
    half = stats.t.ppf(0.95, freedom) * math.sqrt(variance)
    assert (found.value, found.lower(), found.upper()) == pytest.approx((value, value - half, value + half), abs=1e-9)
    assert found.freedom == pytest.approx(freedom)


ENTRIES = {"safe": 12, "loses": 50, "undecided": (14, 19, 24)}


@pytest.fixture
def seeds(trial):
    made = trial().entry("dense", 1.0, 12, spread=1)
    for name, missed in ENTRIES.items():
        made.entry(name, 0.5, missed, spread=1)
    return made


@pytest.fixture
def folds(trial):
    made = trial(folds=4, positives=60, negatives=50).entry("dense", 1.0, 6, spread=2, seeds=(0, 1))
    for name, missed in (("safe", 6), ("loses", 25), ("undecided", 9)):
        made.entry(name, 0.5, missed, spread=9 if name == "undecided" else 2, seeds=(0, 1))
    return made


@pytest.mark.parametrize("name", ENTRIES)
def test_positives_lost_over_seeds_are_those_of_the_definition(seeds, name):
    (dense,), (pruned,) = networks_of(seeds, "dense", 1.0), networks_of(seeds, name, 0.5)
    others = [networks_of(seeds, other, 0.5)[0] for other in ENTRIES if other != name]
    (step,) = found_in(seeds)[name].steps
    same(step.judgement.loss, loss_over_seeds(dense, pruned, others))


@pytest.mark.parametrize("name", ENTRIES)
def test_positives_lost_over_folds_are_those_of_the_definition(folds, name):
    dense, pruned = networks_of(folds, "dense", 1.0), networks_of(folds, name, 0.5)
    others = [networks_of(folds, other, 0.5) for other in ENTRIES if other != name]
    (step,) = found_in(folds)[name].steps
    same(step.judgement.loss, loss_over_folds(dense, pruned, others))
    same(step.judgement.lift, lift_over_folds(dense))


def test_what_would_be_safe_loses_and_is_undecided_over_seeds_and_folds(seeds, folds):
    wanted = {"safe": [Answer.SAFE], "loses": [Answer.LOSES], "undecided": [Answer.UNDECIDED]}
    assert answers(seeds) == wanted
    assert answers(folds)["safe"] == [Answer.SAFE]
    assert answers(folds)["loses"] == [Answer.LOSES]
    assert found_in(seeds)["undecided"].steps[0].judgement.needed is not None


@pytest.mark.parametrize(
    ("dense", "answer"),
    [(72, Answer.TOO_WEAK), ((52, 58, 62), Answer.NOT_SHOWN_STRONG), (12, Answer.SAFE)],
)
def test_a_dense_network_must_find_enough_beyond_guessing_or_nothing_is_safe(trial, dense, answer):
    pruned = tuple(missed + 1 for missed in dense) if isinstance(dense, tuple) else dense
    made = trial().entry("dense", 1.0, dense).entry("alike", 0.5, pruned).entry("poor", 0.5, 110)
    assert answers(made) == {"alike": [answer], "poor": [Answer.LOSES]}


@pytest.mark.parametrize("number", [1, 2])
def test_fewer_than_three_networks_have_no_verdict_whatever_they_lose(trial, number):
    made = trial().entry("dense", 1.0, 12, seeds=range(number))
    made.entry("alike", 0.5, 12, seeds=range(number)).entry("poor", 0.5, 110, seeds=range(number))
    assert answers(made) == {"alike": [Answer.ANECDOTE], "poor": [Answer.ANECDOTE]}
    found = found_in(made)
    assert [one.density for one in found.values()] == [None, None]
    assert [one.steps[0].deployed for one in found.values()] == [None, None]
    made.entry("dense", 1.0, 12, seeds=range(number, 3)).entry("alike", 0.5, 12, seeds=range(number, 3))
    made.entry("poor", 0.5, 110, seeds=range(number, 3))
    assert answers(made) == {"alike": [Answer.SAFE], "poor": [Answer.LOSES]}


def test_two_folds_of_one_seed_are_an_anecdote_and_three_are_none(trial):
    for number, answer in ((2, Answer.ANECDOTE), (3, Answer.SAFE)):
        made = trial(folds=number).entry("dense", 1.0, 12, spread=1, seeds=(0,))
        made.entry("alike", 0.5, 12, spread=1, seeds=(0,)).entry("other", 0.5, 14, spread=1, seeds=(0,))
        assert answers(made)["alike"] == [answer]


def test_a_missing_seed_is_not_averaged_away(seeds):
    seeds.lose("safe", seed=1).network("safe", 0.5, 1, None, status="diverged", reason="loss became NaN")
    found = found_in(seeds)["safe"]
    assert (found.density, found.steps[0].answer, found.steps[0].problem) == (None, None, "diverged in seed 1")
    assert found.steps[0].judgement is None
    assert found_in(seeds)["loses"].steps[0].answer == Answer.LOSES


def test_a_missing_fold_is_not_averaged_away_and_the_others_are_judged(folds):
    folds.lose("safe", fold=3).lose("loses", fold=2, seed=1)
    found = found_in(folds)
    assert {name: one.steps[0].problem for name, one in found.items()} == {
        "safe": "not run in fold 3",
        "loses": "not run in seed 1 of fold 2",
        "undecided": "",
    }
    assert found["undecided"].steps[0].judgement is not None


def test_a_fold_that_nobody_ran_leaves_no_verdict_at_all(folds):
    for name in ("dense", *ENTRIES):
        folds.lose(name, fold=4)
    assert {one.steps[0].problem for one in found_in(folds).values()} == {"not run in fold 4"}


def test_a_collapsed_network_has_no_verdict(seeds):
    seeds.lose("safe", seed=2).network("safe", 0.5, 2, np.full(270, 0.25), **{"flag/collapsed": 1.0})
    assert found_in(seeds)["safe"].steps[0].problem == "collapsed in seed 2"


@pytest.mark.parametrize(("facts", "cause"), [({}, "not run"), ({"flag/collapsed": 1.0}, "collapsed")])
def test_without_a_whole_dense_network_nothing_is_judged(seeds, facts, cause):
    seeds.lose("dense", seed=1)
    if facts:
        seeds.network("dense", 1.0, 1, np.full(270, 0.25), **facts)
    found = found_in(seeds)
    assert {one.steps[0].problem for one in found.values()} == {f"the dense network: {cause} in seed 1"}
    assert {one.density for one in found.values()} == {None}


def test_nothing_is_asked_of_the_dense_network_itself(seeds):
    """A method's level 1 that is the dense network, score by score, is no step; another network there is one."""
    for seed in (0, 1, 2):
        (dense,) = [one for one in seeds.images if one["run_id"].iloc[0] == f"dense/0/{seed}"][:1]
        seeds.network("safe", 1.0, seed, dense["score"].to_numpy())
    seeds.entry("loses", 1.0, 12, loss="green", plain="safe")
    found = found_in(seeds)
    assert [step.density for step in found["safe"].steps] == [0.5]
    assert [(step.density, step.answer) for step in found["loses"].steps] == [(1.0, Answer.SAFE), (0.5, Answer.LOSES)]
    assert found["loses"].density is None


def test_a_loss_that_harms_the_dense_network_ends_the_walk_at_once(trial):
    made = trial().entry("dense", 1.0, 12).entry("other", 1.0, 60, loss="green").entry("other", 0.5, 12, loss="green")
    found = found_in(made)["other"]
    assert [step.answer for step in found.steps] == [Answer.LOSES, Answer.SAFE]
    assert (found.density, verdict(found), found.stop.density) == (None, "loses positives", 1.0)
    assert [found.passed(step) for step in found.steps] == [False, False]


def test_the_walk_ends_at_the_first_level_that_is_not_safe(trial):
    made = trial().entry("dense", 1.0, 12)
    for density, missed in ((0.5, 12), (0.25, 12), (0.125, 50), (0.0625, 12)):
        made.entry("lt", density, missed).entry("other", density, 14)
    found = found_in(made)["lt"]
    assert [step.answer for step in found.steps] == [Answer.SAFE, Answer.SAFE, Answer.LOSES, Answer.SAFE]
    assert (found.density, found.stop.density) == (0.25, 0.125)
    assert [found.passed(step) for step in found.steps] == [True, True, False, False]
    made.lose("lt", 0.5, 1)
    assert found_in(made)["lt"].density is None


def test_a_safe_level_may_be_none_for_all_entries_together(seeds):
    """At a higher confidence the bound of the same loss is higher."""
    (step,) = found_in(seeds)["safe"].steps
    found = found_in(seeds)["safe"]
    level = next(one for one in np.linspace(0.95, 0.99999, 500) if step.judgement.loss.upper(one) >= DELTA)
    assert (found.density_at(0.95), found.density_at(level)) == (0.5, None)
    assert found.density_at(level - 1e-3) == 0.5


def test_entries_with_the_same_networks_have_the_same_answer_and_are_pooled_once(seeds):
    before = found_in(seeds)
    for seed in (0, 1, 2):
        (own,) = [one for one in seeds.images if one["run_id"].iloc[0] == f"safe/0/{seed}"][:1]
        seeds.network("twin", 0.5, seed, own["score"].to_numpy())
    found = found_in(seeds)
    assert found["twin"].steps == found["safe"].steps == before["safe"].steps
    assert found["loses"].steps == before["loses"].steps


@pytest.mark.parametrize("tied", [89, 90])
def test_ties_of_a_third_of_the_images_are_never_safe(trial, tied):
    """Though it finds as many positives as the dense one: where the tied images stand, nobody can tell."""
    made = trial().entry("dense", 1.0, 12)
    for seed in (0, 1, 2):
        scores = made.scored(12, "tied", seed)  # of 270 images
        scores[np.argsort(scores)[:tied]] = -1.0
        made.network("tied", 0.5, seed, scores)
    (step,) = found_in(made)["tied"].steps
    if tied == 89:
        assert step.answer == Answer.SAFE
    else:
        assert (step.answer, step.problem) == (None, "33% of the images have one and the same score")


@pytest.mark.parametrize(
    ("validation", "what"), [(-9.0, "every image is called positive"), (9.0, "no image is called positive")]
)
def test_a_network_that_calls_everything_or_nothing_is_never_safe(trial, validation, what):
    """One seed's does, by a cut from validation scores far below, or above, those of the test part."""
    made = trial().entry("dense", 1.0, 12)
    for seed in (0, 1, 2):
        scores = made.scored(12, "lt", seed)
        made.network("lt", 0.5, seed, scores, validation=scores + validation * (seed == 1))
    (step,) = found_in(made)["lt"].steps
    assert (step.answer, step.problem) == (None, f"{what} at the deployed cut")
    assert step.judgement.loss.upper() < DELTA
    assert found_in(made)["lt"].density is None


def test_controls_are_told_and_stand_behind_methods_that_reach_as_far(seeds):
    seeds.entry("another", 0.5, 12, control=True).entry("zebra", 0.5, 12)
    found = [*found_in(seeds).values()]
    assert [one.entry for one in found][:3] == ["safe", "zebra", "another"]
    assert [one.entry for one in found if one.control] == ["another"]


def test_older_results_are_judged_by_the_usual_terms_and_without_cuts_have_no_deployed_check(seeds):
    before = found_in(seeds)
    for row in seeds.rows:
        row |= {"control": None, "fold": None}
    assert found_in(seeds, verdict=None) == before
    seeds.images = [one for one in seeds.images if one["split"].iloc[0] == "test"]
    after = found_in(seeds, verdict=None)
    assert [one.steps[0].judgement for one in after.values()] == [one.steps[0].judgement for one in before.values()]
    assert {one.steps[0].deployed for one in after.values()} == {None}
    assert not any(one.control for one in after.values())


def test_other_terms_give_another_answer(seeds):
    """By a margin of 30 points a loss of 10 is safe, unless the dense network is too weak for such a margin."""
    terms = {"fpr": 0.3, "delta": 0.2, "sensitivity": 0.9, "cost_ratio": 10.0}
    found = found_in(seeds, verdict=terms)
    assert found["undecided"].terms.delta == 0.2
    assert found["undecided"].steps[0].answer == Answer.SAFE
    weak = found_in(seeds, verdict=terms | {"delta": 0.4})
    assert weak["safe"].steps[0].answer == Answer.TOO_WEAK


def test_the_deployed_check_counts_errors_at_frozen_cuts(seeds):
    """Every cut keeps 90 of 100 validation positives, here those of the test part."""
    (step,) = found_in(seeds)["loses"].steps
    rises = {1: [], 0: []}
    for pair in zip(networks_of(seeds, "loses", 0.5)[0], networks_of(seeds, "dense", 1.0)[0], strict=True):
        errors = []
        for positives, negatives in pair:
            cut = sorted(positives)[12]  # 108 of 120 positives are called
            errors.append((np.mean([s < cut for s in positives]), np.mean([s >= cut for s in negatives])))
        rises[1].append(errors[0][0] - errors[1][0])
        rises[0].append(errors[0][1] - errors[1][1])
    assert step.deployed.missed.value == pytest.approx(np.mean(rises[1]))
    assert step.deployed.alarms.value == pytest.approx(np.mean(rises[0]))
    assert step.deployed.alarms.value > DELTA
    assert not step.deployed.within


def test_the_deployed_check_needs_both_errors_within_the_margin(trial):
    made = trial().entry("dense", 1.0, 12).entry("alike", 0.5, 12)
    (step,) = found_in(made)["alike"].steps
    assert (step.answer, step.deployed.within) == (Answer.SAFE, True)
    for seed in (0, 1, 2):  # the same ranking, cut where nearly half of the negatives lie above
        scores = made.scored(12, "loud", seed)
        made.network("loud", 0.5, seed, scores, validation=scores - 0.45)
    (step,) = found_in(made)["loud"].steps
    assert step.answer == Answer.SAFE
    assert step.deployed.missed.upper() < DELTA <= step.deployed.alarms.upper()
    assert not step.deployed.within


def auc_difference(dense, pruned):
    """(D, variance over the images alone) of mean AUCs of networks by seed, counted pair by pair."""

    def placements(networks):
        """Mean over networks: of each positive the negatives below it, of each negative the positives above it."""
        below = [[np.mean([(p > n) + (p == n) / 2 for n in network[1]]) for p in network[0]] for network in networks]
        above = [[np.mean([(p > n) + (p == n) / 2 for p in network[0]]) for n in network[1]] for network in networks]
        return [np.mean(one, axis=0) for one in (below, above)]

    sides = [b - a for a, b in zip(placements(dense), placements(pruned), strict=True)]
    return np.mean(sides[0]), sum(np.var(side, ddof=1) / len(side) for side in sides)


@pytest.mark.parametrize("folds", [0, 3])
def test_the_auc_of_a_step_is_that_of_pruned_less_dense(trial, folds):
    made = (trial(folds=folds) if folds else trial()).entry("dense", 1.0, 12)
    made.entry("lt", 0.5, 30).entry("snip", 0.5, 20)
    (step,) = found_in(made)["lt"].steps
    parts = zip(networks_of(made, "dense", 1.0), networks_of(made, "lt", 0.5), strict=True)
    differences, variances = zip(*(auc_difference(dense, lt) for dense, lt in parts), strict=True)
    assert step.auc.value == pytest.approx(np.mean(differences))
    assert step.auc.value < 0
    assert step.auc.given_networks == pytest.approx(sum(variances) / len(variances) ** 2)


def test_without_a_judgement_there_is_no_auc(trial):
    made = trial().entry("dense", 1.0, 12).entry("gone", 0.5, 12, seeds=(0, 1))
    (step,) = found_in(made)["gone"].steps
    assert (step.judgement, step.auc) == (None, None)
