"""The checklist for evaluations of pruning in words: what is asked, the answer, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.reports.analysis.checklist import (
    ENOUGH_LEVELS,
    FALL,
    INITIAL,
    LEVELS,
    NETWORKS,
    OLD,
    Answer,
    Checked,
    Item,
    checklist,
)
from harness.reports.analysis.leaderboard import Board
from harness.reports.formatting import listed, numbered, points
from harness.reports.words.provenance import LABELS

SOURCE = "Blalock, Gonzalez Ortiz, Frankle & Guttag 2020, What is the State of Neural Network Pruning?, appendix B"
NAMED = 7
"""So many are named in a sentence, more are counted."""
METHODS, RUN, RESULTS, BESIDE = "The methods", "The experiment", "The results", "Compared with"


@dataclass(frozen=True)
class ChecklistLine:
    """One item: its ``group``, what is ``asked``, the ``answer`` ("yes", "partly", "no") and ``why`` in a sentence."""

    group: str
    asked: str
    answer: str
    why: str


@dataclass(frozen=True)
class _Words:
    """What is asked, and why the answer is what it is; ``{has}`` and ``{lacks}`` are what the item has and lacks."""

    group: str
    asked: str
    yes: str = "Here: {has}."
    partly: str = "Here: {has}. Missing: {lacks}."
    no: str = "Missing: {lacks}."

    def why(self, found: Checked) -> str:
        names = {"has": found.has, "lacks": found.lacks}
        texts = {name: _named([LABELS.get(one, one) for one in ones]) for name, ones in names.items() if ones}
        return str(getattr(self, found.answer.value)).format(**texts)


def _named(texts: Sequence[str]) -> str:
    more = len(texts) - NAMED
    return listed([*texts[:NAMED], f"{more} more"] if more > 1 else texts)


def checked(board: Board) -> list[ChecklistLine]:
    """Return the checklist filled in, in its order."""
    return [_line(found, board) for found in checklist(board)]


def _line(found: Checked, board: Board) -> ChecklistLine:
    words = _WORDS[found.item]
    special = _SPECIAL.get(found.item)
    why = special(found, board) if special else words.why(found)
    return ChecklistLine(words.group, words.asked, found.answer.value, why)


def _levels(found: Checked, board: Board) -> str:
    if not found.has:
        return "Nothing was pruned."
    enough = f" of the {ENOUGH_LEVELS} that are asked for" if LEVELS in found.lacks else ""
    fallen = "no entry loses" if FALL in found.lacks else "some entry loses"
    delta = points(board.terms.delta)
    return (
        f"{numbered(int(found.has[0]), 'level')}{enough} below dense; {fallen} {delta} or more at equal false alarms."
    )


def _seeds(found: Checked, board: Board) -> str:
    if not found.has:
        return "Each entry was trained once."
    few = ", too few to tell what chance does" if NETWORKS in found.lacks else ""
    drawn = ["head" if INITIAL in found.lacks else "initial weights", "order of the images"]
    drawn = [*(["split"] if board.provenance.get("split") == "seed" else []), *drawn]
    same = ", the pretrained layers are the same for all" * (INITIAL in found.lacks)
    return f"{found.has[0]} networks of each entry at each level{few}: {listed(drawn)} are drawn anew for each{same}."


def _error_bars(found: Checked, _: Board) -> str:
    if found.answer == Answer.YES:
        return (
            "Means over networks and their range, with 95% intervals over networks and images; docs/results.md defines"
            " them."
        )
    if found.answer == Answer.NO:
        return "There are no figures."
    return "95% intervals over images alone: too few networks for what another training would give."


def _alike(found: Checked, _: Board) -> str:
    same = "All ran on the same images, seeds and schedule, on the machine that is named, none copied from a paper"
    if found.lacks:
        return f"{same}; they took different numbers of steps, by which the leaderboard groups them."
    return f"{same}, for the same number of steps."


_SPECIAL: Mapping[Item, Callable[[Checked, Board], str]] = {
    Item.LEVELS: _levels,
    Item.SEEDS: _seeds,
    Item.ERROR_BARS: _error_bars,
    Item.ALIKE: _alike,
}

_PROVENANCE = ("In the provenance: {has}.", "In the provenance: {has}. Missing: {lacks}.", "Missing: {lacks}.")

_WORDS: Mapping[Item, _Words] = {
    Item.CONTEXT: _Words(METHODS, f"Magnitude pruning, published methods and one from before {OLD} stand side by side"),
    Item.DETAIL: _Words(
        METHODS,
        "Each method is told well enough to be built again",
        "Publication, code and parameters of {has} are told.",
        "Publication and code of {has} are told, not of {lacks}.",
        "Neither publication nor code of {lacks} is told.",
    ),
    Item.CLAIMS: _Words(METHODS, "Claims go no further than what was run", "Nothing is said beyond {has}."),
    Item.CODE: _Words(
        METHODS,
        "The code can be had",
        "The card of each method says where: {has}.",
        "Told of {has}, not of {lacks}.",
        "Not told of {lacks}.",
    ),
    Item.NETWORK: _Words(RUN, "The network and its training are told", *_PROVENANCE),
    Item.ARCHITECTURE: _Words(
        RUN,
        "The network's publication is cited",
        partly="It is named ({has}); its publication stands with its code, not here.",
        no="The network is not named.",
    ),
    Item.DATA: _Words(RUN, "The images are told, and how they are fed", *_PROVENANCE),
    Item.MACHINE: _Words(RUN, "Hardware and libraries are told", *_PROVENANCE),
    Item.LEVELS: _Words(RESULTS, "Several levels, down to where quality falls a lot"),
    Item.RAW: _Words(
        RESULTS,
        "Raw figures at each level, not differences alone",
        "Each entry has its own at each level, in the leaderboard and in the files.",
        "Each entry has its own at each level, but for networks of {lacks} that are missing.",
        "There are none.",
    ),
    Item.SEEDS: _Words(RESULTS, "Several trainings, from other initial weights and seeds"),
    Item.ERROR_BARS: _Words(RESULTS, "Means and spread, with error bars that are defined"),
    Item.FLOPS: _Words(
        RESULTS,
        "Operations are counted where efficiency is claimed",
        "Counted for every entry; time on a device is not claimed.",
        "Counted for {has}, not for {lacks}.",
        "Not counted.",
    ),
    Item.RANDOM: _Words(
        BESIDE,
        "Random pruning over all layers",
        partly="{has} prunes each layer alike: add random[scope=global].",
        no="Nothing prunes by chance: add random[scope=global].",
    ),
    Item.RANDOM_LAYERWISE: _Words(
        BESIDE,
        "Random pruning that keeps the method's layers",
        "Beside {has}.",
        "Beside {has}, not beside {lacks}.",
        "Not beside {lacks}: add random-layerwise[of=METHOD].",
    ),
    Item.MAGNITUDE: _Words(BESIDE, "Magnitude pruning over all layers or each alike", no="Missing: add magnitude."),
    Item.MAGNITUDE_LAYERWISE: _Words(
        BESIDE,
        "Magnitude pruning that keeps the method's layers",
        "Beside {has}.",
        "Beside {has}, not beside {lacks}.",
        "Not beside {lacks}: add magnitude-layerwise[of=METHOD].",
    ),
    Item.OTHERS: _Words(
        BESIDE,
        "Other published methods",
        partly="Only {has}.",
        no="None.",
    ),
    Item.ALIKE: _Words(BESIDE, "How the comparison was made, and where it is not even"),
}
