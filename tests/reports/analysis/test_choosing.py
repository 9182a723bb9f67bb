"""Which network to ship, beside loops over the verdicts; and what is said of a limit is what asking for it gives."""

import math

import numpy as np
import pytest

from harness.evaluation.safety import Answer
from harness.reports.analysis.boards import subjects
from harness.reports.analysis.candidates import Axis
from harness.reports.analysis.choosing import Decision, Wanted
from harness.reports.analysis.choosing import choose as chosen_among
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.verdicts import verdicts

LEVELS = (0.5, 0.25, 0.125)
MISSED = {
    "good": (10, 10, 12),
    "other": (9, 11, 70),
    "lossy": (40, 60, 80),
    "scattered": (10, (4, 30, 16), 40),
    "random": (10, 10, 10),
}
FOLDED = pytest.param(5, id="folds", marks=pytest.mark.long)
DESIGN = pytest.mark.parametrize("folds", [pytest.param(0, id="seeds"), FOLDED])


def sizes_of(entry, density):
    """Bytes and parameters differ in their order; MACs are those of all alike."""
    place = [*MISSED].index(entry) if entry in MISSED else 0
    return {
        "size/bytes": 1e6 * density + 1000 * place,
        "size/parameters": 1e5 * density * (2 - place / 5),
        "size/flops": 2e7 * density,
    }


@pytest.fixture
def planted(trial):
    """Results of dense and five entries: ``random`` is a control."""

    def make(folds=0, missed=None, **how):
        made = trial(folds=folds, positives=how.pop("positives", 200 if not folds else 60), negatives=150)
        scale = 1 if not folds else 0.3
        made.entry("dense", 1.0, round(10 * scale), spread=1, **sizes_of("dense", 1.0))
        for entry, counts in (missed or MISSED).items():
            for density, count in zip(LEVELS, counts, strict=True):
                own = tuple(round(one * scale) for one in count) if isinstance(count, tuple) else round(count * scale)
                facts = sizes_of(entry, density) | {"control": entry == "random"}
                made.entry(entry, density, own, spread=1, **facts)
        return made

    return make


def read(made, **facts):
    results = made.results(**facts)
    (subject,), cells = subjects(results.groups), read_outcomes(results)
    return subject, cells


def asked(made, max_loss=0.05, limits=None, measured=None, entries=None, fpr=0.3):
    subject, cells = read(made)
    wanted = Wanted(max_loss, fpr, {Axis(name): limit for name, limit in (limits or {}).items()})
    return chosen_among(cells, subject.design(cells), wanted, measured or {}, entries)


def network(found):
    return None if found is None else (found.entry, found.density)


def by_loops(made, max_loss, limits, entries=None):
    """The smallest by bytes of what is safe at every level down to it, and within the limits, corrected or alone."""
    subject, cells = read(made, verdict={"fpr": 0.3, "delta": max_loss})
    every = [one for one in verdicts(cells, subject.design(cells)) if entries is None or one.entry in entries]
    found = []
    for level in (1 - 0.05 / len(every), 0.95):
        kept = []
        for one in every:
            for step in one.steps:
                if step.answer != Answer.SAFE or step.judgement.loss.upper(level) >= max_loss:
                    break
                told = sizes_of(one.entry, step.density)
                known = {
                    "bytes": told["size/bytes"],
                    "macs": told["size/flops"] / 2,
                    "parameters": told["size/parameters"],
                }
                if not one.control and all(known[name] <= limit for name, limit in limits.items()):
                    kept.append((known["bytes"], one.entry, step.density))
        found.append(min(kept)[1:] if kept else None)
    return found


LIMITS = [{}, {"bytes": 251_000}, {"bytes": 130_000, "macs": 5e6}, {"parameters": 41_000}, {"macs": 1.0}]


CASES = [
    pytest.param(limits, max_loss, marks=[] if (place + (max_loss < 0.05)) % 2 else pytest.mark.long)
    for place, limits in enumerate(LIMITS)
    for max_loss in (0.03, 0.10)
]


@DESIGN
@pytest.mark.parametrize(("limits", "max_loss"), CASES)
def test_it_is_what_loops_find(planted, folds, limits, max_loss):
    made = planted(folds)
    found = asked(made, max_loss, limits)
    sure, alone = by_loops(made, max_loss, limits)
    assert network(found.chosen) == sure
    assert network(found.hopeful) == (alone if alone != sure else None)
    assert found.entries == len(MISSED)


@DESIGN
def test_what_is_planted_too_large_too_slow_or_lossy_is_not_chosen(planted, folds):
    made = planted(folds)
    assert network(asked(made, 0.10).chosen) == ("good", 0.125)
    slow = {("good", 0.125): 0.02, ("good", 0.25): 0.003, ("other", 0.25): 0.002}
    found = asked(made, 0.10, {"latency": 0.005}, slow)
    assert network(found.chosen) == ("good", 0.25)
    found = asked(made, 0.10, {"latency": 0.005, "bytes": 200_000}, slow)
    assert found.chosen is None
    assert "lossy" not in {one.entry for one in found.candidates if one.safe}


