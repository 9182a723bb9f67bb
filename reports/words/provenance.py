"""Where the numbers come from, as label and text, for the end of the page."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.reports.analysis.design import Design
from harness.reports.analysis.leaderboard import Board

LABELS = {
    "command": "Command",
    "started": "Started",
    "finished": "Newest result",
    "dataset": "Data set",
    "dataset_version": "Data set version",
    "citation": "Data set's source",
    "licence": "Data set's licence",
    "counts": "Images",
    "partial": "Missing images",
    "broken": "Images that cannot be read",
    "duplicates_allowed": "Images in two splits allowed",
    "near_duplicates": "Images that look nearly like another",
    "fold": "Folds that are tested",
    "folds": "Folds",
    "imbalance": "Negatives per positive in training",
    "recipe": "Choice of the recipe",
    "fallback_for": "Stands in for",
    "simulated": "Simulated",
    "network": "Network",
    "size": "Image size (px)",
    "weights": "Initial weights (W0)",
    "trained": "Dense network trained elsewhere",
    "own_weights": "Initial weights of a method's own network",
    "pretraining": "Pretraining of W0",
    "w0_saw_classes": "W0 saw these classes in its pretraining",
    "schedule": "Training schedule",
    "split_seed": "Validation split seed",
    "split": "Validation split",
    "preset": "Preset",
    "seeds": "Seeds",
    "fingerprint": "Data fingerprint",
    "test_part": "Test images",
    "looks": "Entries ever scored on these test images",
    "verdict": "Judged by",
    "group": "Group (comparable results)",
    "family": "Family (groups that differ by their fold alone)",
    "kin": "Kin (families that differ by the kind of machine alone)",
    "setting": "Setting (shared with its tuning studies)",
    "environment": "Environment class",
    "versions": "Versions",
}
ONLY_WHERE_KNOWN = {"fallback_for", "fold", "folds", "imbalance", "recipe"}
_OF_ONE = " Other trainings are such of pruned networks: the dense network is one, and was trained elsewhere."
SHOWN_ELSEWHERE = {"positive", "classes", "caveats", "large_groups", "methods"}


def provenance(board: Board) -> list[tuple[str, str]]:
    """Return every fact of the group, the known ones first, the others under their own name."""
    facts = {name: value for name, value in board.provenance.items() if name not in SHOWN_ELSEWHERE}
    facts = {name: value for name, value in facts.items() if value is not None or name not in ONLY_WHERE_KNOWN}
    known = [(LABELS[name], _fact(name, facts[name], board)) for name in LABELS if name in facts]
    return [*known, *((name, _text(value)) for name, value in facts.items() if name not in LABELS)]


def cut_words(facts: Mapping[str, Any]) -> str:
    """Return which ratio a group is of, an empty text where it is of none."""
    return f"{facts['imbalance']:g} negatives per positive in training" if facts.get("imbalance") else ""


def _fact(name: str, value: Any, board: Board) -> str:
    if name == "counts" and isinstance(value, Mapping):
        return _images(value, str(board.provenance.get("positive", "positive")))
    if name == "partial" and isinstance(value, Mapping):
        return "; ".join(
            f"{split}: {counts.get('found')} of {counts.get('expected')} found" for split, counts in value.items()
        )
    if name in ("partial", "broken") and not value:
        return "none"
    if name == "broken":
        return "; ".join(map(str, value))
    return _text(value)


def _images(counts: Mapping[str, Mapping[str, Any]], positive: str) -> str:
    """Return the images of each split; of folds those of one split together, with the least and the most."""
    splits: dict[str, list[Mapping[str, Any]]] = {}
    for name, one in counts.items():
        fold, _, split = name.rpartition(", ")
        splits.setdefault(f"{split} of a fold" if fold else name, []).append(one)
    return "; ".join(
        f"{split}: {_range(one.get('p') for one in own)} {positive}, {_range(one.get('n') for one in own)} others"
        for split, own in splits.items()
    )


def _range(numbers: Iterable[Any]) -> str:
    texts = sorted({str(number) for number in numbers}, key=lambda text: (len(text), text))
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(inner) for inner in value)
    return str(value)


def caveats(board: Board) -> list[str]:
    """Return what the numbers do not say."""
    found = [
        "Masked weights are zeros in a dense network: on ordinary hardware it is neither faster nor, "
        "uncompressed, smaller. A network without a mask, such as a MobileNet, is as small as it says. "
        "“Remaining” counts parameters, not milliseconds.",
        _intervals(board.design) + (_OF_ONE if board.provenance.get("trained") else ""),
        "A mean count such as 6.5/75 is over seeds; its interval is that of one network with that many.",
        "Validation chose thresholds and recipe: its figures are optimistic and stand nowhere beside test figures.",
        "Thresholds were fixed on validation; each network was scored on its test images once.",
    ]
    if not board.design.anecdote:
        found += [
            "Safe says that the loss is, with 95% confidence, below the margin at equal false alarms. It is no claim "
            "on other populations than that of the test images.",
            "Ranks and letters are corrected for all pairs at all levels of this page (Holm). An entry's walk down its "
            "levels needs no correction; picking one of many entries does, and the first sentences make it.",
        ]
    if board.design.folded:
        found.append(
            "The folds' training images overlap: their variance is enlarged by n_test/n_train (Nadeau and Bengio "
            "2003), a correction that is known to be rough."
        )
    return found


def _intervals(design: Design) -> str:
    if design.anecdote:
        return (
            "An interval is one on these very networks, on other test images: what other trainings would give is not "
            "known."
        )
    return (
        "Of the two intervals of a figure the wider is a claim on the method, over other trainings and other test "
        "images; the narrower is one on these very networks, on other test images."
    )
