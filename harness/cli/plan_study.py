"""`harness plan-study`: what could be told apart, and what it would take, before anybody trains."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.cli.messages import show, show_json
from harness.cli.options import JsonOption
from harness.cli.study_options import (
    NEGATIVES,
    USUAL,
    AucOption,
    CorrelationOption,
    DeltaOption,
    EntriesOption,
    FprOption,
    GapOption,
    LevelsOption,
    NegativesOption,
    PositivesOption,
    SeedCorrelationOption,
    SeedsOption,
    StudyFoldsOption,
    TauOption,
    refuse_bad,
)
from harness.power.study import Assumptions, Study

if TYPE_CHECKING:
    from harness.evaluation.terms import Terms


def plan_study(
    positives: PositivesOption,
    seeds: SeedsOption,
    entries: EntriesOption,
    negatives: NegativesOption = None,
    folds: StudyFoldsOption = None,
    levels: LevelsOption = 1,
    gap: GapOption = 0.05,
    fpr: FprOption = None,
    delta: DeltaOption = None,
    auc: AucOption = USUAL.auc,
    tau: TauOption = USUAL.tau,
    correlation: CorrelationOption = USUAL.correlation,
    seed_correlation: SeedCorrelationOption = USUAL.seed_correlation,
    as_json: JsonOption = False,
) -> None:
    """Say what a study could tell apart, and what it would take, before anybody trains."""
    study = {"positives": positives, "negatives": NEGATIVES * positives if negatives is None else negatives}
    study |= {"seeds": seeds, "entries": entries, "levels": levels}
    assumed = {"auc": auc, "tau": tau, "correlation": correlation, "seed_correlation": seed_correlation}
    refuse_bad({**study, "folds": folds, "gap": gap, "fpr": fpr, "delta": delta, **assumed})
    from harness.cli.study_text import study_text
    from harness.evaluation.terms import Terms

    chosen = {name: value for name, value in (("fpr", fpr), ("delta", delta)) if value is not None}
    found = study_values(Study(folds=folds, **study), Assumptions(**assumed), Terms(**chosen), gap)
    if as_json:
        show_json(found)
    else:
        show(study_text(found))


def study_values(study: Study, assumed: Assumptions, terms: "Terms", gap: float) -> dict[str, Any]:
    """Return everything that is shown, as plain values; None with fewer than three networks, and for *never*."""
    from harness.evaluation.safety import FEWEST_NETWORKS
    from harness.power.chances import comparison, found, safe, shown_strong
    from harness.power.enough import question

    compared = comparison(study, assumed) if study.networks >= FEWEST_NETWORKS else None
    powers = {
        "gap": lambda one: found(one, assumed, gap),
        "safe": lambda one: safe(one, assumed, terms.fpr, terms.delta).called,
        "strong": lambda one: shown_strong(one, assumed, terms.fpr, terms.delta),
    }
    return {
        "study": {**asdict(study), "networks": study.networks, "comparisons": study.comparisons},
        "terms": {"fpr": terms.fpr, "delta": terms.delta},
        "gap": gap,
        "told_apart": compared and compared.gap,
        "half_width": compared and compared.half_width,
        "dense": _dense(study, assumed, terms),
        "questions": {name: question(study, power)._asdict() for name, power in powers.items()},
        "assumed": {**asdict(assumed), "both": assumed.both},
    }


def _dense(study: Study, assumed: Assumptions, terms: "Terms") -> dict[str, Any]:
    """Return the dense network's sensitivity and lift, and from which on it is shown strong enough."""
    from harness.evaluation.safety import FEWEST_NETWORKS
    from harness.power.binormal import expected_sensitivity
    from harness.power.chances import strong_from

    sensitivity = expected_sensitivity(assumed.auc, terms.fpr).value
    enough = study.networks >= FEWEST_NETWORKS
    least = strong_from(study, assumed, terms.fpr, terms.delta) if enough else None
    strong = least and {"auc": least, "sensitivity": expected_sensitivity(least, terms.fpr).value}
    return {"sensitivity": sensitivity, "lift": sensitivity - terms.fpr, "strong_from": strong}