@DESIGN
@pytest.mark.parametrize("limits", [{"bytes": 130_000, "macs": 1e6}, {"bytes": 100.0}, {"parameters": 20_000}])
@pytest.mark.parametrize("max_loss", [0.02, pytest.param(0.10, marks=pytest.mark.long)])
def test_what_is_said_of_a_limit_is_what_asking_for_it_gives(planted, folds, limits, max_loss):
    made = planted(folds)
    found = asked(made, max_loss, limits)
    assert found.decision != Decision.CHOSEN
    for axis, one in found.relaxed.items():
        lifted = {name: limit for name, limit in limits.items() if name != axis}
        if one is None:
            assert by_loops(made, max_loss, lifted) == [None, None]
        else:
            again = asked(made, max_loss, lifted | {str(axis): one.sizes[axis]})
            assert network(one) == network(again.chosen if one.sure else again.hopeful)
    if found.margin is not None:
        margin, one = found.margin
        assert asked(made, margin, limits).decision == Decision.CHOSEN
        assert network(one) in {network(each) for each in asked(made, margin, limits).candidates if each.sure}
    between = range(1, round(100 * abs((found.margin[0] if found.margin else 0.49) - max_loss)))
    for step in {*between[:1], *between[-1:]} if "parameters" in limits else ():
        for nearer in (max_loss - step / 100, max_loss + step / 100):
            assert not 0 < nearer < 0.5 or asked(made, nearer, limits).chosen is None


def test_the_network_that_ships_is_the_one_that_validation_likes_best_whatever_its_test(planted):
    made = planted()
    draws = np.random.default_rng(5)
    rows = [row for row in made.rows if row["entry"] == "good"]
    liked = {}
    for row in rows:
        key = (row["run_id"], row["density"])
        for images in made.images:
            first = images.iloc[0]
            if (first["run_id"], first["density"], first["split"]) == (*key, "validation"):
                images["score"] = draws.normal(size=len(images)) + images["label"] * draws.uniform(0, 2)
                positives = sorted(images["score"][images["label"] == 1])
                cut = sorted(images["score"][images["label"] == 0], reverse=True)[math.floor(0.3 * 150)]
                liked[key] = sum(score > cut for score in positives) / len(positives)
    found = asked(made, 0.10)
    for one in found.candidates:
        if one.entry == "good":
            own = {key: share for key, share in liked.items() if key[1] == one.density}
            best = max(own, key=own.get)
            assert f"good/0/{one.network.seed}" == best[0]
            assert one.validated == pytest.approx(own[best])
            assert one.networks == 3


def test_choosing_among_fewer_entries_spends_less(planted):
    made = planted(0, {"good": (10, 10, 14), "lossy": (40, 60, 80)}, positives=110)
    margins = [point / 1000 for point in range(60, 120, 10)]
    alone = [network(asked(made, margin, entries=["good"]).chosen) for margin in margins]
    among = [network(asked(made, margin).chosen) for margin in margins]
    assert alone != among
    for one, many in zip(alone, among, strict=True):
        assert (one or ("", 2.0))[1] <= (many or ("", 2.0))[1]


def test_an_entry_of_which_nothing_is_done_was_looked_at_too(planted):
    made = planted()
    for row in made.rows:
        row["status"] = "failed" if row["entry"] == "other" else row["status"]
    found = asked(made, 0.10)
    assert (found.entries, {one.entry for one in found.candidates}) == (5, {"good", "lossy", "scattered"})
    assert network(found.chosen) == by_loops(made, 0.10, {})[0]


def test_a_control_is_chosen_only_where_it_is_named(planted):
    made = planted()
    assert network(asked(made, 0.10, {"bytes": 129_500, "macs": 2e6}).chosen) == ("good", 0.125)
    assert network(asked(made, 0.10, entries=["random"]).chosen) == ("random", 0.125)


def test_where_all_lose_the_dense_network_is_the_choice_if_it_fits(planted):
    made = planted(0, {"lossy": (40, 60, 80)})
    found = asked(made, 0.05)
    assert (found.decision, found.chosen) == (Decision.CHOSEN, None)
    assert asked(made, 0.05, {"bytes": 900_000}).decision == Decision.NONE
    assert asked(made, 0.05, {"bytes": 10.0}).decision == Decision.NONE
    assert asked(made, 0.05, {"latency": 1.0}).decision == Decision.UNDECIDED


def test_where_none_that_may_be_chosen_fits_nothing_is_shown_and_dense_is_no_choice(planted):
    found = asked(planted(0, {"random": (10, 60, 80)}), 0.05)
    assert (found.dense_fits, found.decision) == (True, Decision.UNDECIDED)
    slow = {("lossy", density): 0.01 for density in LEVELS} | {("dense", 1.0): 0.001}
    found = asked(planted(0, {"lossy": (40, 60, 80)}), 0.05, {"latency": 0.005}, slow)
    assert (found.dense_fits, found.decision) == (True, Decision.NONE)


def test_too_few_networks_or_a_missing_one_decide_nothing(planted):
    made = planted(0, {"good": (10, 10, 10)})
    made.lose("good", 0.25, seed=1)
    found = asked(made, 0.10)
    assert network(found.chosen) == ("good", 0.5)
    for seed in (1, 2):
        made.lose("good", seed=seed).lose("dense", seed=seed)
    found = asked(made, 0.10)
    assert (found.decision, found.chosen) == (Decision.UNDECIDED, None)


def test_what_no_axis_is_known_of_is_not_known_to_fit(planted):
    made = planted()
    for row in made.rows:
        del row["size/bytes"]
    assert network(asked(made, 0.10).chosen) == ("good", 0.125), "then MACs decide, and parameters"
    found = asked(made, 0.10, {"bytes": 1e9})
    assert (found.decision, found.unknown) == (Decision.UNDECIDED, (Axis.BYTES,))
    assert network(found.relaxed[Axis.BYTES]) == ("good", 0.125)


def test_a_dense_network_in_fewer_bits_is_chosen_from_too(planted):
    made = planted(0, {"lossy": (40, 60, 80)})
    made.entry("dense+int8", 1.0, 10, spread=1, **sizes_of("dense", 1.0) | {"size/bytes": 250_000})
    assert network(asked(made, 0.10, {"bytes": 300_000}).chosen) == ("dense+int8", 1.0)
