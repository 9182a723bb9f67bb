"""What studies chose, by what, and what to mind, in sentences for the page and the terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.formatting import decimal, percent, share
from harness.results.names import REFERENCES
from harness.results.study_record import Interval, StudyRecord


def quoted(names: Iterable[str]) -> str:
    """Return names for a sentence."""
    return ", ".join(f"“{name}”" for name in names)


def changed(study: StudyRecord, arrow: str = "→") -> str:
    """Return the parameters that were changed, as "rate 0.75 → 0.61", or why there are none."""
    if study.best is None:
        return "no trial gave a network"
    changes = [f"{name} {_shown(old)} {arrow} {_shown(new)}" for name, (old, new) in study.changes.items()]
    return ", ".join(changes) or "default kept"


def _shown(value: Any) -> str:
    """Return a parameter's value; one that depends on another parameter may be absent."""
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aim(study: StudyRecord) -> str:
    """Return what the values of a study are."""
    return "validation AUC" if study.by_auc else "validation FNR"


def value(study: StudyRecord, number: float) -> str:
    """Return a value of a study: an AUC to three decimals, or an FNR as a share."""
    return decimal(number) if study.by_auc else share(number)


def importance(study: StudyRecord) -> str:
    """Return each parameter's share of what the values differ by, the largest first."""
    shares = sorted(study.importance.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {part:.0%}" for name, part in shares)


def aims(board: Board) -> list[str]:
    """Say by what and on what the group's studies chose, a sentence for those that did it alike."""
    alike: dict[str, list[StudyRecord]] = {}
    for study in board.studies:
        alike.setdefault(_aim(study, board), []).append(study)
    if len(alike) == 1:
        return list(alike)
    return [
        f"{quoted(study.entry for study in studies)}: {text[0].lower()}{text[1:]}" for text, studies in alike.items()
    ]


def _aim(study: StudyRecord, board: Board) -> str:
    levels = ", ".join(percent(density) for density in study.densities)
    ours = "" if set(study.seeds) & set(board.seeds) else ", which is none of this page's seeds"
    if study.by_auc:
        rule = f"validation AUC, mean over the levels {levels} (a level without a network counts as 0.5)"
    else:
        limit = "" if study.fpr_bound is None else percent(study.fpr_bound)
        bound = limit and f", as long as the false alarms there (FPR) are at most {limit}"
        mean = f"mean over the levels {levels} (one without a network counts as 100%)"
        rule = f"validation FNR at sens95 (lower is better), {mean}{bound}"
    if len(study.seeds) > 1 and ours:
        ours = ", none of which is a seed of this page"
    return f"Chosen by {rule}. Tuning saw {_seeds(study.seeds)}{ours}. Test images played no part in choosing."


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) != 1 else ''} {', '.join(map(str, seeds))}"


def untuned(board: Board) -> str:
    """Say which entries of the group no study covers, empty where there are none."""
    covered = {*REFERENCES, *(name for study in board.studies for name in (study.entry, study.choice))}
    rest = sorted({cell.entry for cell in board.cells} - covered)
    return f"No study shown here chose these; they ran as their names say: {quoted(rest)}." if rest else ""


def warnings(board: Board) -> list[str]:
    """Return what to mind: a best value at the edge of its range, a bound that nobody met, seeds seen before."""
    return [text for study in board.studies for text in (*_edges(study), *_broken(study), *_overlap(study, board))]


def _edges(study: StudyRecord) -> Iterable[str]:
    best = {} if study.best is None else study.best.parameters
    for name in study.edges:
        space = study.space.get(name)
        limits = f" {_shown(space.low)} to {_shown(space.high)}" if isinstance(space, Interval) else ""
        yield (
            f"{quoted([study.entry])}: the best value of {name}, {_shown(best.get(name))}, "
            f"sits on the edge of its range{limits}: the best may lie outside; widen the range."
        )


def _broken(study: StudyRecord) -> Iterable[str]:
    if study.best is not None and not study.best.feasible:
        bound = "" if study.fpr_bound is None else f" FPR ≤ {percent(study.fpr_bound)}"
        what = "of all, the one with the fewest false alarms was chosen"
        yield f"{quoted([study.entry])}: no trial met the bound{bound}; {what}."


def _overlap(study: StudyRecord, board: Board) -> Iterable[str]:
    if both := sorted(set(study.seeds) & set(board.seeds)):
        yield (
            f"{quoted([study.entry])}: tuning saw {_seeds(both)}, which this page shows too: what was chosen may suit "
            "these seeds by chance."
        )
